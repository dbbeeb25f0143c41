"""Ranking by evidence: from findings, words, history and demographics to a posterior.

Odds form of Bayes' rule, shown finding by finding as LIRICAL does (Robinson et al., AJHG 2020).
The likelihood ratio of a reported finding is

    P(reported | disease) / P(reported | any other disease)

with P(reported) = sensitivity * p + (1 - specificity) * (1 - p); p is the entry's frequency, or the
term's background rate, and sensitivity and specificity are those of the source. A term that an
entry does not list is neutral: p is the background rate. Terms of one family (a term and its
broader ones) tell the same thing twice, so only the strongest counts in full; and what was read
from a text counts again by the text's words, so it counts less there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry
from knowledge.ranking.evidence import (
    IMPLIES,
    Contribution,
    Observation,
    Ranked,
    Ranking,
    reported,
)
from knowledge.ranking.patient import Patients
from knowledge.ranking.scope import Scope, Visibility
from knowledge.ranking.wording import Likeness, Wording
from knowledge.vocabulary import Vocabulary

# Fixed constants, never counted from cases: how often a case that is brought to a differential
# turns out to be one entry of the class. The gap is far narrower than between the prevalences
# (1 : 100 : 10,000), because the common and typical is seldom brought.
PRIORS: Mapping[str, float] = {"rare": 1.0, "uncommon": 2.0, "common": 2.0}
# A disease that has no entry: its share before any finding, and how often it shows a finding that
# is seen: three times the background rate, since something is wrong with the patient.
OTHER_PRIOR = 0.25
OTHER_RATIO = 3.0
_FAMILY_WEIGHT = 0.35  # what a second term of the same family still adds
_DISTRIBUTION_WEIGHT = 0.5  # where a finding lies qualifies it and says less than what it is
_TEXT_WEIGHT = 0.7  # of a present finding whose words count as well
_TEXT_SOURCES = frozenset({"report", "person"})
_SHOWN = 0.05  # ln; a contribution under it is left out
_WORDED = 50  # so many of the best carry the words that counted for them

_Rows = NDArray[np.intp]
_Values = NDArray[np.float64]


class Ranker:
    """All entries, ready to be ranked. Build once; it holds no case."""

    def __init__(self, entries: Mapping[str, Entry], vocabulary: Vocabulary) -> None:
        self._entries = tuple(entries.values())
        self._vocabulary = vocabulary
        self._listed = _listed(self._entries, vocabulary)
        self._prior = np.log([PRIORS[entry.rarity] for entry in self._entries] or [1.0])
        self._patients = Patients(self._entries)
        self._visibility = Visibility(self._entries, vocabulary)
        self._expected = [
            tuple(dict.fromkeys(f.term for f in entry.findings if f.frequency >= 0.5))
            for entry in self._entries
        ]

    @cached_property
    def wording(self) -> Wording:
        """The words of each entry; rows in the order of the entries."""
        return Wording(self._entries, self._vocabulary)

    def rank(
        self,
        observations: Sequence[Observation],
        *,
        history: str = "",
        text: str = "",
        age_years: float | None = None,
        sex: str | None = None,
        scope: Scope | None = None,
    ) -> Ranking:
        """Order every entry by its posterior.

        Args:
            observations: Findings; one term once (the caller merges sources), each with an id of
                its own, under which its contribution is told.
            history: Free text, searched for the entries' clinical terms.
            text: History and report without what they deny; its words are held against each
                entry's own. Empty: words do not count.
            age_years: In years, None when unknown.
            sex: "female", "male" or None.
            scope: What the study can show; None when nothing is known of it.

        Raises:
            ValueError: When two observations have one id.
        """
        if not self._entries:
            return Ranking(ranked=(), other_probability=1.0)
        if len({o.id for o in observations}) < len(observations):
            ids = ", ".join(repr(o.id) for o in observations)
            raise ValueError(f"each observation needs an id of its own, got {ids}")
        weights = _family_weights(self._vocabulary, observations)
        average = math.log(float(np.exp(self._prior).mean()))
        parts: dict[str, _Values] = {"rarity": self._prior - average}
        if age_years is not None:
            parts["age"] = self._patients.age(age_years)
        if sex is not None:
            parts["sex"] = self._patients.sex(sex)
        if scope is not None:
            parts["study"] = self._against_average(self._visibility.log_weights(scope))
        likeness: Likeness | None = None
        if text:
            likeness = self.wording.likeness(text)
            parts["words"] = self._against_average(likeness.log_weights)
        other = 0.0
        for seen in observations:
            weight = weights[seen.id] * seen.certainty
            if text and seen.present and seen.source in _TEXT_SOURCES:
                weight *= _TEXT_WEIGHT
            parts[seen.id] = weight * self._log_ratios(seen)
            other += weight * self._other(seen)
        clinical = self._patients.history(history) if history else {}
        scores = sum(parts.values(), np.full(len(self._entries), average))
        for row, phrases in clinical.items():
            scores[row] += sum(ratio for _, ratio in phrases)
        probabilities, of_other = self._posterior(scores, other)
        order = np.lexsort((np.arange(len(scores)), -probabilities))
        looked_for = {o.term for o in observations}
        ranked = [
            Ranked(
                disease_id=self._entries[row].id,
                probability=float(probabilities[row]),
                contributions=(
                    *_contributions(row, parts, likeness if place < _WORDED else None),
                    *(
                        Contribution(source=f"history: {phrase}", log_ratio=ratio)
                        for phrase, ratio in clinical.get(row, ())
                    ),
                ),
                not_seen=tuple(t for t in self._expected[row] if t not in looked_for),
            )
            for place, row in enumerate(map(int, order))
        ]
        return Ranking(ranked=tuple(ranked), other_probability=of_other)

    def _log_ratios(self, seen: Observation) -> _Values:
        ratios = np.zeros(len(self._entries))
        rows, frequencies = self._listed.get((seen.term, seen.modality), (None, None))
        if rows is not None and frequencies is not None:
            background = self._vocabulary[seen.term].background
            of_disease = np.array(
                [reported(p, seen.source, present=seen.present) for p in frequencies]
            )
            ratios[rows] = np.log(
                of_disease / reported(background, seen.source, present=seen.present)
            )
        return ratios

    def _other(self, seen: Observation) -> float:
        if not seen.present:
            return 0.0
        background = self._vocabulary[seen.term].background
        frequency = max(min(0.5, OTHER_RATIO * background), background)
        return math.log(
            reported(frequency, seen.source, present=True)
            / reported(background, seen.source, present=True)
        )

    def _against_average(self, weights: _Values) -> _Values:
        """Ln ratios against the average entry, which is also what "other" is held to be."""
        top = weights.max()
        prior = np.exp(self._prior)
        return np.asarray(
            weights - top - np.log((prior * np.exp(weights - top)).sum() / prior.sum())
        )

    def _posterior(self, scores: _Values, other: float) -> tuple[_Values, float]:
        share = np.exp(self._prior).sum() * OTHER_PRIOR / (1 - OTHER_PRIOR)
        of_other = math.log(share) + other
        top = max(of_other, float(scores.max()))
        mass = np.exp(scores - top)
        total = float(mass.sum()) + math.exp(of_other - top)
        return np.asarray(mass / total), math.exp(of_other - top) / total


def _listed(
    entries: Sequence[Entry], vocabulary: Vocabulary
) -> Mapping[tuple[str, str], tuple[_Rows, _Values]]:
    """By term and modality ("" for any), the rows of the entries that list it and how often.

    A narrower listed term implies the broader one, unless the entry lists the broader one itself.
    """
    own: dict[tuple[str, str], dict[int, float]] = {}
    implied: dict[tuple[str, str], dict[int, float]] = {}
    for row, entry in enumerate(entries):
        for finding in entry.findings:
            for modality in ("", finding.modality):
                _keep_highest(own, (finding.term, modality), row, finding.frequency)
                if finding.frequency >= IMPLIES and finding.term in vocabulary:
                    for broader in vocabulary.ancestors(finding.term):
                        _keep_highest(implied, (broader, modality), row, finding.frequency)
    made: dict[tuple[str, str], tuple[_Rows, _Values]] = {}
    for key in own.keys() | implied.keys():
        rows = implied.get(key, {}) | own.get(key, {})
        made[key] = (np.fromiter(rows, dtype=np.intp), np.array(list(rows.values())))
    return made


def _keep_highest(
    table: dict[tuple[str, str], dict[int, float]], key: tuple[str, str], row: int, value: float
) -> None:
    rows = table.setdefault(key, {})
    rows[row] = max(value, rows.get(row, 0.0))


def _contributions(
    row: int, parts: Mapping[str, _Values], likeness: Likeness | None
) -> list[Contribution]:
    made: list[Contribution] = []
    for source, values in parts.items():
        ratio = float(values[row])
        if abs(ratio) <= _SHOWN:
            continue
        if source == "words" and likeness is not None:
            words = ", ".join(likeness.best_words(row))
            source = f"words: {words}" if words else source
        made.append(Contribution(source=source, log_ratio=ratio))
    return made


def _family_weights(
    vocabulary: Vocabulary, observations: Sequence[Observation]
) -> dict[str, float]:
    """1 for the rarest observed term of a family, _FAMILY_WEIGHT for its kin."""
    weights: dict[str, float] = {}
    for observed in observations:
        family = set(vocabulary.ancestors(observed.term))
        kin = [
            o
            for o in observations
            if o is not observed
            and o.present == observed.present
            and (o.term in family or observed.term in vocabulary.ancestors(o.term))
        ]
        mine = (vocabulary[observed.term].background, observed.id)
        others = [(vocabulary[o.term].background, o.id) for o in kin]
        if not observed.present:  # of absent terms the broadest says most
            leads = all(mine >= other for other in others)
        else:
            leads = all(mine <= other for other in others)
        weight = 1.0 if leads else _FAMILY_WEIGHT
        if vocabulary[observed.term].kind == "distribution":
            weight *= _DISTRIBUTION_WEIGHT
        weights[observed.id] = weight
    return weights
