"""Calibration: how far the leading diagnosis's probability can be believed.

Told are the Brier score and the expected calibration error. The error of few cases is above zero by
chance alone, so beside it stands what it would be, on average, were the probabilities right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.matching.scoring import Scoring
from evals.running.ledger import Line, Reading
from evals.statistics.bootstrap import Estimate, Resample, Values
from evals.statistics.metrics import Proportion, proportion

BINS = 10
_DRAWS = 2000
_SEED = 5


@dataclass(frozen=True, slots=True)
class Leads:
    """The leading diagnosis of each case.

    Attributes:
        probabilities: (cases,) 0..1.
        is_right: (cases,) 1.0 where it is the truth, else 0.0.
        without: Cases that had no leading diagnosis: abstained, or an empty list.
        cases: Their ids, where they have any.
    """

    probabilities: Values
    is_right: Values
    without: int = 0
    cases: tuple[str, ...] = ()


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


def leads_of(
    lines: Sequence[Line], scoring: Scoring = "curated", reading: Reading = "right"
) -> Leads:
    """The leading diagnoses that count and have a probability."""
    told = [
        (line.case, line.predictions[0].probability, line.rank(scoring, reading) == 1)
        for line in lines
        if line.status == "OK" and line.predictions[0].probability is not None
    ]
    return Leads(
        np.array([p for _, p, _ in told], dtype=np.float64),
        np.array([right for _, _, right in told], dtype=np.float64),
        without=len(lines) - len(told),
        cases=tuple(case for case, _, _ in told),
    )


def calibrate(leads: Leads, resample: Resample) -> Calibration:
    """All figures of some leads.

    Args:
        leads: At least one.
        resample: Over the clusters of their cases.
    """
    p, right = leads.probabilities, leads.is_right
    in_bin = np.eye(BINS)[by_width(p)]
    drawn = np.abs(resample.means((p - right)[:, None] * in_bin)).sum(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    outcomes = np.random.default_rng(_SEED).random((_DRAWS, len(p))) < p
    by_chance = np.abs((p - outcomes) @ in_bin).sum(axis=1) / len(p)
    share = float(right.mean())
    return Calibration(
        n=len(p),
        without=leads.without,
        mean=float(p.mean()),
        right=proportion(int(right.sum()), len(p)),
        brier=resample.estimate((p - right) ** 2),
        brier_of_share=share * (1 - share),
        ece=Estimate(value=ece_by_width(p, right), low=float(low), high=float(high)),
        ece_by_chance=float(by_chance.mean()),
        bins=tuple(bins(leads)),
    )


def brier(probabilities: Values, is_right: Values) -> float:
    """Mean squared distance, 0 (best) to 1."""
    return float(np.mean((probabilities - is_right) ** 2))


def ece_by_width(probabilities: Values, is_right: Values) -> float:
    """Expected calibration error over ten bins of equal width; 0 (best) to 1."""
    return _ece(probabilities, is_right, by_width(probabilities))


def ece_by_size(probabilities: Values, is_right: Values) -> float:
    """Expected calibration error over ten bins of the same number of cases; 0 (best) to 1."""
    return _ece(probabilities, is_right, by_size(probabilities))


def by_width(probabilities: Values) -> NDArray[np.intp]:
    """(cases,) the bin of each, 0..9; the upper bound of a bin belongs to the next one."""
    return np.minimum((probabilities * BINS).astype(np.intp), BINS - 1)


def by_size(probabilities: Values) -> NDArray[np.intp]:
    """(cases,) the bin of each, 0..9, by rank."""
    ranks = np.argsort(np.argsort(probabilities, kind="stable"), kind="stable")
    return np.asarray(ranks * BINS // len(probabilities), dtype=np.intp)


def bins(leads: Leads) -> list[Bin]:
    """The bins of equal width that hold a case, lowest first."""
    places = by_width(leads.probabilities)
    return [
        Bin(
            mean=float(leads.probabilities[places == at].mean()),
            right=proportion(
                int(leads.is_right[places == at].sum()), int(np.count_nonzero(places == at))
            ),
        )
        for at in np.unique(places)
    ]


def interval(leads: Leads, figure: Callable[[Values, Values], float]) -> tuple[float, float]:
    """The bootstrap 95 % interval (percentiles of 2,000 resamples of the cases, fixed seed)."""
    pick = np.random.default_rng(_SEED)
    count = len(leads.probabilities)
    drawn = []
    for _ in range(_DRAWS):
        rows = pick.integers(0, count, count)
        drawn.append(figure(leads.probabilities[rows], leads.is_right[rows]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def by_chance(leads: Leads, figure: Callable[[Values, Values], float]) -> float:
    """The mean of a figure were the probabilities right: outcomes drawn by them, fixed seed."""
    pick = np.random.default_rng(_SEED)
    p = leads.probabilities
    return float(
        np.mean([figure(p, (pick.random(len(p)) < p).astype(np.float64)) for _ in range(_DRAWS)])
    )


def _ece(probabilities: Values, is_right: Values, places: NDArray[np.intp]) -> float:
    apart = np.bincount(places, probabilities - is_right, BINS)
    return float(np.abs(apart).sum() / len(probabilities))
