"""Repeats: how much of a figure's spread comes from running again, and how much from the cases."""

from __future__ import annotations

from dataclasses import dataclass

from evals.statistics.bootstrap import Estimate
from evals.statistics.metrics import Proportion


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeats:
    """One arm in one view, run several times on the same cases; all of top-1.

    Attributes:
        shares: Of each seed, in the order of the seeds.
        n: Cases that every repeat has; `apart` more are in some of them only.
        mean: Over cases and repeats, bootstrapped over clusters of cases.
        run_sd: Standard deviation of the repeats' shares: what running again changes.
        case_sd: Standard error of a share from the draw of the cases alone.
        between_cases, within_cases: Variance components of the 0/1 outcome of a case in a run
            (one-way random effects, ANOVA estimates): how cases differ, and how one case differs
            from run to run.
        run_share: within / (within + between), 0..1; None where nothing varies.
        changing: Cases that are right in some repeats and wrong in others.
    """

    arm: str
    view: str
    seeds: tuple[int, ...]
    shares: tuple[float, ...]
    n: int
    apart: int
    mean: Estimate
    run_sd: float
    case_sd: float
    between_cases: float
    within_cases: float
    run_share: float | None
    changing: Proportion
