"""HU of a region and the distance of two points, in the volume's own geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tools.imaging.preconditions import CannotMeasure, require_geometry, require_hu
from tools.imaging.volume import Volume

Point = tuple[float, float, float]
Frame = Literal["voxel", "LPS"]

_FEWEST_VOXELS = 9  # fewer give no spread worth the name
_MOST_PADDING = 0.5
_AXES = ("slice", "row", "column")
_ROUNDING = 1e-6  # of a voxel: points come back from LPS with the last digits off


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A box or an ellipsoid round a point, its axes along those of the volume.

    Attributes:
        shape: An ellipsoid of three equal sizes is a sphere.
        centre: (slice, row, column), each from 1, whole or not; or LPS (x, y, z) in millimetres.
        frame: Which of the two `centre` is.
        size_mm: Full extent along slices, rows and columns. 0 along slices takes the one slice of
            the centre: a rectangle or an ellipse.
    """

    shape: Literal["box", "ellipsoid"]
    centre: Point
    frame: Frame = "voxel"
    size_mm: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionNumbers:
    """What a region holds; a voxel belongs to it when its centre does.

    Attributes:
        count: Voxels measured; `padding` more were padding and left out.
        volume_ml: Of the voxels measured.
        sd_hu: Standard deviation over the voxels (divided by their number).
        percentile5_hu, percentile50_hu, percentile95_hu: Between two voxels by straight line.
    """

    count: int
    padding: int
    volume_ml: float
    mean_hu: float
    sd_hu: float
    min_hu: int
    max_hu: int
    percentile5_hu: float
    percentile50_hu: float
    percentile95_hu: float

    def summary(self) -> str:
        """The numbers in one line, for the planner and the report."""
        left_out = f", {self.padding} voxels of padding left out" if self.padding else ""
        return (
            f"{self.volume_ml:.2g} ml ({self.count} voxels{left_out}): mean {self.mean_hu:.0f} HU, "
            f"SD {self.sd_hu:.0f}, median {self.percentile50_hu:.0f}, 5th to 95th percentile "
            f"{self.percentile5_hu:.0f} to {self.percentile95_hu:.0f}, "
            f"range {self.min_hu} to {self.max_hu}"
        )

    def numbers(self) -> dict[str, float]:
        """Rounded to what CT can tell: whole HU, two digits of volume."""
        return {
            "voxels": self.count,
            "padding_voxels": self.padding,
            "volume_ml": float(f"{self.volume_ml:.2g}"),
            "mean_hu": round(self.mean_hu),
            "sd_hu": round(self.sd_hu),
            "min_hu": self.min_hu,
            "max_hu": self.max_hu,
            "percentile5_hu": round(self.percentile5_hu),
            "percentile50_hu": round(self.percentile50_hu),
            "percentile95_hu": round(self.percentile95_hu),
        }


def region_statistics(volume: Volume, region: Region) -> RegionNumbers:
    """Measure the HU of a region.

    Raises:
        CannotMeasure: Without HU or spacing, when the region has no size, reaches outside the
            volume, holds fewer than 9 voxels, or is padding for more than half.
    """
    what = "the region"
    require_hu(volume, what)
    spacing, _ = require_geometry(volume, what)
    slice_mm, row_mm, column_mm = region.size_mm
    sizes_ok = slice_mm >= 0 and row_mm > 0 and column_mm > 0
    if not sizes_ok or not all(np.isfinite(region.size_mm)):
        raise CannotMeasure(
            f"its size is {_numbers(region.size_mm)} mm",
            what=what,
            instead="give sizes above 0 along rows and columns, and 0 or more along slices",
        )
    centre = _index(volume, region.centre, region.frame, what)
    spans = _spans(volume, region, centre, spacing)
    inside = _inside(region, centre, spacing, spans)
    hu = volume.voxels[spans]
    padded = np.zeros_like(inside)
    if volume.valid_bits is not None:
        first = spans[0].start
        for k in range(len(inside)):
            valid = volume.valid_slice(first + k)
            if valid is not None:
                padded[k] = inside[k] & ~valid[spans[1:]]
    padding, total = int(padded.sum()), int(inside.sum())
    if total < _FEWEST_VOXELS:
        raise CannotMeasure(
            f"it holds {total} voxel{'' if total == 1 else 's'}",
            what=what,
            instead=f"make it hold at least {_FEWEST_VOXELS}",
        )
    if padding > _MOST_PADDING * total or total - padding < _FEWEST_VOXELS:
        raise CannotMeasure(
            f"{padding} of its {total} voxels are padding, outside of what was scanned",
            what=what,
            instead="move it into the scanned field",
        )
    return _describe(hu[inside & ~padded], padding, float(np.prod(spacing)) / 1000.0)


