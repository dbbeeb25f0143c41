"""A rectangle of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """Rows top to bottom - 1 and columns left to right - 1."""

    top: int
    bottom: int
    left: int
    right: int


def around(boxes: Sequence[Box]) -> Box:
    """The smallest that holds all."""
    return Box(
        top=min(box.top for box in boxes),
        bottom=max(box.bottom for box in boxes),
        left=min(box.left for box in boxes),
        right=max(box.right for box in boxes),
    )
