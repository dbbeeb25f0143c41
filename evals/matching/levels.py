"""Judging one item of a differential against the truth, and ranking the list.

Only equal words and exact synonyms accept. There is no fuzzy ratio: by token_set Chiari I and
Chiari II score 98 of 100 and are different, GBM and astrocytoma grade IV score 42 and are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from evals.matching.names import is_denied, keys, keys_of
from evals.truth import Truth

Synonyms = Mapping[str, frozenset[str]]  # key of a name -> keys of every name of the same entry


class Level(StrEnum):
    """How near an item is to the truth. L0 to L2 are right; L3 and L4 are shown, never pooled."""

    L0 = "L0"  # the same words
    L1 = "L1"  # an exact synonym
    L2 = "L2"  # narrower than the truth
    L3 = "L3"  # a direct parent
    L4 = "L4"  # a component or complication
    DIFFERENT = "different"

    @property
    def is_right(self) -> bool:
        """Whether it counts in the primary figure."""
        return self in (Level.L0, Level.L1, Level.L2)

    @property
    def is_exact(self) -> bool:
        """Whether it is the truth by another name at most."""
        return self in (Level.L0, Level.L1)


class Judged(BaseModel):
    """A list against one truth.

    Attributes:
        levels: One for each item, in the order given.
        rank: 1-based rank of the first right item (L0 to L2) after items that mean the same
            collapsed; None when none is right.
        rank_exact: The same for the first of L0 or L1.
        rank_broader: The same for the first item that is right or a direct parent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    levels: tuple[Level, ...] = ()
    rank: int | None = None
    rank_exact: int | None = None
    rank_broader: int | None = None


def index_synonyms(entries: Sequence[Sequence[str]]) -> Synonyms:
    """Index the names of each disease; a key that two diseases share stands for neither."""
    found: dict[str, frozenset[str]] = {}
    shared: set[str] = set()
    for names in entries:
        together = keys_of(names)
        shared |= {key for key in together if key in found}
        found |= dict.fromkeys(together, together)
    return {key: together - shared for key, together in found.items() if key not in shared}


def judge(name: str, truth: Truth, synonyms: Synonyms | None = None) -> Level:
    """The level of one item.

    Args:
        name: As the arm wrote it.
        truth: The curated answer.
        synonyms: The knowledge base's own, which are a system's answer key: leave them out for
            the figure without them.
    """
    if is_denied(name):
        return Level.DIFFERENT
    said = keys(name)
    if said & keys(truth.primary):
        return Level.L0
    right = keys_of((truth.primary, *truth.synonyms))
    if said & right or _expand(said, synonyms) & right:
        return Level.L1
    if said & keys_of(truth.broader):
        return Level.L3
    if said & keys_of(truth.components):
        return Level.L4
    return Level.DIFFERENT


def judge_list(names: Sequence[str], truth: Truth, synonyms: Synonyms | None = None) -> Judged:
    """Judge every item and find the ranks; a denied item keeps the rank it takes up."""
    levels = tuple(judge(name, truth, synonyms) for name in names)
    rank = rank_exact = rank_broader = None
    for position, index in enumerate(distinct(names, synonyms), start=1):
        if levels[index].is_right and rank is None:
            rank = position
        if levels[index].is_exact and rank_exact is None:
            rank_exact = position
        if (levels[index].is_right or levels[index] is Level.L3) and rank_broader is None:
            rank_broader = position
    return Judged(levels=levels, rank=rank, rank_exact=rank_exact, rank_broader=rank_broader)


def distinct(names: Sequence[str], synonyms: Synonyms | None = None) -> list[int]:
    """Indices of the items left when one that means the same as an earlier one is dropped."""
    kept: list[int] = []
    seen: set[str] = set()
    for index, name in enumerate(names):
        meant = keys(name) | _expand(keys(name), synonyms)
        if not meant & seen:
            kept.append(index)
        seen |= meant
    return kept


def _expand(said: frozenset[str], synonyms: Synonyms | None) -> frozenset[str]:
    return frozenset().union(*((synonyms or {}).get(key, frozenset()) for key in said))
