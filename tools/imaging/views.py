"""Views made of several slices: slabs, projections through the volume, and reformats."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.errors import ToolFailure
from tools.imaging.planes import PLANES, patient_axes
from tools.imaging.raster import Display
from tools.imaging.volume import Volume, unpack_valid
from tools.imaging.windows import Projection, View

PROJECTIONS: tuple[Projection, ...] = ("mean", "maximum", "minimum")

_TISSUE_HU = -300
_SLICES_FOR_MIDDLE = 32

Mask = NDArray[np.bool_]


def slab_view(
    volume: Volume,
    series_id: str,
    window_name: str,
    *,
    projection: Projection,
    centre: int | None = None,
    thickness_mm: float | None = None,
) -> View:
    """Show neighbouring slices as one: their mean, maximum (MIP) or minimum (MinIP).

    Values are projected first and windowed then. Padding takes no part.

    Args:
        volume: With a known spacing.
        series_id: S1 and on; the view carries it.
        window_name: As for slice_views.
        projection: "mean", "maximum" or "minimum".
        centre: 1-based number of the slice in the middle; None: the middle one of the volume.
        thickness_mm: Slices whose middles lie at most half of it from the centre's are taken;
            None: all slices.

    Raises:
        ToolFailure: When the window does not fit the unit, the spacing is unknown, or there is no
            such projection, slice or thickness.
    """
    display = Display(volume, series_id, window_name)
    if projection not in PROJECTIONS:
        raise ToolFailure(f"no projection {projection!r}; ask for one of: {', '.join(PROJECTIONS)}")
    if volume.spacing_mm is None:
        raise ToolFailure(f"slice spacing of series {series_id} unknown: ask for single slices")
    centre = (volume.slices + 1) // 2 if centre is None else centre
    if not 1 <= centre <= volume.slices:
        raise ToolFailure(
            f"series {series_id} has slices 1 to {volume.slices}, got {centre}; "
            "ask for a slab around one of them"
        )
    first, last = 1, volume.slices
    if thickness_mm is not None:
        if not (math.isfinite(thickness_mm) and thickness_mm > 0):
            raise ToolFailure(
                f"a slab is thicker than 0 mm, got {thickness_mm!r}; ask for 5 to 30 mm, "
                "or for no thickness to take all slices"
            )
        # A hair more than half, so that 5 mm of slices 2.5 mm apart reaches both neighbours.
        either_side = math.floor(thickness_mm / 2 / volume.spacing_mm[0] + 1e-6)
        first, last = max(first, centre - either_side), min(last, centre + either_side)
    slices = tuple(range(first, last + 1))
    values, valid = _project(volume, slices, projection)
    return replace(display.view(values, valid, slices), projection=projection)


def reformat_view(
    volume: Volume, series_id: str, window_name: str, plane: str, position: int | None = None
) -> View:
    """Cut a volume along another plane than its slices'.

    One voxel thick and at true aspect through `pixel_aspect`; not resampled. Coronal: the patient's
    right at the left, head at the top. Sagittal: front at the left, head at the top.

    Args:
        volume: Slices in an axial, coronal or sagittal plane, with known geometry.
        series_id: S1 and on; the view carries it.
        window_name: As for slice_views.
        plane: "axial", "coronal" or "sagittal", and not that of the slices.
        position: 1-based row (coronal of an axial series) or column (sagittal) to cut along;
            None: through the middle of the body.

    Raises:
        ToolFailure: When the window does not fit the unit, the geometry is unknown or oblique, or
            there is no such plane or position.
    """
    display = Display(volume, series_id, window_name)
    if plane not in PLANES:
        raise ToolFailure(f"no plane {plane!r}; ask for one of: {', '.join(PLANES)}")
    if volume.affine_lps_mm is None or volume.spacing_mm is None:
        raise ToolFailure(
            f"series {series_id} cannot be cut along another plane: its geometry is unknown; "
            "ask for single slices"
        )
    axes = patient_axes(volume)
    if axes is None:
        raise ToolFailure(
            f"series {series_id} cannot be cut along the {plane} plane: it lies obliquely in the "
            "patient; ask for single slices"
        )
    across = axes.across(plane)
    if across == 0:
        raise ToolFailure(f"the slices of series {series_id} are {plane}: ask for single slices")
    line, count = ("row", "column")[across - 1], volume.voxels.shape[across]
    position = _middle_of_body(volume, across) if position is None else position
    if not 1 <= position <= count:
        raise ToolFailure(
            f"series {series_id} has {line}s 1 to {count}, got {position}; "
            f"ask for a {line} in that range, or for none to cut through the middle of the body"
        )
    index = position - 1
    values = volume.voxels[:, index] if across == 1 else volume.voxels[:, :, index]
    valid = _valid_cut(volume, across, index)
    slices = tuple(range(1, volume.slices + 1))
    return replace(display.view(values, valid, slices, across), cut=position)


def _project(
    volume: Volume, slices: tuple[int, ...], projection: Projection
) -> tuple[NDArray[Any], Mask]:
    """Project slice by slice, so that a slab costs the memory of a few slices."""
    voxels, shape = volume.voxels, volume.voxels.shape[1:]
    lowest, highest = (-32768.0, 32767.0) if voxels.dtype == np.int16 else (-np.inf, np.inf)
    ways: dict[str, tuple[np.ufunc, float, np.dtype[Any]]] = {
        "mean": (np.add, 0.0, np.dtype(np.float64)),
        "maximum": (np.maximum, lowest, voxels.dtype),
        "minimum": (np.minimum, highest, voxels.dtype),
    }
    gather, start, kind = ways[projection]
    values: NDArray[Any] = np.full(shape, start, dtype=kind)
    seen = np.zeros(shape, dtype=np.int32)
    for n in slices:
        valid = volume.valid_slice(n - 1)
        gather(values, voxels[n - 1], out=values, where=True if valid is None else valid)
        seen += 1 if valid is None else valid
    if projection == "mean":
        values /= np.maximum(seen, 1)
    return values, seen > 0


def _valid_cut(volume: Volume, across: int, index: int) -> Mask | None:
    if volume.valid_bits is None:
        return None
    if across == 1:
        return unpack_valid(volume.valid_bits[:, index], volume.voxels.shape[2])
    byte, bit = divmod(index, 8)
    return unpack_valid(volume.valid_bits[:, :, byte : byte + 1], 8)[:, :, bit]


def _middle_of_body(volume: Volume, across: int) -> int:
    """1-based position of the tissue's centre of mass along an axis, from a few slices."""
    some = slice(None, None, max(1, volume.slices // _SLICES_FOR_MIDDLE))
    voxels = volume.voxels[some]
    valid: Mask | None = None
    if volume.valid_bits is not None:
        valid = unpack_valid(volume.valid_bits[some], voxels.shape[2])
    if volume.unit == "HU":
        tissue = voxels > _TISSUE_HU
    else:  # no unit to go by: what is brighter than the mean
        counted = voxels if valid is None else voxels[valid]
        tissue = voxels > (counted.mean() if counted.size else 0.0)
    if valid is not None:
        tissue &= valid
    amount: NDArray[np.int64] = tissue.sum(axis=tuple(axis for axis in range(3) if axis != across))
    if not amount.any():
        return (amount.size + 1) // 2
    return round(float(np.average(np.arange(amount.size), weights=amount))) + 1
