"""What HU alone can say of the lungs: volume, attenuation, cyst-like and dense clusters.

No model is asked and nothing is guessed: effusions, consolidations, lobes and coronary calcium need
a segmenter and are not measured. Attenuation depends on breath hold, kernel, slice thickness and
contrast, so the numbers describe this scan; they are not a lung function test.

What counts as lung moves every number by a few percent, so here it is exactly. Aerated lung is
every voxel below -400 HU inside the lungs, without trachea and main bronchi as far as they run
outside of the lungs, without vessels and nodules, and without padding; bronchi inside the lungs are
part of it. Low attenuation is below, not at, -950 HU, as a share of that. Programs that close
vessels into the lung and count -950 HU itself get 2 % more volume and 0.3 percentage points more
low attenuation on the same scan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.imaging.clusters import CystClusters, DenseClusters, find_cysts, find_dense
from tools.imaging.conditions import Conditions, conditions_of
from tools.imaging.lungs import AERATED_HU, LEFT, MOST_SLICE_MM, RIGHT, Lungs, find_lungs
from tools.imaging.preconditions import CannotMeasure
from tools.imaging.series import Series
from tools.imaging.volume import Volume
from tools.imaging.zones import spread_slices, thirds

__all__ = ["CannotMeasure", "LungMeasurement", "LungNumbers", "measure_lungs"]

_LOWEST_HU = -1024
_LOW_HU = -950
_LEAST_SHARE = 0.2  # of the widest slice: the tips of the lungs are too small for a share

Thirds = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class LungNumbers:
    """One lung.

    Attributes:
        volume_l: Aerated lung in litres, as the module defines it.
        mean_hu: Mean of the aerated lung.
        percentile15_hu: 15 % of the aerated lung is at or below.
        laa950_fraction: Share of the aerated lung below -950 HU, 0..1.
    """

    volume_l: float
    mean_hu: float
    percentile15_hu: int
    laa950_fraction: float

    def numbers(self) -> dict[str, float]:
        """Rounded to what CT can tell."""
        return {
            "volume_l": round(self.volume_l, 2),
            "mean_hu": round(self.mean_hu),
            "percentile15_hu": self.percentile15_hu,
            "laa950_percent": _percent(self.laa950_fraction),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class LungMeasurement:
    """Both lungs of one CT volume.

    Attributes:
        series: Id of the series; empty when it was not given.
        conditions: How the scan was made, which the numbers depend on.
        left, right: The patient's left and right.
        both: The two together.
        left_laa950_thirds, right_laa950_thirds: Share below -950 HU, 0..1, of the upper, middle
            and lower third of either lung's height.
        cysts: Round clusters of air.
        dense: Voxels above +100 HU in the peripheral lung.
        low_slices: Slices with the largest share of lung below -950 HU.
        widest_slices: Slices with the most lung, to show either side.
    """

    series: str
    conditions: Conditions
    left: LungNumbers
    right: LungNumbers
    both: LungNumbers
    left_laa950_thirds: Thirds
    right_laa950_thirds: Thirds
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
                self.conditions.summary(),
            )
        )

    def numbers(self) -> dict[str, object]:
        """The numbers rounded to what CT can tell, with the conditions they hold under."""
        upper_first = ("upper", "middle", "lower")
        return {
            "left": self.left.numbers(),
            "right": self.right.numbers(),
            "both": self.both.numbers(),
            "laa950_percent_by_third": {
                side: dict(zip(upper_first, map(_percent, by_third), strict=True))
                for side, by_third in (
                    ("left", self.left_laa950_thirds),
                    ("right", self.right_laa950_thirds),
                )
            },
            "round_air_clusters": self.cysts.numbers(),
            "above_100_hu": self.dense.numbers(),
            "conditions": self.conditions.summary(),
        }


def measure_lungs(volume: Volume, *, series: Series | None = None) -> LungMeasurement:
    """Measure the lungs of a chest CT.

    Args:
        volume: HU, axial, spacing known, slices at most 5 mm apart, pixels at most 2.5 mm wide.
        series: What the header said of it: kernel, thickness and contrast go into the conditions.

    Raises:
        CannotMeasure: When an honest measurement is not possible; the reason says why.
    """
    thickness = series.thickness_mm if series else None
    if thickness is not None and thickness > MOST_SLICE_MM + 0.05:
        raise CannotMeasure(
            f"slices are {thickness:.1f} mm thick; at most {MOST_SLICE_MM:g} mm will do"
        )
    lungs = find_lungs(volume)
    aerated = (lungs.hu < AERATED_HU) & (lungs.filled > 0)
    voxel_l = float(np.prod(lungs.spacing_mm)) / 1e6
    counts = {side: _histograms(lungs, aerated, side) for side in (LEFT, RIGHT)}
    both = counts[LEFT] + counts[RIGHT]
    lung_area = both.sum(axis=1)
    low_share = np.where(
        lung_area > _LEAST_SHARE * lung_area.max(), _low(both) / np.maximum(lung_area, 1), 0.0
    )
    return LungMeasurement(
        series=series.id if series else "",
        conditions=conditions_of(lungs.spacing_mm, series),
        left=_numbers(counts[LEFT], voxel_l),
        right=_numbers(counts[RIGHT], voxel_l),
        both=_numbers(both, voxel_l),
        left_laa950_thirds=_low_by_third(counts[LEFT]),
        right_laa950_thirds=_low_by_third(counts[RIGHT]),
        cysts=find_cysts(lungs, aerated),
        dense=find_dense(lungs),
        low_slices=_pick(low_share, lungs),
        widest_slices=_pick(lung_area.astype(np.float64), lungs),
    )


def _pick(weight: NDArray[np.float64], lungs: Lungs) -> tuple[int, ...]:
    return tuple(lungs.numbers[k] for k in spread_slices(weight))


def _histograms(lungs: Lungs, aerated: NDArray[np.bool_], side: int) -> NDArray[np.int64]:
    """(slices, HU from -1024 up): mean, percentile and share come from these counts exactly."""
    bins = AERATED_HU - _LOWEST_HU
    counts = np.zeros((len(lungs.hu), bins), dtype=np.int64)
    for k, (hu, air, lung) in enumerate(zip(lungs.hu, aerated, lungs.filled, strict=True)):
        values = hu[air & (lung == side)].astype(np.int32)
        counts[k] = np.bincount(np.maximum(values, _LOWEST_HU) - _LOWEST_HU, minlength=bins)
    return counts


def _low(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Voxels below -950 HU in each slice."""
    low: NDArray[np.int64] = counts[:, : _LOW_HU - _LOWEST_HU].sum(axis=1)
    return low


def _low_by_third(counts: NDArray[np.int64]) -> Thirds:
    area, low = counts.sum(axis=1), _low(counts)
    upper, middle, lower = (
        int(low[third].sum()) / max(1, int(area[third].sum())) for third in thirds(area)
    )
    return upper, middle, lower


def _numbers(by_slice: NDArray[np.int64], voxel_l: float) -> LungNumbers:
    counts = by_slice.sum(axis=0)
    total = int(counts.sum())
    values = np.arange(len(counts)) + _LOWEST_HU
    return LungNumbers(
        volume_l=total * voxel_l,
        mean_hu=float(counts @ values) / total,
        percentile15_hu=int(values[int(np.searchsorted(np.cumsum(counts), 0.15 * total))]),
        laa950_fraction=int(_low(by_slice).sum()) / total,
    )


def _percent(share: float) -> float:
    return round(100 * share, 1)
