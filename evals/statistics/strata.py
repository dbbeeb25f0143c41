"""Strata: the figures of groups of cases; where a group is small, its counts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evals.statistics.metrics import TOPS, Proportion, proportion

ENOUGH = 20  # cases; below it a share would only mislead


@dataclass(frozen=True, kw_only=True, slots=True)
class Stratum:
    """The cases with one value of one factor.

    Attributes:
        factor: region, modality, rarity or kind, or what the caller splits by.
        hits: By k, how many have the truth among the first k.
        shares: The same as shares with intervals; None where n < 20.
    """

    factor: str
    value: str
    n: int
    hits: Mapping[int, int]
    shares: Mapping[int, Proportion] | None


def stratify(factor: str, values: Sequence[str], ranks: Sequence[int | None]) -> list[Stratum]:
    """Split cases by a factor, the largest stratum first.

    Args:
        factor: Its name.
        values: Of each case; "" becomes "not told".
        ranks: Of each case, 1-based; None is a miss.
    """
    groups: dict[str, list[int | None]] = {}
    for value, rank in zip(values, ranks, strict=True):
        groups.setdefault(value or "not told", []).append(rank)
    return [
        _stratum(factor, value, of)
        for value, of in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    ]


def _stratum(factor: str, value: str, ranks: Sequence[int | None]) -> Stratum:
    n = len(ranks)
    hits = {k: sum(rank is not None and rank <= k for rank in ranks) for k in TOPS}
    shares = {k: proportion(count, n) for k, count in hits.items()} if n >= ENOUGH else None
    return Stratum(factor=factor, value=value, n=n, hits=hits, shares=shares)
