"""A series on one sheet for a person: evenly spaced slices in its windows, written as PNG."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.errors import UserError
from tools.imaging.raster import even_slices, slice_views
from tools.imaging.sheet import contact_sheet
from tools.imaging.volume import Volume

_COLUMNS, _SLICES = 6, 24


def save_montage(
    path: Path, volume: Volume, series_id: str, windows: Sequence[str], *, count: int | None = None
) -> None:
    """Draw and write the sheet; the file is there whole or not at all.

    Args:
        path: Of the PNG.
        volume: Of the series.
        series_id: S1 and on; captions carry it.
        windows: As for slice_views; of several, each has a row of its own.
        count: How many slices at most; None: 24 in one window, 6 in several.

    Raises:
        ToolFailure: When the window does not fit the series.
        UserError: Without windows, when count is below 1, or the file cannot be written.
    """
    if not windows:
        raise UserError("a montage shows at least 1 window, got none")
    if count is None:
        count = _SLICES if len(windows) == 1 else _COLUMNS
    if count < 1:
        raise UserError(f"a montage shows at least 1 slice, got {count}")
    numbers = even_slices(volume.slices, count)
    views = [v for window in windows for v in slice_views(volume, series_id, window, numbers)]
    sheet = contact_sheet(views, _COLUMNS if len(windows) == 1 else len(numbers), volume=volume)
    part = ""
    try:
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            sheet.save(file, "PNG")
        os.replace(part, path)
    except OSError as error:
        raise UserError(
            f"cannot write {path.name!r}: {error.strerror}; name another place"
        ) from error
    finally:
        if part:
            Path(part).unlink(missing_ok=True)
