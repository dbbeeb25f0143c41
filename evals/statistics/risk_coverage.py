"""Risk and coverage: how often an arm errs when it answers only where it is sure enough."""

from __future__ import annotations

from dataclasses import dataclass

from evals.statistics.metrics import Proportion


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """The answers whose leading probability is at least the threshold.

    Attributes:
        coverage: Their share of all cases, 0..1.
        right: Of them, those whose leading diagnosis is right; the risk is 1 less this share.
    """

    threshold: float
    coverage: float
    right: Proportion


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskCoverage:
    """The curve of one arm in one view.

    Attributes:
        points: From the highest threshold to the lowest, one a distinct probability.
        answered: Cases with a leading probability; the others are covered at no threshold.
        area: Mean risk over the covered 1, 2, ... answered cases, most certain first (AURC).
        area_by_chance: The same were certainty worth nothing: the share wrong of the answered.
        area_at_best: The same were every right answer more certain than every wrong one.
    """

    points: tuple[Point, ...]
    n: int
    answered: int
    area: float
    area_by_chance: float
    area_at_best: float
