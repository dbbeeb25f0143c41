"""What HU alone can say of the lungs: volume, attenuation, cyst-like and dense clusters.

No model is asked and nothing is guessed: effusions, consolidations, lobes and coronary calcium need
a segmenter and are not measured. Attenuation depends on breath hold, kernel, slice thickness and
contrast, so the numbers describe this scan; they are not a lung function test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.imaging.chest import CannotMeasure
from tools.imaging.clusters import (
    CystClusters,
    DenseClusters,
    find_cysts,
    find_dense,
    spread_slices,
)
from tools.imaging.lungs import AERATED_HU, LEFT, RIGHT, Lungs, find_lungs
from tools.imaging.volume import Volume

__all__ = ["CannotMeasure", "LungMeasurement", "LungNumbers", "measure_lungs"]

_LOWEST_HU = -1024
_LOW_HU = -950


@dataclass(frozen=True, kw_only=True, slots=True)
class LungNumbers:
    """One lung.

    Attributes:
        volume_l: Aerated lung in litres: voxels below -400 HU, without trachea and main bronchi.
        mean_hu: Mean of the aerated lung.
        percentile15_hu: 15 % of the aerated lung is below.
        laa950_fraction: Share of the aerated lung below -950 HU, 0..1.
    """

    volume_l: float
    mean_hu: float
    percentile15_hu: int
    laa950_fraction: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LungMeasurement:
    """Both lungs of one CT volume.

    Attributes:
        left, right: The patient's left and right.
        both: The two together.
        cysts: Round clusters of air.
        dense: Voxels above +100 HU in the peripheral lung.
        low_slices: Slices with the largest share of lung below -950 HU.
        widest_slices: Slices with the most lung, to show either side.
    """

    left: LungNumbers
    right: LungNumbers
    both: LungNumbers
    cysts: CystClusters
    dense: DenseClusters
    low_slices: tuple[int, ...]
    widest_slices: tuple[int, ...]

    def summary(self) -> str:
        """The numbers in one line, for the planner and the report."""
        sides = (
            f"{name}: {n.volume_l:.2f} l aerated, mean {n.mean_hu:.0f} HU, "
            f"LAA-950 {100 * n.laa950_fraction:.1f} %"
            for name, n in (("left lung", self.left), ("right lung", self.right))
        )
        return "; ".join(
            (
                *sides,
                f"15th percentile {self.both.percentile15_hu} HU",
                f"{self.cysts.count} round air clusters of 5 to 40 mm, "
                f"{100 * self.cysts.fraction:.1f} % of the lung",
                f"{100 * self.dense.fraction:.1f} % of the peripheral lung above +100 HU",
            )
        )


def measure_lungs(volume: Volume) -> LungMeasurement:
    """Measure the lungs of a chest CT.

    Args:
        volume: HU, axial, spacing known, slices at most 5 mm apart.

    Raises:
        CannotMeasure: When an honest measurement is not possible; the reason says why.
    """
    lungs = find_lungs(volume)
    aerated = (lungs.hu < AERATED_HU) & (lungs.filled > 0)
    voxel_l = float(np.prod(lungs.spacing_mm)) / 1e6
    counts = {
        side: _histogram(lungs.hu[aerated & (lungs.filled == side)]) for side in (LEFT, RIGHT)
    }
    lung_area = aerated.sum(axis=(1, 2))
    low_area = (aerated & (lungs.hu < _LOW_HU)).sum(axis=(1, 2))
    low_share = np.where(
        lung_area > 0.2 * lung_area.max(), low_area / np.maximum(lung_area, 1), 0.0
    )
    return LungMeasurement(
        left=_numbers(counts[LEFT], voxel_l),
        right=_numbers(counts[RIGHT], voxel_l),
        both=_numbers(counts[LEFT] + counts[RIGHT], voxel_l),
        cysts=find_cysts(lungs, aerated),
        dense=find_dense(lungs),
        low_slices=_pick(low_share, lungs),
        widest_slices=_pick(lung_area.astype(np.float64), lungs),
    )


def _pick(weight: NDArray[np.float64], lungs: Lungs) -> tuple[int, ...]:
    return tuple(lungs.numbers[k] for k in spread_slices(weight))


def _histogram(hu: NDArray[np.int16]) -> NDArray[np.int64]:
    """Voxels at each HU from -1024 up: mean, percentile and share come from it exactly."""
    return np.bincount(hu.astype(np.int32) - _LOWEST_HU, minlength=AERATED_HU - _LOWEST_HU).astype(
        np.int64
    )


def _numbers(counts: NDArray[np.int64], voxel_l: float) -> LungNumbers:
    total = int(counts.sum())
    values = np.arange(len(counts)) + _LOWEST_HU
    return LungNumbers(
        volume_l=total * voxel_l,
        mean_hu=float(counts @ values) / total,
        percentile15_hu=int(values[int(np.searchsorted(np.cumsum(counts), 0.15 * total))]),
        laa950_fraction=int(counts[: _LOW_HU - _LOWEST_HU].sum()) / total,
    )
