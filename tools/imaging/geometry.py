"""Whether frames make one regular volume, and in which order they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tools.imaging.frames import Frame

_TOLERANCE_MM, _TOLERANCE_SHARE = 0.1, 0.25  # of the step, where slices are that thin
_SAME_PLACE_MM = 0.01
_LEAST_STEP_MM = 0.05  # no scanner makes thinner slices: it is one place, jittered
_SAME_PLANE = 0.01  # of a direction cosine: 0.6 degrees
_MOST_PLANES = 64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stack:
    """What frames in order along their normal make.

    Attributes:
        is_volume: One regular geometry for all slices.
        spacing_mm: Between slices, rows and columns; None when unknown.
        affine_lps_mm: (4, 4), from (slice, row, column, 1) to LPS millimetres; None likewise.
        limits: Why it is no volume or cannot be measured, for a person and the planner.
    """

    is_volume: bool
    spacing_mm: tuple[float, float, float] | None
    affine_lps_mm: NDArray[np.float64] | None
    limits: tuple[str, ...]


def in_order(frames: Sequence[Frame]) -> list[int]:
    """Indices of frames, lowest along their normal first.

    For axial slices of a supine or prone patient that is feet first. Frames without a position
    stand by their number.
    """
    first = frames[0]
    if first.orientation is None or any(f.position is None for f in frames):
        return sorted(range(len(frames)), key=lambda i: frames[i].number)
    along = np.array([f.position for f in frames]) @ _normal(first.orientation)
    return [int(i) for i in np.argsort(along, kind="stable")]


def is_same_plane(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two orientations (six direction cosines) are the same but for rounding."""
    return all(abs(a - b) < _SAME_PLANE for a, b in zip(one, other, strict=True))


def by_plane(frames: Sequence[Frame]) -> list[list[int]]:
    """Indices of frames that lie in parallel and have pixels of one size, as one volume must.

    One file may hold stacks in several planes. Beyond 64 of them (slices turned round an axis) the
    frames stay together, and `stack` makes no volume of them.
    """
    groups: list[list[int]] = []
    for index, frame in enumerate(frames):
        group = next((g for g in groups if _is_alike(frames[g[0]], frame)), None)
        if group is not None:
            group.append(index)
        elif len(groups) == _MOST_PLANES:
            return [list(range(len(frames)))]
        else:
            groups.append([index])
    return groups


def _is_alike(one: Frame, other: Frame) -> bool:
    if one.spacing_mm != other.spacing_mm:
        return False
    if one.orientation is None or other.orientation is None:
        return one.orientation is other.orientation
    return is_same_plane(one.orientation, other.orientation)


def stack(frames: Sequence[Frame]) -> Stack:
    """Check that frames, in the order of `in_order`, stand evenly and squarely.

    highdicom judges (get_volume_positions): evenly apart within 0.1 mm, or a quarter of their
    distance where that is less, stacked along the normal, no gap and no duplicate. Nor may small
    differences add up to half a slice anywhere. What is refused is only looked at.
    """
    from highdicom.spatial import get_volume_positions

    first = frames[0]
    positions = [f.position for f in frames if f.position is not None]
    if first.orientation is None or len(positions) < len(frames):
        return _flat("no image positions in the header: no measuring")
    if len(frames) == 1:
        return _flat("a single slice: no measuring")
    if not all(_is_alike(first, f) for f in frames):
        return _flat("frames in different planes or of different pixel size: no measuring")
    at = np.array(positions, dtype=np.float64)
    along = at @ _normal(first.orientation)
    slice_mm, _ = get_volume_positions(
        at.tolist(), first.orientation, atol=_tolerance_mm(along), allow_missing_positions=False
    )
    if slice_mm is None or not _is_even(along):
        return _flat(_why_irregular(at, first.orientation))
    if first.spacing_mm is None:
        return Stack(
            is_volume=True,
            spacing_mm=None,
            affine_lps_mm=None,
            limits=("no pixel spacing in the header: no measuring",),
        )
    affine = np.eye(4)
    affine[:3, 0] = (at[-1] - at[0]) / (len(at) - 1)
    affine[:3, 1] = np.array(first.orientation[3:]) * first.spacing_mm[0]
    affine[:3, 2] = np.array(first.orientation[:3]) * first.spacing_mm[1]
    affine[:3, 3] = at[0]
    step = float(np.linalg.norm(affine[:3, 0]))
    return Stack(
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


def _normal(orientation: Sequence[float]) -> NDArray[np.float64]:
    return np.cross(orientation[:3], orientation[3:])


def _tolerance_mm(along: NDArray[np.float64]) -> float:
    step = abs(float(along[-1] - along[0])) / (len(along) - 1)
    return min(_TOLERANCE_MM, _TOLERANCE_SHARE * step)


def _is_even(along: NDArray[np.float64]) -> bool:
    """Whether every slice stands nearest to its own place among even ones."""
    even = np.linspace(along[0], along[-1], len(along))
    step = float(along[-1] - along[0]) / (len(along) - 1)
    return step >= _LEAST_STEP_MM and bool((np.abs(along - even) <= step / 2).all())


def _flat(why: str) -> Stack:
    return Stack(is_volume=False, spacing_mm=None, affine_lps_mm=None, limits=(why,))


def _why_irregular(at: NDArray[np.float64], orientation: Sequence[float]) -> str:
    normal = _normal(orientation)
    gaps = np.diff(at @ normal)
    if bool(np.any(gaps < _SAME_PLACE_MM)) or float(np.median(gaps)) < _LEAST_STEP_MM:
        return "several images at one position: no volume, no measuring"
    reasons: list[str] = []
    if float(np.ptp(gaps)) > _tolerance_mm(at @ normal) or not _is_even(at @ normal):
        reasons.append(_missing(at, gaps, orientation) or _uneven(gaps))
    path = at[-1] - at[0]
    cosine = min(1.0, abs(float(path @ normal)) / float(np.linalg.norm(path)))
    tilt = float(np.degrees(np.arccos(cosine)))
    if tilt > 1.0:
        reasons.append(
            f"the slices are tilted by {tilt:.1f} degrees against their stack (gantry tilt)"
        )
    return f"{' and '.join(reasons) or 'slices make no regular stack'}: no volume, no measuring"


def _missing(
    at: NDArray[np.float64], gaps: NDArray[np.float64], orientation: Sequence[float]
) -> str:
    """Which slices of an even stack are missing; "" when it is none."""
    from highdicom.spatial import get_volume_positions

    slice_mm, places = get_volume_positions(
        at.tolist(), orientation, atol=_TOLERANCE_MM, allow_missing_positions=True
    )
    if slice_mm is None or places is None:
        return ""
    wide = [i for i, gap in enumerate(gaps) if gap > 1.5 * slice_mm]
    count = max(places) - min(places) + 1 - len(at)
    shown = ", ".join(f"gap of {gaps[i]:.4g} mm after slice {i + 1}" for i in wide[:6])
    more = f" and {len(wide) - 6} more" if len(wide) > 6 else ""
    return (
        f"{count} {'slice is' if count == 1 else 'slices are'} missing from a stack of "
        f"{slice_mm:.4g} mm steps ({shown}{more})"
    )


def _uneven(gaps: NDArray[np.float64]) -> str:
    sizes = sorted({round(float(g), 1) for g in gaps})
    shown = ", ".join(f"{s:g}" for s in sizes[:6]) + (" and more" if len(sizes) > 6 else "")
    return f"slices stand unevenly ({shown} mm apart)"
