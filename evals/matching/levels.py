"""Judging one item of a differential against the truth, and ranking the list.

Only equal words, equal parts and exact synonyms accept. There is no fuzzy ratio: by token_set
Chiari I and Chiari II score 98 of 100 and are different, GBM and astrocytoma grade IV score 42 and
are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from evals.matching.compare import compare
from evals.matching.known import Known, clash, signs
from evals.matching.level import Judged, Level
from evals.matching.names import is_denied, keys, keys_of
from evals.matching.parts import Parts, read_claim
from evals.matching.spelling import mended
from evals.truth import Truth

__all__ = ["Judged", "Level", "distinct", "judge", "judge_list"]

_ORDER = (Level.L0, Level.L1, Level.L2, Level.L3, Level.L4, Level.DIFFERENT)


def judge(
    name: str, truth: Truth, known: Sequence[Known] = (), lexicon: frozenset[str] = frozenset()
) -> Level:
    """The level of one item.

    Args:
        name: As the arm wrote it. Of "X vs Y" the worst alternative counts: an answer that hedges
            between two diseases is right only when both are.
        truth: The curated answer.
        known: Outside knowledge of names: the knowledge base's own, which is a system's answer
            key (leave it out for the figure without it), and ontologies.
        lexicon: Every word that is spelt rightly; with it, a misspelt word is read as the word of
            the truth that it comes from.
    """
    level = _level(name, truth, known)
    if level is Level.DIFFERENT and lexicon:
        said = mended(name, (truth.primary, *truth.synonyms), lexicon)
        if said != name:
            level = _level(said, truth, known)
    return level


def _level(name: str, truth: Truth, known: Sequence[Known]) -> Level:
    if is_denied(name):
        return Level.DIFFERENT
    said = keys(name)
    if said & keys(truth.primary):
        return Level.L0
    if said & keys_of(truth.synonyms):
        return Level.L1
    claim = read_claim(name)
    if not claim.alternatives:
        return Level.DIFFERENT
    levels = [_of_names(each, name, truth) for each in claim.alternatives]
    if len(claim.alternatives) == 1:
        level = levels[0]
        if level not in (Level.L1, Level.L2) and not _is_vetoed(name, truth):
            level = min((level, *_outside(name, truth, known)), key=_ORDER.index)
        return level
    return max(levels, key=_ORDER.index)


def judge_list(
    names: Sequence[str],
    truth: Truth,
    known: Sequence[Known] = (),
    lexicon: frozenset[str] = frozenset(),
) -> Judged:
    """Judge every item and find the ranks; a denied item keeps the rank it takes up."""
    levels = tuple(judge(name, truth, known, lexicon) for name in names)
    return ranked(levels, distinct(names, known))


def ranked(levels: tuple[Level, ...], kept: Sequence[int]) -> Judged:
    """The ranks of a list, from the levels of its items and the indices that count."""
    rank = rank_exact = rank_broader = None
    for position, index in enumerate(kept, start=1):
        if levels[index].is_right and rank is None:
            rank = position
        if levels[index].is_exact and rank_exact is None:
            rank_exact = position
        if (levels[index].is_right or levels[index] is Level.L3) and rank_broader is None:
            rank_broader = position
    return Judged(levels=levels, rank=rank, rank_exact=rank_exact, rank_broader=rank_broader)


def distinct(names: Sequence[str], known: Sequence[Known] = ()) -> list[int]:
    """Indices of the items left when one that means the same as an earlier one is dropped."""
    kept: list[int] = []
    seen: set[object] = set()
    for index, name in enumerate(names):
        meant: set[object] = {"not"} if is_denied(name) else set()
        for sign in signs(name) if not meant else keys(name):
            meant.add(sign)
        meant |= {(at, each) for at, base in enumerate(known) for each in base.ids(name)}
        if not (meant - {"not"}) & seen:
            kept.append(index)
        seen |= meant - {"not"}
    return kept


@lru_cache(maxsize=4096)
def anchors(truth: Truth) -> tuple[str, ...]:
    """The truth's names that say all of it: the primary, and synonyms that are not broader.

    A curated synonym may be broader than the case ("lipoma" of a lipoma of the small bowel): an
    item that is that word is right, and an item that is a kind of it need not be.
    """
    exact = [
        name
        for name in truth.synonyms
        if len("".join(keys(name))) > 4 and _best(_all(name), truth.primary) is not Level.L3
    ]
    return (truth.primary, *exact)


def _of_names(names: Sequence[Parts], name: str, truth: Truth) -> Level:
    """The level of one alternative by the curated names alone."""
    found: list[Level] = []
    if not _is_vetoed(name, truth):
        for right in truth.synonyms:
            if _best(names, right) is Level.L1:
                found.append(Level.L1)
        for right in anchors(truth):
            best = _best(names, right)
            if best is not None:
                found.append(best)
    if any(_best(names, broader) is Level.L1 for broader in truth.broader):
        found.append(Level.L3)
    if any(_best(names, part) in (Level.L1, Level.L2) for part in truth.components):
        found.append(Level.L4)
    return min(found, key=_ORDER.index, default=Level.DIFFERENT)


def _outside(name: str, truth: Truth, known: Sequence[Known]) -> list[Level]:
    levels = (base.level(name, anchors(truth)) for base in known)
    return [level for level in levels if level is not None]


def _is_vetoed(name: str, truth: Truth) -> bool:
    """Whether the item contradicts the truth's own name: the other side, number or kind."""
    if clash(name, truth.primary):
        return True
    return _best(_all(name), truth.primary) is Level.DIFFERENT


def _all(name: str) -> tuple[Parts, ...]:
    """The readings of a name; none of a name that leaves open which of two diseases it means."""
    alternatives = read_claim(name).alternatives
    return alternatives[0] if len(alternatives) == 1 else ()


def _best(names: Sequence[Parts], right: str) -> Level | None:
    found = [
        level
        for one in names
        for other in _all(right)
        if (level := compare(one, other)) is not None
    ]
    return min(found, key=_ORDER.index, default=None)
