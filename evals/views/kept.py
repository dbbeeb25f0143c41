"""Where a run keeps the pictures that its arms saw; a report reads them there."""

from __future__ import annotations

from pathlib import Path


def picture_path(folder: Path, ref: str) -> Path:
    """The place of the picture of one series.

    Args:
        folder: The run's.
        ref: The reference of the series.
    """
    return folder / "pictures" / f"{ref}.png"
