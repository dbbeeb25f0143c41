"""Where the watermark of MedPix lies on a picture, found by its shape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from skimage.feature import match_template

from evals.views.box import Box

_WATERMARK = "MedPix®"
_SIZES_PX = range(9, 28)
_LEAST_CONTRAST = 10.0  # grey levels
_SURE = 0.2  # so much liker than it must be that no part need be looked for


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """How a part of it is looked for.

    Attributes:
        least_likeness: Correlation from which on it is there: higher for a part, which chance
            resembles more easily.
        is_at_right_edge, is_at_top: Where the picture was cut through it.
    """

    least_likeness: float
    is_at_right_edge: bool = False
    is_at_top: bool = False

    def slack_px(self, size: int) -> tuple[int, int]:
        """Rows and columns by which it may lie further from the corner than the least."""
        return (2 if self.is_at_top else 4), (4 if self.is_at_right_edge else round(size * 0.75))


class _Part(Enum):
    WHOLE = _Look(least_likeness=0.3)
    FIRST_LETTERS = _Look(least_likeness=0.55, is_at_right_edge=True)
    LOWER_PART = _Look(least_likeness=0.5, is_at_top=True)


def watermark(grey: NDArray[np.uint8]) -> Box | None:
    """Where it lies in the upper right corner; None when it is not there.

    Its size differs, and its distance from the corner follows from its size. On a picture that was
    cut afterwards only its first letters or its lower part may be left, at the edge.

    Args:
        grey: (rows, columns).
    """
    fine = _fine(grey[:60])
    best, where = _best(fine, _Part.WHOLE)
    if best < _SURE:
        for part in (_Part.FIRST_LETTERS, _Part.LOWER_PART):
            likeness, found = _best(fine, part)
            if likeness > best:
                best, where = likeness, found
    if where is None:
        return None
    # The sign at its end is wider in some fonts than in the one it is looked for with.
    wider = round(0.3 * (where.bottom - where.top))
    return replace(where, right=min(grey.shape[1], where.right + wider))


def _best(fine: NDArray[np.float64], part: _Part) -> tuple[float, Box | None]:
    """The likest place, and by how much it is liker than it must be; (0, None) for none."""
    best, where = 0.0, None
    for size in _SIZES_PX:
        drawn = _drawn(size, part)
        height, width = drawn.shape
        above, beside = part.value.slack_px(size)
        top = 0 if part.value.is_at_top else max(0, size // 4 - 2)
        corner = fine[top : top + height + above, -(width + beside) :]
        if corner.shape != (height + above, width + beside):
            continue
        likeness = _likeness(corner, drawn) - part.value.least_likeness
        peak = int(likeness.argmax())
        row, column = divmod(peak, likeness.shape[1])
        left = fine.shape[1] - width - beside + column
        found = Box(top=top + row, bottom=top + row + height, left=left, right=left + width)
        if likeness.flat[peak] > best and _contrast(fine, found, drawn) >= _LEAST_CONTRAST:
            best, where = float(likeness.flat[peak]), found
    return best, where


def _likeness(place: NDArray[np.float64], drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normalised correlation, -1 to 1, at each position of the drawing in a place."""
    found: NDArray[np.float64] = match_template(place, drawn)  # type: ignore[no-untyped-call]
    return found


def _contrast(fine: NDArray[np.float64], box: Box, drawn: NDArray[np.float64]) -> float:
    """By how many grey levels the letters differ from what is between them."""
    place = fine[box.top : box.bottom, box.left : box.right]
    letters = drawn > drawn.max() / 2
    return abs(float(place[letters].mean() - place[~letters].mean()))


def _fine(grey: NDArray[Any]) -> NDArray[np.float64]:
    """What is left without the brightness around: letters stand out over bone and over air."""
    values = grey.astype(np.float64)
    fine: NDArray[np.float64] = values - ndimage.gaussian_filter(values, 4)
    return fine


@cache
def _drawn(size: int, part: _Part) -> NDArray[np.float64]:
    font = ImageFont.load_default(size)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(_WATERMARK))
    image = Image.new("L", (right - left + 4, bottom - top + 4), 0)
    ImageDraw.Draw(image).text((2 - left, 2 - top), _WATERMARK, font=font, fill=255)
    fine = _fine(np.asarray(image))
    if part is _Part.FIRST_LETTERS:
        return fine[:, : round(image.width * 0.25)]
    return fine[image.height // 3 :] if part is _Part.LOWER_PART else fine
