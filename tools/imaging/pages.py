"""Pictures that are not the image they seem: pages of text, photographs of films, several panels.

Each is a hint from the grey values alone, made to miss rather than to cry wolf: anatomy has large
connected shapes, letters have not; a light box glows unevenly around a film with straight edges;
panels meet a plain gap with their edges.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

_MOST_PIXELS = 1600  # of the longer side; every few pixels of larger pictures do
_INK_GREY, _PAPER_GREY, _PAPER_SHARE = 60, 24, 0.5
_LETTER_HIGH, _LETTER_WIDE = 0.06, 0.12  # share of the picture
_LETTERS, _LETTER_SHARE, _LINES, _STROKES = 40, 0.6, 5, 12
_GLOW_GREY, _GLOW_SD, _FILM_DARK = 120, 3.0, 0.6
_FILM_SIDES, _STRAIGHT_PIXELS, _STRAIGHT_SHARE = 3, 1.0, 0.7
_EDGE_PIXELS = 3
_PLAIN_GREY, _GAP_WIDE, _GAP_SHARE = 10, 0.1, 0.4


def limits_of_picture(grey: Grey) -> Iterator[str]:
    """What a picture may be instead of an image.

    Args:
        grey: (rows, columns) uint8, as displayed.
    """
    step = -(-max(grey.shape) // _MOST_PIXELS)
    grey = grey[::step, ::step]
    if min(grey.shape) < 32:
        yield "a very small picture: detail is lost"
    elif is_page(grey):
        yield "it may be a page of text, not an image"
    elif is_film(grey):
        yield "it may be a photograph of a film: grey values and sizes are the photograph's"
    elif has_panels(grey):
        yield "it may hold several pictures side by side: places and sides are each picture's own"


def is_page(grey: Grey) -> bool:
    """Lines of small shapes on a plain ground, dark on light or light on dark."""
    from scipy import ndimage

    ground = int(np.bincount(grey.ravel(), minlength=256).argmax())
    apart = np.abs(grey.astype(np.int16) - ground)
    if float((apart <= _PAPER_GREY).mean()) < _PAPER_SHARE:
        return False
    shapes, count = ndimage.label(apart > _INK_GREY, structure=np.ones((3, 3)))
    boxes = [(s[0].stop - s[0].start, s[1].stop - s[1].start) for s in ndimage.find_objects(shapes)]
    if count < _LETTERS:
        return False
    high, wide = np.array(boxes).T
    sizes = np.bincount(shapes.ravel(), minlength=count + 1)[1:]
    is_letter = (
        (high >= 5)
        & (high <= _LETTER_HIGH * grey.shape[0])
        & (wide <= _LETTER_WIDE * grey.shape[1])
    )
    is_ruled = np.minimum(high, wide) <= 4  # lines of tables and underlines, dots and commas
    letters, others = sizes[is_letter].sum(), sizes[~is_letter & ~is_ruled].sum()
    if int(is_letter.sum()) < _LETTERS or letters < _LETTER_SHARE * (letters + others):
        return False
    written = np.concatenate([[False], is_letter])[shapes]
    strokes = (written[:, 1:] != written[:, :-1]).sum(axis=1)
    starts, ends = _runs(strokes >= _STROKES)
    tall = ends - starts
    return int(((tall >= 4) & (tall <= 0.08 * len(grey))).sum()) >= _LINES


def is_film(grey: Grey) -> bool:
    """A bright surround that is not plain, with a darker shape in it that has straight edges."""
    rim = max(2, min(grey.shape) // 40)
    sides = (grey[:rim].ravel(), grey[-rim:].ravel(), grey[:, :rim].ravel(), grey[:, -rim:].ravel())
    around = np.concatenate(sides)
    if float(np.median(around)) < _GLOW_GREY or float(around.std()) < _GLOW_SD:
        return False
    step = max(1, max(grey.shape) // 256)
    small = grey[::step, ::step]
    return sum(_straight_edge(np.rot90(small, k)) for k in range(4)) >= _FILM_SIDES


def _straight_edge(grey: Grey) -> bool:
    """Whether the first dark pixels from the left stand in a straight line, off the border."""
    rows = slice(len(grey) // 5, len(grey) * 4 // 5)
    dark = grey[rows, : grey.shape[1] // 3] < _FILM_DARK * float(np.median(grey[:, :3]))
    found = np.flatnonzero(dark.any(axis=1))
    if len(found) < 0.8 * len(dark) or len(found) < 20:
        return False
    row, edge = found.astype(np.float64), dark.argmax(axis=1)[found].astype(np.float64)
    for _ in range(3):
        off = np.abs(edge - np.polyval(np.polyfit(row, edge, 1), row))
        near = off <= max(1.5, 2.0 * float(np.median(off)))
        row, edge = row[near], edge[near]
    off = np.abs(edge - np.polyval(np.polyfit(row, edge, 1), row))
    is_straight = float(np.median(off)) <= _STRAIGHT_PIXELS
    is_long = len(row) >= _STRAIGHT_SHARE * len(found)
    return is_straight and is_long and float(np.median(edge)) >= _EDGE_PIXELS


def has_panels(grey: Grey) -> bool:
    """A plain gap across the whole picture that pictures on both sides end at."""
    return _has_gap(grey) or _has_gap(grey.T)


def _has_gap(grey: Grey) -> bool:
    columns = grey.shape[1]
    low, high = np.percentile(grey, (2, 98), axis=0)
    for start, end in zip(*_runs(high - low <= _PLAIN_GREY), strict=True):
        inside = 0.15 * columns <= start and end <= 0.85 * columns
        if not inside or end - start > _GAP_WIDE * columns:
            continue
        gap = float(np.median(grey[:, start:end]))
        beside = grey[:, [start - _EDGE_PIXELS, min(columns, end + _EDGE_PIXELS) - 1]]
        ends_there = np.abs(beside.astype(np.float64) - gap) > _PAPER_GREY
        if float(ends_there.mean(axis=0).min()) >= _GAP_SHARE:
            return True
    return False


def _runs(flags: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Starts and ends (exclusive) of the runs of True."""
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
