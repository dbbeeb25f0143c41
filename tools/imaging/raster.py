"""Slices of a volume as 8-bit pictures, for models and for people."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tools.errors import ToolFailure
from tools.imaging.volume import Volume
from tools.imaging.windows import WINDOWS, View, apply_window, medgemma_rgb, note_rgb

AS_DISPLAYED = "as displayed"
COMPOSITES: Mapping[str, Callable[[NDArray[Any]], NDArray[np.uint8]]] = MappingProxyType(
    {"medgemma": medgemma_rgb, "note-rgb": note_rgb}
)

_TILE_PIXELS = 256  # the longer side of a slice on a contact sheet
_CAPTION_PIXELS = 14


def windows_for(volume: Volume) -> tuple[str, ...]:
    """The window names that can be asked of a volume."""
    return (*WINDOWS, *COMPOSITES) if volume.unit == "HU" else (AS_DISPLAYED,)


def slice_views(
    volume: Volume, series_id: str, window_name: str, slices: Sequence[int]
) -> tuple[View, ...]:
    """Show slices in one window.

    Args:
        volume: HU, or stored values that are shown "as displayed".
        series_id: S1 and on; the views carry it.
        window_name: A preset of WINDOWS, "medgemma" or "note-rgb" for HU; "as displayed" for
            everything else.
        slices: 1-based slice numbers along the slice normal.

    Returns:
        One view per number, in the order asked.

    Raises:
        ToolFailure: When the window does not fit the unit, or a slice does not exist.
    """
    if window_name not in windows_for(volume):
        unit = "in HU" if volume.unit == "HU" else "not in HU"
        raise ToolFailure(
            f"window {window_name!r} cannot be shown: series {series_id} is {unit}; "
            f"ask for one of: {', '.join(windows_for(volume))}"
        )
    wrong = [n for n in slices if not 1 <= n <= volume.slices]
    if wrong or not slices:
        raise ToolFailure(
            f"series {series_id} has slices 1 to {volume.slices}, got {wrong or 'none'}; "
            "ask for slices in that range"
        )
    show = _painter(volume, window_name)
    window = WINDOWS.get(window_name)
    aspect = 1.0 if volume.spacing_mm is None else volume.spacing_mm[1] / volume.spacing_mm[2]
    return tuple(
        View(
            pixels=show(volume.voxels[n - 1]),
            window=window_name,
            level_hu=window.level_hu if window else None,
            width_hu=window.width_hu if window else None,
            series=series_id,
            slices=(n,),
            pixel_aspect=aspect,
        )
        for n in slices
    )


def even_slices(n: int, count: int) -> tuple[int, ...]:
    """At most `count` of n slices, evenly apart, by the rule of MedGemma's CT notebook.

    Returns:
        1-based numbers: all when n <= count, else round(i / count * (n - 1)) + 1 for i in
        1..count. The rule always takes the last slice and leaves the first few.

    Raises:
        ValueError: If n or count is below 1.
    """
    if n < 1 or count < 1:
        raise ValueError(f"n and count must be >= 1, got {n!r} and {count!r}")
    if n <= count:
        return tuple(range(1, n + 1))
    return tuple(sorted({round(i / count * (n - 1)) + 1 for i in range(1, count + 1)}))


def pad_to_square(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Centre a picture on a black square, so that resizing keeps its proportions.

    Args:
        pixels: (rows, columns) or (rows, columns, 3), uint8.

    Returns:
        (side, side) or (side, side, 3), uint8, side being the longer of the two.
    """
    rows, columns = pixels.shape[:2]
    side = max(rows, columns)
    above, left = (side - rows) // 2, (side - columns) // 2
    square = np.zeros((side, side, *pixels.shape[2:]), dtype=np.uint8)
    square[above : above + rows, left : left + columns] = pixels
    return square


def contact_sheet(views: Sequence[View], columns: int) -> Image.Image:
    """Views side by side with their slice numbers, in true proportions, for a person to read.

    Args:
        views: At least one; all the same shape and aspect, as `slice_views` returns them.
        columns: How many side by side.

    Returns:
        An RGB picture on black.

    Raises:
        ValueError: Without views, or with columns below 1.
    """
    if not views or columns < 1:
        raise ValueError(f"needs views and columns >= 1, got {len(views)} and {columns!r}")
    rows_mm = views[0].pixels.shape[0] * views[0].pixel_aspect
    columns_mm = views[0].pixels.shape[1]
    scale = _TILE_PIXELS / max(rows_mm, columns_mm)
    size = (max(1, round(columns_mm * scale)), max(1, round(rows_mm * scale)))
    columns = min(columns, len(views))
    lines = -(-len(views) // columns)
    sheet = Image.new("RGB", (columns * size[0], lines * (size[1] + _CAPTION_PIXELS)))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=_CAPTION_PIXELS - 3)
    for index, view in enumerate(views):
        x = index % columns * size[0]
        y = index // columns * (size[1] + _CAPTION_PIXELS)
        tile = Image.fromarray(view.pixels).convert("RGB")
        sheet.paste(tile.resize(size, Image.Resampling.BILINEAR), (x, y + _CAPTION_PIXELS))
        caption = f"slice {', '.join(map(str, view.slices))}"
        draw.text((x + 2, y), caption, fill=(200, 200, 200), font=font)
    return sheet


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """A picture as PNG, lossless. Level 1: a slice takes milliseconds and is little larger."""
    return _encode(pixels, "PNG", compress_level=1)


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = 92) -> bytes:
    """A picture as JPEG, for people and for endpoints that limit the size of a request."""
    return _encode(pixels, "JPEG", quality=quality)


def _encode(pixels: NDArray[np.uint8], form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def _painter(volume: Volume, window_name: str) -> Callable[[NDArray[Any]], NDArray[np.uint8]]:
    if window_name in COMPOSITES:
        return COMPOSITES[window_name]
    if window_name in WINDOWS:
        window = WINDOWS[window_name]
        return lambda values: apply_window(values, window)
    low, high = _display_range(volume)
    return lambda values: np.rint(np.clip((values - low) / (high - low), 0.0, 1.0) * 255.0).astype(
        np.uint8
    )


def _display_range(volume: Volume) -> tuple[float, float]:
    """Lowest and highest value of the whole acquisition, padding left out.

    One picture that is 8-bit already is shown as it is: stretching it would change a radiograph
    that its own window has made grey.
    """
    values = volume.voxels if volume.valid is None else volume.voxels[volume.valid]
    if values.size == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if volume.slices == 1 and low >= 0 and high <= 255 and bool(np.all(values == np.rint(values))):
        return 0.0, 255.0
    return low, high if high > low else low + 1.0
