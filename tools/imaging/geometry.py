"""Whether frames make one regular volume, and in which order they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tools.imaging.frames import Frame

_TOLERANCE_MM = 0.1
_SAME_PLACE_MM = 0.01


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stack:
    """Frames in order along the slice normal.

    Attributes:
        order: Indices of the frames, lowest along the normal first (for axial slices of a supine
            or prone patient: feet first).
        is_volume: One regular geometry for all slices.
        spacing_mm: Between slices, rows and columns; None when unknown.
        affine_lps_mm: (4, 4), from (slice, row, column, 1) to LPS millimetres; None likewise.
        limits: Why it is no volume or cannot be measured, for a person and the planner.
    """

    order: tuple[int, ...]
    is_volume: bool
    spacing_mm: tuple[float, float, float] | None
    affine_lps_mm: NDArray[np.float64] | None
    limits: tuple[str, ...]


def stack(frames: Sequence[Frame]) -> Stack:
    """Sort frames along their normal and check that they stand evenly and squarely.

    highdicom judges (get_volume_positions): evenly apart within 0.1 mm, stacked along the normal,
    no gap and no duplicate. What it refuses is only looked at.
    """
    from highdicom.spatial import get_volume_positions

    first = frames[0]
    positions = [f.position for f in frames if f.position is not None]
    if first.orientation is None or len(positions) < len(frames):
        order = sorted(range(len(frames)), key=lambda i: frames[i].number)
        return _flat(order, "no image positions in the header: no measuring")
    at = np.array(positions, dtype=np.float64)
    across, down = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    normal = np.cross(across, down)
    along = at @ normal
    order = [int(i) for i in np.argsort(along, kind="stable")]
    if len(frames) == 1:
        return _flat(order, "a single slice: no measuring")
    slice_mm, _ = get_volume_positions(
        at.tolist(), first.orientation, atol=_TOLERANCE_MM, allow_missing_positions=False
    )
    if slice_mm is None:
        return _flat(order, _why_irregular(at[order], along[order], normal))
    if first.spacing_mm is None:
        return Stack(
            order=tuple(order),
            is_volume=True,
            spacing_mm=None,
            affine_lps_mm=None,
            limits=("no pixel spacing in the header: no measuring",),
        )
    affine = np.eye(4)
    affine[:3, 0] = (at[order[-1]] - at[order[0]]) / (len(order) - 1)
    affine[:3, 1] = down * first.spacing_mm[0]
    affine[:3, 2] = across * first.spacing_mm[1]
    affine[:3, 3] = at[order[0]]
    step = float(np.linalg.norm(affine[:3, 0]))
    return Stack(
        order=tuple(order),
        is_volume=True,
        spacing_mm=(step, *first.spacing_mm),
        affine_lps_mm=affine,
        limits=(),
    )


def same_place(frames: Sequence[Frame]) -> list[tuple[int, int]]:
    """Pairs of frames, by index, that stand at one position; without positions, at one number."""
    if any(f.position is None for f in frames):
        numbers = [(f.number, f.index) for f in frames]
        by_number = sorted(range(len(frames)), key=lambda i: numbers[i])
        return [(a, b) for a, b in pairwise(by_number) if numbers[a] == numbers[b]]
    at = np.array([f.position for f in frames], dtype=np.float64)
    order = np.lexsort(np.round(at / _SAME_PLACE_MM).T)
    return [
        (int(a), int(b))
        for a, b in pairwise(order)
        if float(np.abs(at[a] - at[b]).max()) < _SAME_PLACE_MM
    ]


def _flat(order: list[int], why: str) -> Stack:
    return Stack(
        order=tuple(order), is_volume=False, spacing_mm=None, affine_lps_mm=None, limits=(why,)
    )


def _why_irregular(
    at: NDArray[np.float64], along: NDArray[np.float64], normal: NDArray[np.float64]
) -> str:
    gaps = np.diff(along)
    if bool(np.any(gaps < _SAME_PLACE_MM)):
        return "several images at one position: no volume, no measuring"
    reasons: list[str] = []
    if float(np.ptp(gaps)) > _TOLERANCE_MM:
        sizes = sorted({round(float(g), 1) for g in gaps})
        shown = ", ".join(f"{s:g}" for s in sizes[:6]) + (" and more" if len(sizes) > 6 else "")
        reasons.append(f"slices stand unevenly ({shown} mm apart)")
    path = at[-1] - at[0]
    cosine = min(1.0, abs(float(path @ normal)) / float(np.linalg.norm(path)))
    tilt = float(np.degrees(np.arccos(cosine)))
    if tilt > 1.0:
        reasons.append(f"the slices are tilted by {tilt:.1f} degrees against their stack")
    return f"{' and '.join(reasons) or 'slices make no regular stack'}: no volume, no measuring"
