"""A picture without the text that was drawn over it: footer cut off, the rest painted over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evals.views.box import Box
from evals.views.overlays import footer_rows, text_lines
from evals.views.watermark import watermark

_MARGIN_PX = 2
_EMPTY = 24  # an edge with nothing brighter than this shows nothing


def clean(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut off the footer, paint over watermark and text, and cut off edges left empty.

    What is painted over takes the grey around it: anatomy under a letter is lost, and none beside.

    Args:
        pixels: (rows, columns) grey or (rows, columns, 3) RGB.

    Returns:
        The same kind, with as many rows and columns or fewer.
    """
    cleaned = pixels[: len(pixels) - footer_rows(_grey(pixels))].copy()
    mark = watermark(_grey(cleaned))
    if mark is not None:
        _paint_over(cleaned, mark)
    for line in text_lines(_grey(cleaned)):
        _paint_over(cleaned, line)
    return _without_empty_edges(cleaned)


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    return grey


def _paint_over(pixels: NDArray[np.uint8], box: Box) -> None:
    top, left = max(0, box.top - _MARGIN_PX), max(0, box.left - _MARGIN_PX)
    inner = (
        slice(top, box.bottom + _MARGIN_PX),
        slice(left, box.right + _MARGIN_PX),
    )
    outer = pixels[
        max(0, top - 3) : box.bottom + _MARGIN_PX + 3, max(0, left - 3) : box.right + _MARGIN_PX + 3
    ]
    ring = np.ones(outer.shape[:2], dtype=np.bool_)
    ring[min(3, top) :, min(3, left) :][: pixels[inner].shape[0], : pixels[inner].shape[1]] = False
    pixels[inner] = np.median(outer[ring], axis=0) if ring.any() else 0


def _without_empty_edges(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    shown = _grey(pixels) > _EMPTY
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    if not rows.size:
        return pixels
    return pixels[
        max(0, rows[0] - _MARGIN_PX) : rows[-1] + 1 + _MARGIN_PX,
        max(0, columns[0] - _MARGIN_PX) : columns[-1] + 1 + _MARGIN_PX,
    ]
