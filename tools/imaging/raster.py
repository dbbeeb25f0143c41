"""Slices of a volume as 8-bit pictures, for models and for people."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.errors import ToolFailure
from tools.imaging.planes import patient_axes, turn_for
from tools.imaging.volume import Volume
from tools.imaging.windows import WINDOWS, View, apply_window, medgemma_rgb, note_rgb

AS_DISPLAYED = "as displayed"
Paint = Callable[[NDArray[Any]], NDArray[np.uint8]]
COMPOSITES: Mapping[str, Paint] = MappingProxyType({"medgemma": medgemma_rgb, "note-rgb": note_rgb})


def windows_for(volume: Volume) -> tuple[str, ...]:
    """The window names that can be asked of a volume."""
    return (*WINDOWS, *COMPOSITES) if volume.unit == "HU" else (AS_DISPLAYED,)


class Display:
    """One window of one series: turns values of its volume into views.

    Padding is black in every window. Where the volume says how it lies in the patient, pictures
    are turned the way they are read (see tools.imaging.planes); otherwise they stay as stored.
    Slice, row and column numbers are always those of the volume as stored.
    """

    def __init__(self, volume: Volume, series_id: str, window_name: str) -> None:
        """Check that the window can be shown.

        Raises:
            ToolFailure: When it does not fit the unit.
        """
        if window_name not in windows_for(volume):
            unit = "in HU" if volume.unit == "HU" else "not in HU"
            raise ToolFailure(
                f"window {window_name!r} cannot be shown: series {series_id} is {unit}; "
                f"ask for one of: {', '.join(windows_for(volume))}"
            )
        self._volume, self._series, self._window = volume, series_id, window_name
        self._paint = _painter(volume, window_name)
        self._axes = patient_axes(volume)

    def view(
        self,
        values: NDArray[Any],
        valid: NDArray[np.bool_] | None,
        slices: tuple[int, ...],
        across: int = 0,
    ) -> View:
        """Show values.

        Args:
            values: Cut across one voxel axis, the other two in their order; the volume's unit. With
                a last axis of 3 where the pictures are in colour, which then stay so.
            valid: Likewise, False where padding stands; None when there is none.
            slices: 1-based numbers of the slices that the values are of.
            across: The voxel axis that is cut across; 0 for slices.
        """
        pixels = self._paint(values)
        if valid is not None:
            pixels[~valid] = 0
        down, right = (axis for axis in range(3) if axis != across)
        plane = "" if self._volume.affine_lps_mm is None else "oblique"
        if self._axes is not None:
            turn = turn_for(self._axes, across)
            plane, pixels = turn.plane, turn.apply(pixels)
            down, right = (right, down) if turn.is_transposed else (down, right)
        spacing, preset = self._volume.spacing_mm, WINDOWS.get(self._window)
        return View(
            pixels=pixels,
            window=self._window,
            level_hu=preset.level_hu if preset else None,
            width_hu=preset.width_hu if preset else None,
            series=self._series,
            slices=slices,
            pixel_aspect=1.0 if spacing is None else spacing[down] / spacing[right],
            plane=plane,
        )


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
    display = Display(volume, series_id, window_name)
    wrong = [n for n in slices if not 1 <= n <= volume.slices]
    if wrong or not slices:
        raise ToolFailure(
            f"series {series_id} has slices 1 to {volume.slices}, got {wrong or 'none'}; "
            "ask for slices in that range"
        )
    return tuple(
        display.view(volume.voxels[n - 1], volume.valid_slice(n - 1), (n,)) for n in slices
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


def _painter(volume: Volume, window_name: str) -> Paint:
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
    that its own window has made grey. So are pictures in colour, (slices, rows, columns, 3) of
    0..255: stretching would change what their colours mean.
    """
    if volume.voxels.ndim == 4:
        return 0.0, 255.0
    low, high = np.inf, -np.inf
    for index in range(volume.slices):
        values, valid = volume.voxels[index], volume.valid_slice(index)
        counted = values if valid is None else values[valid]
        if counted.size:
            low, high = min(low, float(counted.min())), max(high, float(counted.max()))
    if low > high:  # padding only
        return 0.0, 1.0
    is_one = volume.slices == 1 and low >= 0 and high <= 255
    if is_one and bool(np.all(counted == np.rint(counted))):
        return 0.0, 255.0
    return low, high if high > low else low + 1.0
