"""Terms that stand under one another: a thin-walled cyst is a lung cyst, so the two are one news.

Within a family (a term and those under it) a narrower finding is only there where the broader one
is: P(narrower | broader) = p(narrower) / p(broader). What is reported of the members is then
weighed together, over the states that the family can be in; what each one adds is what the whole
gains by it after the narrower ones, so a broader one adds little beside a narrower one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.ranking.evidence import Observation
from knowledge.ranking.trust import Trust, TrustTable
from knowledge.vocabulary import Vocabulary

_Values = NDArray[np.float64]


def families(
    observations: Sequence[Observation], vocabulary: Vocabulary
) -> list[list[Observation]]:
    """The observations by family, the broader before the narrower."""
    ordered = sorted(observations, key=lambda o: len(vocabulary.ancestors(o.term)))
    of_term: dict[str, list[Observation]] = {}
    made: list[list[Observation]] = []
    for seen in ordered:
        above = next((t for t in vocabulary.ancestors(seen.term) if t in of_term), None)
        family = of_term.get(seen.term) or (of_term[above] if above else None)
        if family is None:
            family = []
            made.append(family)
        family.append(seen)
        of_term[seen.term] = family
    return made


def log_likelihoods(
    family: Sequence[Observation],
    frequencies: Sequence[_Values],
    vocabulary: Vocabulary,
    trust: TrustTable,
) -> list[_Values]:
    """What each member adds to the ln likelihood of what was reported, disease by disease.

    Args:
        family: As `families` orders it.
        frequencies: (diseases,) of each member. A broader one that is listed as seldomer than a
            narrower one is taken to be as frequent.
        trust: Sensitivity and specificity by source and kind of finding.
    """
    above = _above(family, vocabulary)
    there = [values.copy() for values in frequencies]
    for at in reversed(range(len(family))):
        parent = above[at]
        if parent is not None:
            there[parent] = np.maximum(there[parent], there[at])
    trusted = [trust.of(o.source, o.modality, vocabulary[o.term].kind) for o in family]
    added: list[_Values] = []
    before = np.zeros_like(there[0])
    for start in reversed(range(len(family))):
        now = np.log(_likelihood(family, there, above, trusted, start))
        added.append(now - before)
        before = now
    return added[::-1]


def _likelihood(
    family: Sequence[Observation],
    there: Sequence[_Values],
    above: Sequence[int | None],
    trusted: Sequence[Trust],
    start: int,
) -> _Values:
    """P(what is reported of the members from `start` on), (diseases,): from the narrowest up."""
    whole = np.ones_like(there[0])
    present = [np.ones_like(whole) for _ in family]  # of what is reported below, given this one
    absent = [np.ones_like(whole) for _ in family]
    for at in reversed(range(start, len(family))):
        seen, parent = family[at], above[at]
        if_there, if_not = trusted[at].says_yes(1.0), trusted[at].says_yes(0.0)
        if not seen.present:
            if_there, if_not = 1 - if_there, 1 - if_not
        yes, no = if_there * present[at], if_not * absent[at]
        if parent is None or parent < start:
            whole *= there[at] * yes + (1 - there[at]) * no
        else:
            share = there[at] / there[parent]
            present[parent] *= share * yes + (1 - share) * no
            absent[parent] *= no
    return whole


def _above(family: Sequence[Observation], vocabulary: Vocabulary) -> list[int | None]:
    """The place of each member's nearest broader one in the family."""
    places = {seen.term: at for at, seen in reversed(list(enumerate(family)))}
    return [
        next((places[t] for t in vocabulary.ancestors(seen.term) if t in places), None)
        for seen in family
    ]
