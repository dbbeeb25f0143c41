"""Risk and coverage: how often an arm errs when it answers only where it is sure enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evals.statistics.calibration import Leads
from evals.statistics.metrics import Proportion, proportion


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


def risk_coverage(leads: Leads) -> RiskCoverage:
    """The curve and its area; within equal probabilities any order is as likely as another.

    Args:
        leads: At least one.
    """
    thresholds, place = np.unique(leads.probabilities, return_inverse=True)
    sizes = np.bincount(place)[::-1]
    wrong = np.bincount(place, 1 - leads.is_right)[::-1]
    covered, wrong_so_far = np.cumsum(sizes), np.cumsum(wrong)
    answered = len(leads.probabilities)
    n = answered + leads.without

    each = np.arange(1, answered + 1)
    # Mistakes expected among the first k: those before the ties that k falls in, and their share.
    expected = np.interp(each, [0, *covered], [0, *wrong_so_far])
    right = answered - int(wrong_so_far[-1])
    return RiskCoverage(
        points=tuple(
            Point(
                threshold=float(threshold),
                coverage=int(count) / n,
                right=proportion(int(count) - int(errors), int(count)),
            )
            for threshold, count, errors in zip(
                thresholds[::-1], covered, wrong_so_far, strict=True
            )
        ),
        n=n,
        answered=answered,
        area=float(np.mean(expected / each)),
        area_by_chance=1 - right / answered,
        area_at_best=float(np.mean(np.maximum(0, each - right) / each)),
    )
