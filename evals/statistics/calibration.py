"""Calibration: how far the leading diagnosis's probability can be believed."""

from __future__ import annotations

from dataclasses import dataclass

from evals.statistics.bootstrap import Estimate
from evals.statistics.metrics import Proportion


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """The cases of one range of probability: their mean, and the share that is right."""

    mean: float
    right: Proportion


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Of one arm in one view.

    Attributes:
        n: Cases with a leading probability; `without` more abstained or gave none.
        mean: Of the probabilities.
        right: The leading diagnoses that are right.
        brier: Mean squared distance between probability and outcome, 0 (best) to 1.
        brier_of_share: What it would be, were every case given the share that is right.
        ece: Expected calibration error over ten bins of equal width, 0 (best) to 1.
        ece_by_chance: What it would be on average, were the probabilities right: few cases err.
        bins: Those that hold a case, lowest first.
    """

    n: int
    without: int
    mean: float
    right: Proportion
    brier: Estimate
    brier_of_share: float
    ece: Estimate
    ece_by_chance: float
    bins: tuple[Bin, ...]
