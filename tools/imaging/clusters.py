"""Clusters inside the lungs: round pockets of air, and specks of calcium."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.imaging.chest import Mask
from tools.imaging.lungs import LEFT, RIGHT, Lungs
from tools.imaging.zones import spread_slices, thirds

_EDGE_HU = -930  # mean of 3 x 3 pixels: half way from air to normal lung
_AIR_HU = -960.0  # a cyst holds air; noise in thin lung stops above that on the mean
_CYST_MM = (5.0, 40.0)  # diameter of a sphere as large; 2.5 mm slices do not show smaller lumens
_COMPACT = 0.5  # volume over that of the ellipsoid in its box: a sphere has 1, a bronchus far less
_CONTRAST_HU = 100.0  # the ring round a cyst against its inside
_DENSE_HU = 100  # above soft tissue; peripheral vessels are too thin to reach it
_SPECK_MM = 5.0
_RING_MM = 1.4  # the ring begins so far off the edge and is as wide
_ANGLE_MM = 25.0  # the lowest part of each lung lies in the costophrenic recess


@dataclass(frozen=True, kw_only=True, slots=True)
class CystClusters:
    """Round, sharply bounded pockets of air, 5 to 40 mm; bronchi are too long to count.

    Smaller cysts are missed, and one that touches a bronchus or another cyst may be. Of balls of
    air drawn into lung, those of 6 mm were all found without blur and those of 8 mm with a blur of
    sigma 0.6 mm and noise of 25 HU; with sigma 1 mm, as of a smooth kernel, four of five of those
    were; of 5 mm ones most were missed.

    Attributes:
        count, left, right: How many, in all and by side.
        fraction: Share of the aerated lung that they fill, 0..1; likewise `left_fraction` and
            `right_fraction` of either lung.
        diameters_mm: 10th, 50th and 90th percentile of their diameters, each that of a sphere of
            the same volume; None without clusters.
        median_ring_hu: Mean HU about 1.4 to 2.8 mm off their edge in the plane, the median over
            clusters: lung where walls are thin, soft tissue where they are thick; None without
            clusters.
        largest_pocket_mm: Diameter of a sphere as large as the largest compact pocket of low
            attenuation of any size, cyst-like or not; 0 when there is none.
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
    diameters_mm: tuple[float, float, float] | None
    median_ring_hu: float | None
    largest_pocket_mm: float
    thirds: tuple[float, float, float]
    costophrenic_fraction: float
    costophrenic_ml: float
    slices: tuple[int, ...]

    def numbers(self) -> dict[str, float]:
        """Rounded to what CT can tell."""
        sizes = self.diameters_mm or ()
        names = ("diameter10_mm", "diameter50_mm", "diameter90_mm")
        return {
            "count": self.count,
            "count_left": self.left,
            "count_right": self.right,
            "percent_of_lung": round(100 * self.fraction, 1),
            **{name: round(size) for name, size in zip(names, sizes, strict=False)},
        }


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

    def numbers(self) -> dict[str, float]:
        """Rounded to what CT can tell."""
        return {
            "percent_of_peripheral_lung": round(100 * self.fraction, 2),
            "percent_left": round(100 * self.left_fraction, 2),
            "percent_right": round(100 * self.right_fraction, 2),
            "specks_up_to_5_mm": self.specks,
        }


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
    ring = max(1, round(_RING_MM / lungs.spacing_mm[2]))
    limits = [np.pi / 6 * d**3 / voxel_mm3 for d in _CYST_MM]
    kept = np.zeros(count + 1, dtype=np.bool_)
    side = np.zeros(count + 1, dtype=np.uint8)
    rings: list[float] = []
    largest = 0
    for label, box in enumerate(ndimage.find_objects(clusters), start=1):
        size = int(sizes[label])
        if size <= min(largest, limits[0]):
            continue
        extent = np.pi / 6 * float(np.prod([s.stop - s.start for s in box]))
        if size < _COMPACT * extent:
            continue
        largest = max(largest, size)
        if not limits[0] <= size <= limits[1]:
            continue
        around = tuple(
            slice(max(0, s.start - m), s.stop + m)
            for s, m in zip(box, (1, 2 * ring + 1, 2 * ring + 1), strict=True)
        )
        inside = clusters[around] == label
        values = lungs.hu[around]
        air_hu, ring_hu = float(values[inside].mean()), _ring_hu(inside, values, ring)
        if air_hu <= _AIR_HU and ring_hu - air_hu >= _CONTRAST_HU:
            kept[label] = True
            rings.append(ring_hu)
            side[label] = np.bincount(lungs.filled[around][inside]).argmax()
    cyst = kept[clusters] & aerated
    diameters = np.cbrt(sizes[kept] * voxel_mm3 * 6 / np.pi)
    by_third, angle = _zones(cyst, aerated, lungs)
    per_slice = cyst.sum(axis=(1, 2)).astype(np.float64)
    return CystClusters(
        count=int(kept.sum()),
        left=int((kept & (side == LEFT)).sum()),
        right=int((kept & (side == RIGHT)).sum()),
        fraction=_share(cyst, aerated),
        left_fraction=_share(cyst & (lungs.filled == LEFT), aerated & (lungs.filled == LEFT)),
        right_fraction=_share(cyst & (lungs.filled == RIGHT), aerated & (lungs.filled == RIGHT)),
        diameters_mm=_percentiles(diameters),
        median_ring_hu=float(np.median(rings)) if rings else None,
        largest_pocket_mm=float(np.cbrt(largest * voxel_mm3 * 6 / np.pi)),
        thirds=by_third,
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
    by_third, _ = _zones(dense, lungs.peripheral, lungs)
    return DenseClusters(
        fraction=_share(dense, lungs.peripheral),
        left_fraction=_share(dense & left, lungs.peripheral & left),
        right_fraction=_share(dense & right, lungs.peripheral & right),
        specks=int(small.sum()),
        specks_left=int((small & on_left).sum()),
        specks_right=int((small & ~on_left).sum()),
        thirds=by_third,
        slices=tuple(
            lungs.numbers[k] for k in spread_slices(dense.sum(axis=(1, 2)).astype(np.float64))
        ),
    )


def _percentiles(diameters: NDArray[np.float64]) -> tuple[float, float, float] | None:
    if not len(diameters):
        return None
    low, middle, high = np.percentile(diameters, (10, 50, 90))
    return float(low), float(middle), float(high)


def _ring_hu(inside: Mask, hu: NDArray[np.int16], pixels: int) -> float:
    """Mean of the ring that begins so many pixels off the edge and is as wide, in the plane."""
    from scipy import ndimage

    flat = np.ones((1, 3, 3), dtype=np.bool_)
    near = ndimage.binary_dilation(inside, flat, iterations=pixels)
    ring = ndimage.binary_dilation(near, flat, iterations=pixels) & ~near
    return float(hu[ring].mean()) if ring.any() else float(hu[inside].mean())


def _zones(
    part: Mask, whole: Mask, lungs: Lungs
) -> tuple[tuple[float, float, float], tuple[float, float]]:
    """Share of upper, middle and lower third; share of the lowest 25 mm and its millilitres."""
    tally = np.zeros((4, 2), dtype=np.int64)
    for side in (LEFT, RIGHT):
        lung = whole & (lungs.filled == side)
        area = lung.sum(axis=(1, 2))
        if not area.any():
            continue
        low = int(np.flatnonzero(area)[0])
        tip = low + max(1, round(_ANGLE_MM / lungs.spacing_mm[0]))
        for row, span in enumerate((*thirds(area), slice(low, tip))):
            tally[row] += [int((part[span] & lung[span]).sum()), int(area[span].sum())]
    shares = [int(p) / int(w) if w else 0.0 for p, w in tally]
    angle_ml = int(tally[3, 1]) * float(np.prod(lungs.spacing_mm)) / 1000.0
    return (shares[0], shares[1], shares[2]), (shares[3], angle_ml)


def _share(part: Mask, whole: Mask) -> float:
    total = int(whole.sum())
    return int(part.sum()) / total if total else 0.0
