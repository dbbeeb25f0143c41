"""Contrasts: two arms on the same cases, with exact McNemar, paired bootstrap and Holm.

Which pairs are tested is fixed before a run, here or by the person, and never after seeing it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evals.statistics.bootstrap import Estimate, Resample
from evals.statistics.metrics import Proportion, proportion
from evals.statistics.power import ALPHA, detectable_difference, mcnemar_p
from tools.errors import UserError

Ranks = Mapping[str, int | None]  # case -> 1-based rank of the truth, None for a miss

# Each asks one question; the first arm is the one that is expected to be better.
PREREGISTERED: tuple[tuple[str, str], ...] = (
    ("agent", "planner-alone"),  # is the agent worth more than the planner's own knowledge
    ("agent", "planner-alone-images"),  # and than the planner looking for itself
    ("agent", "agent-no-knowledge"),  # each part taken out
    ("agent", "agent-no-vision"),
    ("agent", "agent-no-loop"),
    ("agent", "vision-alone"),
    ("agent", "offline"),  # is a language model worth its cost
    ("planner-alone", "vision-alone"),  # the claim this project began from
    ("planner-alone", "offline"),
    ("offline", "bm25"),  # is weighing evidence worth more than finding words
    ("offline", "dense"),
    ("offline", "prior"),
)
# On one arm: does it look at the case's own images at all, and what do they add.
PREREGISTERED_VIEWS: tuple[tuple[str, str], ...] = (("V2", "V2x"), ("V4", "V3"))
LOOKING = frozenset(
    {"agent", "agent-no-knowledge", "agent-no-loop", "planner-alone-images", "vision-alone"}
)


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
            of discordant pairs finds in 80 of 100 runs at 0.05, before Holm; None where even the
            largest possible one is found less often.
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


def compare(
    pair: Pair, a: Ranks, b: Ranks, clusters: Mapping[str, int], draws: tuple[int, int]
) -> Contrast:
    """One contrast, as if it were the only one.

    Args:
        pair: What a and b are.
        a, b: Ranks by case.
        clusters: Of every case, by evals.statistics.clusters.
        draws: How many, and the seed: bootstrap.DRAWS and bootstrap.SEED.

    Raises:
        ValueError: When the two have no case in common.
    """
    cases = sorted(a.keys() & b.keys())
    if not cases:
        raise ValueError(f"{pair[0]} and {pair[1]} have no case in common")
    first, second = ([ranks[case] for case in cases] for ranks in (a, b))
    is_right = np.array([[r == 1 for r in first], [r == 1 for r in second]])
    reciprocal = np.array([[1 / r if r else 0.0 for r in side] for side in (first, second)])
    n = len(cases)
    both, only_a, only_b = (
        int(np.count_nonzero(which))
        for which in (
            is_right[0] & is_right[1], is_right[0] & ~is_right[1], is_right[1] & ~is_right[0],
        )
    )  # fmt: skip
    difference, mrr_difference = Resample([clusters[case] for case in cases], *draws).estimates(
        np.column_stack([is_right[0] * 1.0 - is_right[1], reciprocal[0] - reciprocal[1]])
    )
    p_exact = mcnemar_p(only_a, only_b)
    return Contrast(
        a=pair[0],
        b=pair[1],
        n=n,
        apart=len(a.keys() ^ b.keys()),
        right_a=proportion(both + only_a, n),
        right_b=proportion(both + only_b, n),
        both=both,
        only_a=only_a,
        only_b=only_b,
        neither=n - both - only_a - only_b,
        p_exact=p_exact,
        p_holm=p_exact,
        family=1,
        difference=difference,
        mrr_difference=mrr_difference,
        detectable=detectable_difference(n, (only_a + only_b) / n),
    )


def holm(contrasts: Sequence[Contrast]) -> tuple[Contrast, ...]:
    """The contrasts as one family: p adjusted by Holm's step-down procedure (1979)."""
    if not contrasts:
        return ()
    from statsmodels.stats.multitest import multipletests

    adjusted = multipletests([c.p_exact for c in contrasts], alpha=ALPHA, method="holm")[1]
    return tuple(
        replace(contrast, p_holm=float(p), family=len(contrasts))
        for contrast, p in zip(contrasts, adjusted, strict=True)
    )


def planned(sides: Collection[Side]) -> tuple[Pair, ...]:
    """The pre-registered family among what ran, whatever came out.

    The listed pairs of arms in each view, and the listed pairs of views of the arms that look. An
    arm that no list knows is contrasted with every other arm of its view.
    """
    ran = set(sides)
    known = {arm for pair in PREREGISTERED for arm in pair}
    views = list(dict.fromkeys(side.view for side in sides))
    arms = list(dict.fromkeys(side.arm for side in sides))
    listed = [pair for pair in PREREGISTERED if set(pair) <= set(arms)]
    own = [
        (a, b)
        for at, a in enumerate(arms)
        for b in arms[at + 1 :]
        if a not in known or b not in known
    ]
    pairs = [(Side(arm=a, view=v), Side(arm=b, view=v)) for v in views for a, b in (*listed, *own)]
    pairs += [
        (Side(arm=arm, view=a), Side(arm=arm, view=b))
        for arm in arms
        if arm in LOOKING
        for a, b in PREREGISTERED_VIEWS
    ]
    return tuple(pair for pair in pairs if ran.issuperset(pair))


def read_contrast(text: str, sides: Collection[Side]) -> tuple[Pair, ...]:
    """The pairs that a person asks for.

    Args:
        text: "A:B" for two arms in every view that both ran in, "A@V2:B@V1" for one pair.
        sides: What ran.

    Raises:
        UserError: When it is neither, or one of the two did not run.
    """
    ran = dict.fromkeys(sides)
    first, _, second = text.partition(":")
    if "@" in text:
        pairs = [(a, b) for a in ran for b in ran if (_named(a), _named(b)) == (first, second)]
    else:
        pairs = [
            (a, b)
            for a in ran
            for b in ran
            if (a.arm, b.arm) == (first, second) and a.view == b.view
        ]
    found = tuple((a, b) for a, b in pairs if a != b)
    if found:
        return found
    raise UserError(
        f"no contrast {text!r} in this run: takes A:B or A@VIEW:B@VIEW of "
        f"{', '.join(map(_named, ran))}"
    )


def read_contrasts(texts: Sequence[str], sides: Collection[Side]) -> tuple[Pair, ...] | None:
    """The family that a person asks for, each pair once; None, the pre-registered one, for none.

    Raises:
        UserError: As for one of them.
    """
    if not texts:
        return None
    return tuple(dict.fromkeys(pair for text in texts for pair in read_contrast(text, sides)))


def _named(side: Side) -> str:
    return f"{side.arm}@{side.view}"
