"""Contrasts: two arms on the same cases, with exact McNemar, paired bootstrap and Holm.

Which pairs are tested is fixed before a run, here or by the person, and never after seeing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evals.statistics.bootstrap import Estimate
from evals.statistics.metrics import Proportion

Ranks = Mapping[str, int | None]  # case -> 1-based rank of the truth, None for a miss


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Side:
    """What is contrasted: an arm in a view."""

    arm: str
    view: str

    def __str__(self) -> str:
        return f"{self.arm} {self.view}"


Pair = tuple[Side, Side]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """a against b on the cases that both were asked.

    Attributes:
        n: Those cases; `apart` more were asked of one side alone and are left out.
        both, only_a, only_b, neither: Cases right at top-1; they add up to n.
        p_exact: Of McNemar's exact two-sided test over the discordant pairs.
        p_holm: The same after Holm over all contrasts of the family.
        family: How many contrasts Holm's adjustment is over.
        difference: Top-1 of a minus top-1 of b, -1..1, paired bootstrap over clusters.
        mrr_difference: The same of the mean reciprocal rank.
        detectable: The smallest difference of top-1 that a test of so many cases with this share
            of discordant pairs finds in 80 of 100 runs at 0.05; None where even the largest
            possible one is found less often.
    """

    a: Side
    b: Side
    n: int
    apart: int
    right_a: Proportion
    right_b: Proportion
    both: int
    only_a: int
    only_b: int
    neither: int
    p_exact: float
    p_holm: float
    family: int
    difference: Estimate
    mrr_difference: Estimate
    detectable: float | None
