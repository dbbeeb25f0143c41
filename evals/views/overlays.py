"""Text that a viewer or a web site drew over a picture: where it lies, found by its shape.

A footer is one or two lines of grey letters on a black strip along the lower edge. Other lines are
of bright letters: a window setting, the number of a slice, what a workstation writes into corners.
Nothing is read: names and dates are found without becoming text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evals.views.box import Box, around

Grey = NDArray[np.uint8]

_DARK = 60  # a footer's strip is black but for the noise of JPEG
_FOOTER_GREY = 200  # and its letters are grey
_TAILS = 0.025
_TALLEST_LINE_PX = 14
_BLACK = 24  # grey level of what surrounds the letters in a corner, where no anatomy is
_DIM = 64
_CORNER_PX = 40
_EDGE_SHARE = 0.12
_WORKSTATION_LINES = 3


def footer_rows(grey: Grey) -> int:
    """How many rows the footer's strip takes up along the lower edge; 0 when there is none.

    Args:
        grey: (rows, columns).
    """
    found = 0
    for _ in range(2):
        line = _footer_line(grey[: grey.shape[0] - found], is_first=not found)
        if not line:
            break
        found += line
    return found


def text_lines(grey: Grey) -> list[Box]:
    """Lines of bright letters.

    Anywhere: four and more of one height on one base line. On black near the upper or lower edge:
    three and more of any height. In a corner on black, or cut by the lower edge there: one. Where
    a workstation has filled the corners: every mark as small as a letter near those edges.

    Args:
        grey: (rows, columns), without the footer.
    """
    glyphs = _glyphs(grey)
    level = [around(line) for line in _chains(glyphs, _is_level) if len(line) >= 4]
    near = [(len(line), around(line)) for line in _chains(glyphs, _is_near)]
    on_black = [
        box
        for letters, box in near
        if (letters >= 3 and _is_at_edge(grey, box) and _surround(grey, box) <= _BLACK)
        or _is_corner_mark(grey, box)
    ]
    found = [*level, *on_black]
    places = {
        (box.top // _TALLEST_LINE_PX, box.left > grey.shape[1] // 2)
        for box in found
        if _is_at_edge(grey, box) and box.right - box.left > _TALLEST_LINE_PX
    }
    if len(places) >= _WORKSTATION_LINES:
        found += [
            glyph
            for glyph in _glyphs(grey, least_grey=_DIM, least_stroke=_DIM - _BLACK)
            if _is_at_edge(grey, glyph)
            and glyph.bottom - glyph.top <= _TALLEST_LINE_PX
            and _surround(grey, glyph) <= _DIM
        ]
    return found


def _footer_line(grey: Grey, *, is_first: bool) -> int:
    """Rows of one line of small grey letters with the dark row above it, 0 when it is none."""
    rows = grey[::-1][: _TALLEST_LINE_PX + 6]
    # A comma's tail and a letter's, which hang below the line, leave a row dark.
    is_dark = (rows >= _DARK).mean(axis=1) <= _TAILS
    start = _next_dark(is_dark, 0, wanted=False)
    end = _next_dark(is_dark, start, wanted=True)
    if end - start < 3 and not is_first:  # tails alone
        start = _next_dark(is_dark, end, wanted=False)
        end = _next_dark(is_dark, start, wanted=True)
    height = end - start
    if start > 6 or end == len(rows) or not 3 <= height <= _TALLEST_LINE_PX:
        return 0
    letters = rows[start:end] >= _DARK
    if rows[start:end].max() > _FOOTER_GREY or letters.mean() > 0.6:
        return 0
    changes = np.count_nonzero(letters[:, 1:] != letters[:, :-1]) / height
    return end + 1 if changes >= 12 else 0


def _next_dark(is_dark: NDArray[np.bool_], start: int, *, wanted: bool) -> int:
    """Index of the next row that is dark, or is not; the number of rows when there is none."""
    found = np.flatnonzero(is_dark[start:] == wanted)
    return start + int(found[0]) if found.size else len(is_dark)


def _glyphs(grey: Grey, *, least_grey: int = 110, least_stroke: int = 70) -> list[Box]:
    """What may be a letter, from left to right."""
    strokes = ndimage.white_tophat(grey, size=(9, 9))
    labels, _ = ndimage.label(
        (strokes > least_stroke) & (grey > least_grey), structure=np.ones((3, 3))
    )
    found = []
    for rows, columns in ndimage.find_objects(labels):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        least = 2 if rows.stop == grey.shape[0] else 4
        if least <= height <= 26 and width <= 8 * max(height, 8):
            found.append(
                Box(top=rows.start, bottom=rows.stop, left=columns.start, right=columns.stop)
            )
    return sorted(found, key=lambda box: (box.left, box.top))


def _chains(glyphs: Sequence[Box], is_next: Callable[[Box, Box], bool]) -> list[list[Box]]:
    """Letters from left to right, each put behind the line it goes on."""
    lines: list[list[Box]] = []
    for glyph in glyphs:
        line = next((line for line in lines if is_next(line[-1], glyph)), None)
        if line is None:
            lines.append([glyph])
        else:
            line.append(glyph)
    return lines


def _is_level(last: Box, glyph: Box) -> bool:
    height = last.bottom - last.top
    return (
        abs(last.bottom - glyph.bottom) <= 1
        and abs(last.top - glyph.top) <= 1 + height // 8
        and -1 <= glyph.left - last.right <= 1.6 * height
    )


def _is_near(last: Box, glyph: Box) -> bool:
    height = max(8, last.bottom - last.top)
    return (
        abs(last.bottom - glyph.bottom) <= 3
        and abs(last.top - glyph.top) <= height // 2
        and -1 <= glyph.left - last.right <= 1.6 * height
    )


def _is_at_edge(grey: Grey, box: Box) -> bool:
    """Whether it lies where a workstation writes; vessels within a lung look like letters too."""
    rows = int(grey.shape[0])
    band = round(_EDGE_SHARE * rows)
    return box.bottom <= band or box.top >= rows - band


def _is_corner_mark(grey: Grey, box: Box) -> bool:
    rows, columns = grey.shape
    if box.left > _CORNER_PX or box.right > columns // 2:
        return False
    if box.bottom >= rows - 3:
        return _surround(grey, box) <= _DIM and int(grey[box.top : box.bottom].max()) >= 240
    return (
        box.left <= 8
        and (box.top <= _CORNER_PX // 2 or box.bottom >= rows - _CORNER_PX)
        and box.right - box.left <= _CORNER_PX
        and _surround(grey, box) <= _DIM
    )


def _surround(grey: Grey, box: Box) -> float:
    """The grey level that a little more than half of the place stays below."""
    place = grey[max(0, box.top - 3) : box.bottom + 3, max(0, box.left - 3) : box.right + 3]
    return float(np.quantile(place, 0.55))
