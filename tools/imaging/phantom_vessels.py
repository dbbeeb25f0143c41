"""Tubes on a canvas of HU, and the branching vessels made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Point = tuple[float, float, float]  # z, y, x in millimetres
Box = tuple[slice, slice, slice]

_TWIGS = 420  # ends of the vascular tree in one lung
_TWIG_RADIUS_MM, _MURRAY = 0.7, 0.33  # radius = twig * ends ** murray: 5.1 mm at the hilum


@dataclass(frozen=True, kw_only=True, slots=True)
class Tube:
    """A straight tube with round ends; `radius_mm` may differ between its two ends."""

    start: Point
    end: Point
    radius_mm: tuple[float, float]
    hu: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Painted:
    """Where a tube went: a box of the canvas and how much of each voxel it covers, 0..1."""

    box: Box
    coverage: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Canvas:
    """Voxels with their coordinates.

    Attributes:
        hu: (slices, rows, columns) float32; lowest slice first, front row first, the patient's
            right column first.
        z, y, x: (slices,), (rows, 1) and (1, columns): centres of the voxels in millimetres; y and
            x are 0 in the middle.
    """

    hu: Floats
    z: Floats
    y: Floats
    x: Floats
    spacing_mm: tuple[float, float, float]

    @classmethod
    def blank(cls, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Canvas:
        """A canvas full of air."""
        z, y, x = (
            ((np.arange(n) + 0.5 - middle * n) * step).astype(np.float32)
            for n, step, middle in zip(shape, spacing_mm, (0.0, 0.5, 0.5), strict=True)
        )
        return cls(
            hu=np.full(shape, -1000, dtype=np.float32),
            z=z, y=y[:, np.newaxis], x=x[np.newaxis, :], spacing_mm=spacing_mm,
        )  # fmt: skip

    def box(self, low: Point, high: Point) -> Box:
        """The voxels between two corners, kept inside the canvas."""
        starts = (0.0, float(self.y[0, 0]), float(self.x[0, 0]))
        limits = []
        for a, b, start, step, n in zip(
            low, high, starts, self.spacing_mm, self.hu.shape, strict=True
        ):
            first = int(np.floor((a - start) / step)) - 1
            last = int(np.ceil((b - start) / step)) + 2
            limits.append(slice(min(max(first, 0), n), min(max(last, 0), n)))
        return limits[0], limits[1], limits[2]

    def grid(self, box: Box) -> tuple[Floats, Floats, Floats]:
        """z, y and x of a box, shaped to broadcast against each other."""
        return (
            self.z[box[0], np.newaxis, np.newaxis],
            self.y[np.newaxis, box[1]],
            self.x[np.newaxis, :, box[2]],
        )

    def tube(self, tube: Tube, within: Mask | None = None) -> Painted:
        """Blend a tube into the canvas, each voxel as far as the tube covers it."""
        reach = max(tube.radius_mm) + self.spacing_mm[2]
        ends = list(zip(tube.start, tube.end, strict=True))
        low = tuple(min(p) - reach for p in ends)
        high = tuple(max(p) + reach for p in ends)
        box = self.box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
        grid = self.grid(box)
        axis = [b - a for a, b in ends]
        length2 = sum(d * d for d in axis) or 1.0
        along = sum((g - a) * (d / length2) for g, (a, _), d in zip(grid, ends, axis, strict=True))
        along = np.clip(along, 0.0, 1.0)
        distance = np.sqrt(
            sum((g - a - along * d) ** 2 for g, (a, _), d in zip(grid, ends, axis, strict=True))
        )
        radius = tube.radius_mm[0] + along * (tube.radius_mm[1] - tube.radius_mm[0])
        # A tube thinner than a voxel keeps its share of it.
        edge = max(self.spacing_mm[2], 1.0)
        share = np.minimum(1.0, (2.0 * radius / edge) ** 2)
        coverage = (share * np.clip((radius - distance) / edge + 0.5, 0.0, 1.0)).astype(np.float32)
        if within is not None:
            coverage = coverage * within[box]
        self.hu[box] += coverage * (np.float32(tube.hu) - self.hu[box])
        return Painted(box=box, coverage=coverage)


def grow_vessels(
    canvas: Canvas, lung: Mask, hilum: Point, calibre: float, seed: int
) -> Iterator[Tube]:
    """Branches from the hilum to points all over a lung, thicker where they feed more of it.

    Each point, nearest to the hilum first, joins the tree where its way back is shortest; radii
    follow the number of twigs beyond (Murray's law, roughly).

    Args:
        canvas: Gives the coordinates.
        lung: (slices, rows, columns) bool: where twigs may end.
        hilum: Where the tree starts.
        calibre: Scales all radii; below 1 the thinnest twigs are left out as well.
        seed: Chooses the points.
    """
    random = np.random.default_rng([seed, 1])
    inside = np.argwhere(lung)
    picked = inside[random.choice(len(inside), size=min(_TWIGS, len(inside)), replace=False)]
    points = np.column_stack(
        [canvas.z[picked[:, 0]], canvas.y[picked[:, 1], 0], canvas.x[0, picked[:, 2]]]
    ).astype(np.float64)
    root = np.array(hilum)
    points = points[np.argsort(np.linalg.norm(points - root, axis=1))]
    nodes = np.vstack([root, points])
    way = np.zeros(len(nodes))
    parent = np.zeros(len(nodes), dtype=np.intp)
    for i in range(1, len(nodes)):
        steps = np.linalg.norm(nodes[:i] - nodes[i], axis=1)
        parent[i] = int(np.argmin(steps + 0.55 * way[:i]))
        way[i] = way[parent[i]] + steps[parent[i]]
    twigs = np.ones(len(nodes))
    for i in range(len(nodes) - 1, 0, -1):
        twigs[parent[i]] += twigs[i]
    radius = calibre * _TWIG_RADIUS_MM * twigs**_MURRAY
    for i in range(1, len(nodes)):
        if calibre < 1.0 and twigs[i] < 3:
            continue
        start, end = nodes[parent[i]], nodes[i]
        yield Tube(
            start=(float(start[0]), float(start[1]), float(start[2])),
            end=(float(end[0]), float(end[1]), float(end[2])),
            radius_mm=(float(min(radius[parent[i]], 1.6 * radius[i])), float(radius[i])),
            hu=42.0,
        )
