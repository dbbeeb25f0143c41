"""A series on one sheet for a person: evenly spaced slices in one window, written as PNG."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tools.errors import UserError
from tools.imaging.raster import even_slices, slice_views
from tools.imaging.sheet import contact_sheet
from tools.imaging.volume import Volume

_COLUMNS = 6


def save_montage(path: Path, volume: Volume, series_id: str, window: str, *, count: int) -> None:
    """Draw and write the sheet; the file is there whole or not at all.

    Args:
        path: Of the PNG.
        volume: Of the series.
        series_id: S1 and on; captions carry it.
        window: As for slice_views.
        count: How many slices at most.

    Raises:
        ToolFailure: When the window does not fit the series.
        UserError: When count is below 1, or the file cannot be written.
    """
    if count < 1:
        raise UserError(f"a montage shows at least 1 slice, got {count}")
    views = slice_views(volume, series_id, window, even_slices(volume.slices, count))
    sheet = contact_sheet(views, _COLUMNS, volume=volume)
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
