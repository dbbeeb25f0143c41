"""Judging one item of a differential against the truth, and ranking the list.

Only equal words, equal parts and exact synonyms accept. There is no fuzzy ratio: by token_set
Chiari I and Chiari II score 98 of 100 and are different, GBM and astrocytoma grade IV score 42 and
are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from evals.matching.answer import Answer, Readings, cores_of, read_answer
from evals.matching.compare import ORDER, around, best
from evals.matching.known import Known, Target, clash, signs_of
from evals.matching.level import Judged, Level
from evals.matching.names import is_denied, keys
from evals.matching.parts import read_claim
from evals.matching.spelling import mended
from evals.truth import Truth

__all__ = ["Judged", "Level", "distinct", "judge", "judge_list", "ranked"]


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
    return judge_list([name], truth, known, lexicon).levels[0]


def judge_list(
    names: Sequence[str],
    truth: Truth,
    known: Sequence[Known] = (),
    lexicon: frozenset[str] = frozenset(),
) -> Judged:
    """Judge every item and find the ranks; a denied item keeps the rank it takes up."""
    answer = read_answer(truth)
    targets = answer.targets(known)
    levels: list[Level] = []
    for name in names:
        level = _level(name, answer, targets)
        if level is Level.DIFFERENT and (said := mended(name, answer.names, lexicon)) != name:
            level = _level(said, answer, targets)
        levels.append(level)
    return ranked(tuple(levels), distinct(names, known))


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
        signs = keys(name) if is_denied(name) else signs_of(name)
        meant = set(signs)
        for at, base in enumerate(known):
            meant |= {(at, base.by_name[sign]) for sign in signs if sign in base.by_name}
        if not meant & seen:
            kept.append(index)
        seen |= meant
    return kept


def _level(name: str, answer: Answer, targets: Sequence[Target]) -> Level:
    if is_denied(name):
        return Level.DIFFERENT
    said = keys(name)
    if said & answer.primary:
        return Level.L0
    if said & answer.others:
        return Level.L1
    claim = read_claim(name)
    if not claim.alternatives:
        return Level.DIFFERENT
    if len(claim.alternatives) > 1:
        return max((_level(each, answer, targets) for each in claim.texts), key=ORDER.index)
    names = claim.alternatives[0]
    if clash(names, answer.primary_parts):
        return _beside(names, answer)
    level = _by_words(names, answer)
    if level in (Level.L1, Level.L2):
        return level
    outside = (target.level(name) for target in targets)
    return min((level, *(each for each in outside if each is not None)), key=ORDER.index)


def _by_words(names: Readings, answer: Answer) -> Level:
    """The level of an item by the curated names alone."""
    if cores_of(names).isdisjoint(answer.cores):
        return Level.DIFFERENT
    if best(names, answer.primary_parts) is Level.DIFFERENT:
        return _beside(names, answer)
    if any(best(names, right) is Level.L1 for right in answer.synonyms):
        return Level.L1
    found = [level for right in answer.anchors if (level := best(names, right)) is not None]
    here = around(frozenset().union(*(parts.sites for parts in names)))
    if here and answer.sites and here.isdisjoint(answer.sites):
        # A kind of some name of the truth, but in a place that none of them has to do with.
        found = [level for level in found if level is not Level.L2]
    return min((*found, _beside(names, answer)), key=ORDER.index)


def _beside(names: Readings, answer: Answer) -> Level:
    """L3 or L4 where the item is a curated parent or component of the truth."""
    if any(best(names, broader) is Level.L1 for broader in answer.broader):
        return Level.L3
    if any(best(names, part) is Level.L1 for part in answer.components):
        return Level.L4
    return Level.DIFFERENT
