"""What a page carries inside itself: details compressed, pictures made small, nothing outside."""

from __future__ import annotations

import base64
import gzip
import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel

LONGEST_PX = 512
_QUALITY = 72


def pack(model: BaseModel) -> str:
    """JSON, gzip, base64: for a data block that the page's script opens when it is wanted."""
    text = model.model_dump_json()
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def small_jpeg(path: Path) -> str | None:
    """A picture for the page: JPEG of at most 512 pixels a side, as base64.

    Returns:
        None when the file is missing or no picture.
    """
    try:
        with Image.open(path) as picture:
            grey_or_colour = picture.convert("L" if picture.mode in ("1", "L", "I;16") else "RGB")
    except (FileNotFoundError, UnidentifiedImageError):
        return None
    grey_or_colour.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    grey_or_colour.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()