def distance_mm(volume: Volume, a: Point, b: Point, *, frame: Frame = "voxel") -> float:
    """The straight distance of two points in millimetres, of any modality with a geometry.

    Args:
        volume: Its affine says how far voxels lie apart.
        a: (slice, row, column), each from 1, or LPS (x, y, z) in millimetres.
        b: Likewise.
        frame: Which of the two `a` and `b` are.

    Raises:
        CannotMeasure: Without spacing, or when a point lies outside the volume.
    """
    what = "the distance"
    _, affine = require_geometry(volume, what)
    one, two = (_index(volume, point, frame, what) for point in (a, b))
    return float(np.linalg.norm(affine[:3, :3] @ (one - two)))


def _index(volume: Volume, point: Point, frame: Frame, what: str) -> NDArray[np.float64]:
    """A point as (slice, row, column) from 0, inside the volume."""
    _, affine = require_geometry(volume, what)
    if frame == "voxel":
        index = np.array(point, dtype=np.float64) - 1.0
    else:
        index = (np.linalg.inv(affine) @ np.array([*point, 1.0]))[:3]
    last = np.array(volume.voxels.shape) - 0.5
    inside = (index >= -0.5 - _ROUNDING) & (index <= last + _ROUNDING)
    if not inside.all():
        raise CannotMeasure(
            f"the point {_numbers(point)} lies outside the volume",
            what=what,
            instead=_limits(volume),
        )
    return index


def _spans(
    volume: Volume, region: Region, centre: NDArray[np.float64], spacing: Point
) -> tuple[slice, slice, slice]:
    """The smallest block that holds the region."""
    spans: list[slice] = []
    sizes = zip(centre, region.size_mm, spacing, volume.voxels.shape, _AXES, strict=True)
    for middle, size, step, n, axis in sizes:
        if size == 0:
            k = min(max(round(middle), 0), n - 1)
            spans.append(slice(k, k + 1))
            continue
        low, high = middle - size / 2 / step, middle + size / 2 / step
        if low < -0.5 - _ROUNDING or high > n - 0.5 + _ROUNDING:
            raise CannotMeasure(
                f"it reaches over the edge of the volume along the {axis}s",
                what="the region",
                instead="move it in or make it smaller",
            )
        spans.append(slice(int(np.ceil(low - _ROUNDING)), int(np.floor(high + _ROUNDING)) + 1))
    return spans[0], spans[1], spans[2]


def _inside(
    region: Region,
    centre: NDArray[np.float64],
    spacing: Point,
    spans: tuple[slice, slice, slice],
) -> NDArray[np.bool_]:
    shape = tuple(s.stop - s.start for s in spans)
    if region.shape == "box":
        return np.ones(shape, dtype=np.bool_)
    square = np.zeros(shape)
    for axis, (span, middle, size, step) in enumerate(
        zip(spans, centre, region.size_mm, spacing, strict=True)
    ):
        if size > 0:
            away = (np.arange(span.start, span.stop) - middle) * step / (size / 2)
            square += (away**2).reshape([-1 if a == axis else 1 for a in range(3)])
    return np.asarray(square <= 1.0 + _ROUNDING, dtype=np.bool_)


def _describe(hu: NDArray[np.int16 | np.float32], padding: int, voxel_ml: float) -> RegionNumbers:
    low, middle, high = (float(p) for p in np.percentile(hu, (5, 50, 95)))
    return RegionNumbers(
        count=hu.size,
        padding=padding,
        volume_ml=hu.size * voxel_ml,
        mean_hu=float(hu.mean(dtype=np.float64)),
        sd_hu=float(hu.std(dtype=np.float64)),
        min_hu=int(hu.min()),
        max_hu=int(hu.max()),
        percentile5_hu=low,
        percentile50_hu=middle,
        percentile95_hu=high,
    )


def _numbers(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{v:g}" for v in values) + ")"


def _limits(volume: Volume) -> str:
    ranges = (f"{a}s 1 to {n}" for a, n in zip(_AXES, volume.voxels.shape, strict=True))
    return f"the volume has {', '.join(ranges)}"
