"""Figures over ranks, each proportion with its count and 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOPS = (1, 3, 5, 10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proportion:
    """count of n, with the Wilson 95 % interval; low and high are 0..1."""

    count: int
    n: int
    low: float
    high: float

    def __str__(self) -> str:
        low, high = 100 * self.low, 100 * self.high
        return f"{self.count}/{self.n} {self.count / self.n:.1%} [{low:.1f}, {high:.1f}]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Top-k over all cases of a run, and the mean reciprocal rank with misses as 0.

    Attributes:
        mrr_interval: Of the mean reciprocal rank, bootstrap 95 %; None where nobody drew,
            and of a single cluster, which says nothing of the spread.
    """

    top: Mapping[int, Proportion]
    mrr: float
    mrr_interval: tuple[float, float] | None = None


def proportion(count: int, n: int) -> Proportion:
    """A share with its Wilson 95 % interval (Wilson 1927, no continuity correction).

    Raises:
        ValueError: If n is not positive or count is outside 0..n.
    """
    from statsmodels.stats.proportion import proportion_confint

    if n < 1 or not 0 <= count <= n:
        raise ValueError(f"takes a count of 0..n and n of at least 1, got {count} of {n}")
    low, high = proportion_confint(count, n, alpha=0.05, method="wilson")
    return Proportion(count=count, n=n, low=float(low), high=float(high))


def figures(ranks: Sequence[int | None]) -> Figures:
    """Figures of a run.

    Args:
        ranks: One for every case in the denominator, 1-based; None is a miss.

    Raises:
        ValueError: If there is no case.
    """
    if not ranks:
        raise ValueError("figures need at least one case, got none")
    return Figures(
        top={k: proportion(sum(r is not None and r <= k for r in ranks), len(ranks)) for k in TOPS},
        mrr=sum(1 / r for r in ranks if r is not None) / len(ranks),
    )
