"""Boxes on radiographs: from the model's reply to pixels of the image as it was loaded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from tools.vision.prompting import clean_text, true_height

_SCALE = 1000  # the model's coordinates run from 0 to 1000 over the padded square
_LIST_OF_OBJECTS = re.compile(r"\[\s*\{")
_MOST_BOXES = 20
_LABEL_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle on an image.

    Attributes:
        left, top, right, bottom: Pixel edges of the image as loaded: the box covers the columns
            left .. right - 1 and the rows top .. bottom - 1.
        label: What the model calls it, control tokens taken out.
    """

    left: int
    top: int
    right: int
    bottom: int
    label: str


def parse_boxes(reply: str, shape: tuple[int, int], pixel_aspect: float = 1.0) -> tuple[Box, ...]:
    """The boxes of a reply, mapped back from the padded square to the image.

    The model answers with a JSON list of {"box_2d": [y0, x0, y1, x1], "label": ...}, usually
    fenced, with coordinates of 0 to 1000 over the square that `prompting.picture` made: pixels
    made square first, then black added around the centre.

    Args:
        reply: The model's text; what stands around the list is not read.
        shape: (rows, columns) of the view's pixels.
        pixel_aspect: Row spacing over column spacing of the view.

    Returns:
        In the model's order, at most 20, clipped to the image. What is no box of four numbers in
        order, and what lies in the padding alone, is left out; a reply without a list has none.

    Raises:
        ValueError: When the shape has no pixels.
    """
    rows, columns = shape
    if rows < 1 or columns < 1:
        raise ValueError(f"shape must be at least (1, 1), got {shape!r}")
    height = true_height(rows, pixel_aspect)
    side = max(height, columns)
    above, left_of = (side - height) // 2, (side - columns) // 2
    boxes = []
    for item in _listed(reply)[:_MOST_BOXES]:
        corners = _corners(item)
        if corners is None:
            continue
        y0, x0, y1, x1 = (corner / _SCALE * side for corner in corners)
        box = Box(
            left=_clipped(x0 - left_of, columns),
            top=_clipped((y0 - above) * rows / height, rows),
            right=_clipped(x1 - left_of, columns),
            bottom=_clipped((y1 - above) * rows / height, rows),
            label=_label(item),
        )
        if box.left < box.right and box.top < box.bottom:
            boxes.append(box)
    return tuple(boxes)


def _listed(reply: str) -> list[object]:
    """The first JSON list of objects in the reply, or nothing."""
    for start in _LIST_OF_OBJECTS.finditer(reply):
        try:
            found, _ = json.JSONDecoder().raw_decode(reply, start.start())
        except (ValueError, RecursionError):
            continue
        return list(found)
    return []


def _corners(item: object) -> tuple[float, float, float, float] | None:
    box = item.get("box_2d") if isinstance(item, dict) else None
    if not isinstance(box, list) or len(box) != 4:
        return None
    if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in box):
        return None
    y0, x0, y1, x1 = box
    # A little beyond the square is clipped later; far beyond it are other units, or NaN.
    if not all(-_SCALE <= n <= 2 * _SCALE for n in box) or y0 >= y1 or x0 >= x1:
        return None
    return y0, x0, y1, x1


def _label(item: object) -> str:
    label = item.get("label") if isinstance(item, dict) else None
    return clean_text(label)[:_LABEL_CHARACTERS].strip() if isinstance(label, str) else ""


def _clipped(position: float, most: int) -> int:
    return min(max(round(position), 0), most)
