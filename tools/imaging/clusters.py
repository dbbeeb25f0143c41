"""Clusters inside the lungs: round pockets of air, and specks of calcium."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.imaging.chest import Mask
from tools.imaging.lungs import LEFT, RIGHT, Lungs

_EDGE_HU = -930  # mean of 3 x 3 pixels: half way from air to normal lung
_AIR_HU = -960.0  # a cyst holds air; noise in thin lung stops above that on the mean
_CYST_MM = (5.0, 40.0)  # diameter of a sphere as large; 2.5 mm slices do not show smaller lumens
_COMPACT = 0.5  # volume over that of the ellipsoid in its box: a sphere has 1, a bronchus far less
_CONTRAST_HU = 100.0  # the ring round a cyst against its inside
_DENSE_HU = 100  # above soft tissue; peripheral vessels are too thin to reach it
_SPECK_MM = 5.0
_ANGLE_MM = 25.0  # the lowest part of each lung lies in the costophrenic recess
_SHOWN, _APART = 5, 3


@dataclass(frozen=True, kw_only=True, slots=True)
class CystClusters:
    """Round, sharply bounded pockets of air, 5 to 40 mm; bronchi are too long to count.

    Smaller cysts are missed, and one that touches a bronchus or another cyst may be.

    Attributes:
        count, left, right: How many, in all and by side.
        fraction: Share of the aerated lung that they fill, 0..1; likewise `left_fraction` and
            `right_fraction` of either lung.
        median_diameter_mm: Of the spheres of the same volume; None without clusters.
        median_ring_hu: Mean HU two to three pixels off their edge, the median over clusters: lung
            where walls are thin, soft tissue where they are thick; None without clusters.
        thirds: Share filled in the upper, middle and lower third of the lungs' height.
        costophrenic_fraction: Share filled in the lowest 25 mm of the lungs.
        costophrenic_ml: Aerated lung there, to judge what that share is worth.
        slices: 1-based numbers of the slices with the most.
    """

    count: int
    left: int
    right: int
    fraction: float
    left_fraction: float
    right_fraction: float
    median_diameter_mm: float | None
    median_ring_hu: float | None
    thirds: tuple[float, float, float]
    costophrenic_fraction: float
    costophrenic_ml: float
    slices: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DenseClusters:
    """Voxels above +100 HU in the peripheral lung (see Lungs.peripheral).

    Attributes:
        fraction, left_fraction, right_fraction: Share of the peripheral lung, 0..1.
        specks: Separate clusters of at most 5 mm; `specks_left` and `specks_right` by side.
        thirds: Share in the upper, middle and lower third of the lungs' height.
        slices: 1-based numbers of the slices with the most.
    """

    fraction: float
    left_fraction: float
    right_fraction: float
    specks: int
    specks_left: int
    specks_right: int
    thirds: tuple[float, float, float]
    slices: tuple[int, ...]


def find_cysts(lungs: Lungs, aerated: Mask) -> CystClusters:
    """Find cyst-like clusters.

    A cluster counts when it is compact, holds air, and lung or wall round it is at least 100 HU
    denser. Emphysema with sharp round holes passes as well; confluent emphysema does not.
    """
    from scipy import ndimage

    smooth = ndimage.uniform_filter(lungs.hu.astype(np.float32), (0, 3, 3))
    low = (smooth < _EDGE_HU) & (lungs.filled > 0)
    clusters, count = ndimage.label(low)
    sizes = np.bincount(clusters.ravel(), minlength=count + 1)
    voxel_mm3 = float(np.prod(lungs.spacing_mm))
    limits = [np.pi / 6 * d**3 / voxel_mm3 for d in _CYST_MM]
    kept = np.zeros(count + 1, dtype=np.bool_)
    side = np.zeros(count + 1, dtype=np.uint8)
    rings: list[float] = []
    for label, box in enumerate(ndimage.find_objects(clusters), start=1):
        if not limits[0] <= sizes[label] <= limits[1]:
            continue
        extent = np.pi / 6 * float(np.prod([s.stop - s.start for s in box]))
        if sizes[label] < _COMPACT * extent:
            continue
        around = tuple(
            slice(max(0, s.start - m), s.stop + m) for s, m in zip(box, (1, 3, 3), strict=True)
        )
        inside = clusters[around] == label
        values = lungs.hu[around]
        air_hu, ring_hu = float(values[inside].mean()), _ring_hu(inside, values)
        if air_hu <= _AIR_HU and ring_hu - air_hu >= _CONTRAST_HU:
            kept[label] = True
            rings.append(ring_hu)
            side[label] = np.bincount(lungs.filled[around][inside]).argmax()
    cyst = kept[clusters] & aerated
    diameters = np.cbrt(sizes[kept] * voxel_mm3 * 6 / np.pi)
    thirds, angle = _zones(cyst, aerated, lungs)
    per_slice = cyst.sum(axis=(1, 2)).astype(np.float64)
    return CystClusters(
        count=int(kept.sum()),
        left=int((kept & (side == LEFT)).sum()),
        right=int((kept & (side == RIGHT)).sum()),
        fraction=_share(cyst, aerated),
        left_fraction=_share(cyst & (lungs.filled == LEFT), aerated & (lungs.filled == LEFT)),
        right_fraction=_share(cyst & (lungs.filled == RIGHT), aerated & (lungs.filled == RIGHT)),
        median_diameter_mm=float(np.median(diameters)) if len(diameters) else None,
        median_ring_hu=float(np.median(rings)) if rings else None,
        thirds=thirds,
        costophrenic_fraction=angle[0],
        costophrenic_ml=angle[1],
        slices=tuple(lungs.numbers[k] for k in spread_slices(per_slice)),
    )


def find_dense(lungs: Lungs) -> DenseClusters:
    """Find calcium-like voxels and count the specks among them."""
    from scipy import ndimage

    dense = (lungs.hu > _DENSE_HU) & lungs.peripheral
    left, right = lungs.filled == LEFT, lungs.filled == RIGHT
    clusters, count = ndimage.label(dense)
    sizes = np.bincount(clusters.ravel(), minlength=count + 1)
    largest = np.pi / 6 * _SPECK_MM**3 / float(np.prod(lungs.spacing_mm))
    small = sizes <= max(1.0, largest)
    small[0] = False
    on_left = np.zeros(count + 1, dtype=np.bool_)
    on_left[np.unique(clusters[left & dense])] = True
    thirds, _ = _zones(dense, lungs.peripheral, lungs)
    return DenseClusters(
        fraction=_share(dense, lungs.peripheral),
        left_fraction=_share(dense & left, lungs.peripheral & left),
        right_fraction=_share(dense & right, lungs.peripheral & right),
        specks=int(small.sum()),
        specks_left=int((small & on_left).sum()),
        specks_right=int((small & ~on_left).sum()),
        thirds=thirds,
        slices=tuple(
            lungs.numbers[k] for k in spread_slices(dense.sum(axis=(1, 2)).astype(np.float64))
        ),
    )


def spread_slices(weight: NDArray[np.float64]) -> tuple[int, ...]:
    """Indices of up to five slices with the largest weight above 0, no two next to each other."""
    chosen: list[int] = []
    for k in np.argsort(-weight, kind="stable"):
        if weight[k] <= 0 or len(chosen) == _SHOWN:
            break
        if all(abs(int(k) - other) >= _APART for other in chosen):
            chosen.append(int(k))
    return tuple(sorted(chosen))


def _ring_hu(inside: Mask, hu: NDArray[np.int16]) -> float:
    """Mean of the ring two pixels off the edge, in the plane."""
    from scipy import ndimage

    flat = np.ones((1, 3, 3), dtype=np.bool_)
    near = ndimage.binary_dilation(inside, flat)
    ring = ndimage.binary_dilation(near, flat) & ~near
    return float(hu[ring].mean()) if ring.any() else float(hu[inside].mean())


def _zones(
    part: Mask, whole: Mask, lungs: Lungs
) -> tuple[tuple[float, float, float], tuple[float, float]]:
    """Share of upper, middle and lower third; share of the lowest 25 mm and its millilitres."""
    tally = np.zeros((4, 2), dtype=np.int64)
    for side in (LEFT, RIGHT):
        lung = whole & (lungs.filled == side)
        used = np.flatnonzero(lung.any(axis=(1, 2)))
        if not len(used):
            continue
        low, high = int(used[0]), int(used[-1]) + 1
        cuts = [low + round(i * (high - low) / 3) for i in range(4)]
        tip = low + max(1, round(_ANGLE_MM / lungs.spacing_mm[0]))
        spans = [(cuts[2], cuts[3]), (cuts[1], cuts[2]), (cuts[0], cuts[1]), (low, tip)]
        for row, (a, b) in enumerate(spans):
            tally[row] += [int((part[a:b] & lung[a:b]).sum()), int(lung[a:b].sum())]
    shares = [int(p) / int(w) if w else 0.0 for p, w in tally]
    angle_ml = int(tally[3, 1]) * float(np.prod(lungs.spacing_mm)) / 1000.0
    return (shares[0], shares[1], shares[2]), (shares[3], angle_ml)


def _share(part: Mask, whole: Mask) -> float:
    total = int(whole.sum())
    return int(part.sum()) / total if total else 0.0
