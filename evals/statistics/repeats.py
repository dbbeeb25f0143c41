"""Repeats: how much of a figure's spread comes from running again, and how much from the cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evals.statistics.bootstrap import Estimate, Resample
from evals.statistics.contrasts import Ranks, Side
from evals.statistics.metrics import Proportion, proportion


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


def repeats(
    side: Side, by_seed: Mapping[int, Ranks], clusters: Mapping[str, int], draws: tuple[int, int]
) -> Repeats:
    """Take the spread of several runs apart.

    Args:
        side: Which arm and view.
        by_seed: At least two runs.
        clusters: Of every case.
        draws: How many, and the seed.

    Raises:
        ValueError: With fewer than two runs, or fewer than two cases in all of them.
    """
    seeds = tuple(sorted(by_seed))
    of_all = set.intersection(*(set(by_seed[seed]) for seed in seeds))
    cases = sorted(of_all)
    if len(seeds) < 2 or len(cases) < 2:
        raise ValueError(f"takes two runs and two cases, got {len(seeds)} and {len(cases)}")
    outcome = np.array([[by_seed[s][case] == 1 for s in seeds] for case in cases], dtype=float)
    n, runs = outcome.shape
    of_case = outcome.mean(axis=1)
    shares = outcome.mean(axis=0)
    within = float(outcome.var(axis=1, ddof=1).mean())  # mean square within cases
    between = max(0.0, float(of_case.var(ddof=1)) - within / runs)
    varies = within + between
    return Repeats(
        arm=side.arm,
        view=side.view,
        seeds=seeds,
        shares=tuple(map(float, shares)),
        n=n,
        apart=len(set().union(*by_seed.values()) - of_all),
        mean=Resample([clusters[case] for case in cases], *draws).estimate(of_case),
        run_sd=float(shares.std(ddof=1)),
        case_sd=(between / n) ** 0.5,
        between_cases=between,
        within_cases=within,
        run_share=within / varies if varies else None,
        changing=proportion(int(np.count_nonzero((of_case > 0) & (of_case < 1))), n),
    )
