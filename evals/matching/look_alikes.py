"""Names of different diseases against each other: how often the matcher takes one for another.

Every name of every disease is judged as if it were the answer to every name of every other one.
Only names with the same core or the same words can be accepted, so those are compared and the
others are counted: the result is that of all pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from evals.matching.level import Level
from evals.matching.levels import judge
from evals.matching.names import keys
from evals.matching.parts import read_claim
from evals.truth import Truth


@dataclass(frozen=True, kw_only=True, slots=True)
class LookAlike:
    """Two names of different diseases of which one is accepted for the other."""

    item: str
    truth: str
    level: Level


@dataclass(frozen=True, kw_only=True, slots=True)
class LookAlikes:
    """What came of all pairs.

    Attributes:
        pairs: Ordered pairs of names of different diseases.
        exact: Those accepted at L0 or L1.
        narrower: Those accepted at L2; a kind that has an entry of its own is rightly one.
    """

    pairs: int
    exact: tuple[LookAlike, ...]
    narrower: tuple[LookAlike, ...]


def find_look_alikes(diseases: Mapping[str, Sequence[str]]) -> LookAlikes:
    """Compare all names of different diseases, by the words alone.

    Args:
        diseases: Exact names by disease.
    """
    named = [(of, name) for of, names in diseases.items() for name in names]
    own = sum(len(names) ** 2 for names in diseases.values())
    found = {
        (item, truth): level
        for item, truth in _candidates(named)
        if (level := judge(item, Truth(primary=truth))).is_right
    }
    accepted = [LookAlike(item=i, truth=t, level=level) for (i, t), level in found.items()]
    return LookAlikes(
        pairs=len(named) ** 2 - own,
        exact=tuple(a for a in accepted if a.level.is_exact),
        narrower=tuple(a for a in accepted if not a.level.is_exact),
    )


def _candidates(named: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Pairs of names that share a key, or the core of any disease that they name."""
    together: dict[object, dict[tuple[str, str], None]] = defaultdict(dict)
    for of, name in named:
        parts = [each for names in read_claim(name).alternatives for each in names]
        cores = {each.core for each in parts}
        cores |= {other.core for each in parts for _, other in each.others}
        for sign in (*keys(name), *cores):
            together[sign][of, name] = None
    for group in together.values():
        for (one, item), (other, truth) in permutations(group, 2):
            if one != other:
                yield item, truth
