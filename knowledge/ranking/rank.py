"""Ranking by evidence: from findings, words, history and demographics to a posterior.

Odds form of Bayes' rule, shown finding by finding as LIRICAL does (Robinson et al., AJHG 2020).
The likelihood ratio of a reported finding is

    P(reported | disease) / P(reported | any other disease)

with P(reported) = sensitivity * p + (1 - specificity) * (1 - p) for a present one; p is the entry's
frequency, or the term's background rate, and sensitivity and specificity are those of the source. A
term that an entry does not list is neutral: p is the background rate, or, where it lists a broader
one, that one's frequency times the narrower one's share of it. Terms of one family (a term and its
broader ones) tell the same thing twice and are weighed together (`kin.py`); and what was read from
a text counts again by the text's words, so it counts less there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry
from knowledge.ranking.evidence import (
    DISTRIBUTION_WEIGHT,
    Contribution,
    Observation,
    Ranked,
    RankedEntries,
    Ranking,
    expected_in_other,
)
from knowledge.ranking.kin import families, log_likelihoods
from knowledge.ranking.listed import listed_by_term
from knowledge.ranking.patient import Patients
from knowledge.ranking.prior import OTHER_PRIOR, log_priors
from knowledge.ranking.scope import Scope, Visibility
from knowledge.ranking.settled import Consequences
from knowledge.ranking.trust import TrustTable, default_trust
from knowledge.ranking.wording import Likeness, Wording
from knowledge.vocabulary import Vocabulary

_TEXT_WEIGHT = 0.7  # of a present finding whose words count as well
_TEXT_SOURCES = frozenset({"report", "person"})
_SHOWN = 0.05  # ln; a contribution under it is left out
_WORDED = 50  # so many of the best carry the words that counted for them

_Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scored:
    """The posterior and what went into it; rows in the order of the entries."""

    probabilities: _Values
    of_other: float
    parts: Mapping[str, _Values]
    clinical: Mapping[int, Sequence[tuple[str, float]]]
    likeness: Likeness | None


class Ranker:
    """All entries, ready to be ranked. Build once; it holds no case.

    Args:
        trust: By source and kind of finding, how far it is believed; None: as shipped.
    """

    def __init__(
        self,
        entries: Mapping[str, Entry],
        vocabulary: Vocabulary,
        trust: TrustTable | None = None,
    ) -> None:
        self._entries = tuple(entries.values())
        self._ids = tuple(entry.id for entry in self._entries)
        self._trust = default_trust() if trust is None else trust
        self._vocabulary = vocabulary
        self._listed = listed_by_term(self._entries, vocabulary)
        self._before = log_priors(self._entries)
        self._prior = sum(self._before.values(), np.zeros(len(self._entries)))
        self._patients = Patients(self._entries)
        self._consequences = Consequences(vocabulary)
        self._visibility = Visibility(self._entries, vocabulary)
        self._expected = [
            tuple(dict.fromkeys(f.term for f in entry.findings if f.frequency >= 0.5))
            for entry in self._entries
        ]

    @cached_property
    def wording(self) -> Wording:
        """The words of each entry; rows in the order of the entries."""
        return Wording(self._entries, self._vocabulary)

    def denied(self, text: str) -> tuple[str, ...]:
        """The clinical phrases of all entries that a text denies, folded: "no fever"."""
        return self._patients.denied(text)

    def affirmed(self, text: str, phrases: Sequence[str]) -> frozenset[str]:
        """Those of the phrases that a text says of the patient."""
        return self._patients.affirmed(text, phrases)

    def knows_history(self, text: str) -> bool:
        """Whether a text states any clinical phrase of any entry."""
        return bool(self._patients.history(text))

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
            return Ranking(
                ranked=RankedEntries((), np.zeros(0), _none),
                probabilities=np.zeros(0),
                other_probability=1.0,
            )
        scored = self._scored(
            observations, history=history, text=text, age_years=age_years, sex=sex, scope=scope
        )
        looked_for = self._consequences.settled({o.term: o.present for o in observations})
        return Ranking(
            ranked=RankedEntries(
                self._ids,
                scored.probabilities,
                lambda place, row: self._told(scored, place, row, looked_for),
            ),
            probabilities=scored.probabilities,
            other_probability=scored.of_other,
        )

    def _told(self, scored: _Scored, place: int, row: int, looked_for: frozenset[str]) -> Ranked:
        """The entry of a row, with all that counted for and against it."""
        likeness = scored.likeness if place < _WORDED else None
        return Ranked(
            disease_id=self._ids[row],
            probability=float(scored.probabilities[row]),
            contributions=(
                *_contributions(row, scored.parts, likeness),
                *(
                    Contribution(source=f"history: {phrase}", log_ratio=ratio)
                    for phrase, ratio in scored.clinical.get(row, ())
                ),
            ),
            not_seen=tuple(t for t in self._expected[row] if t not in looked_for),
        )

    def _scored(
        self,
        observations: Sequence[Observation],
        *,
        history: str,
        text: str,
        age_years: float | None,
        sex: str | None,
        scope: Scope | None,
    ) -> _Scored:
        if len({o.id for o in observations}) < len(observations):
            ids = ", ".join(repr(o.id) for o in observations)
            raise ValueError(f"each observation needs an id of its own, got {ids}")
        parts: dict[str, _Values] = dict(self._before)
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
        for family in families(observations, self._vocabulary):
            for seen, ratios in zip(family, self._log_ratios(family), strict=True):
                parts[seen.id] = self._weight(seen, has_words=bool(text)) * ratios
            other += max((self._other(o, has_words=bool(text)) for o in family), default=0.0)
        clinical = self._patients.history(history) if history else {}
        scores = sum(parts.values(), np.zeros(len(self._entries)))
        for row, phrases in clinical.items():
            scores[row] += sum(ratio for _, ratio in phrases)
        probabilities, of_other = self._posterior(scores, other)
        return _Scored(
            probabilities=probabilities,
            of_other=of_other,
            parts=parts,
            clinical=clinical,
            likeness=likeness,
        )

    def _log_ratios(self, family: Sequence[Observation]) -> list[_Values]:
        """(entries,) what each member says against the background, given the broader ones."""
        frequencies = []
        for seen in family:
            background = self._vocabulary[seen.term].background
            values = np.full(len(self._entries) + 1, background)  # the last row is of no entry
            rows, listed = self._listed.get((seen.term, seen.modality), (None, None))
            if rows is not None:
                values[rows] = listed
            frequencies.append(values)
        added = log_likelihoods(family, frequencies, self._vocabulary, self._trust)
        return [values[:-1] - values[-1] for values in added]

    def _weight(self, seen: Observation, *, has_words: bool) -> float:
        weight = seen.certainty
        if self._vocabulary[seen.term].kind == "distribution":
            weight *= DISTRIBUTION_WEIGHT
        if has_words and seen.present and seen.source in _TEXT_SOURCES:
            weight *= _TEXT_WEIGHT
        return weight

    def _other(self, seen: Observation, *, has_words: bool) -> float:
        if not seen.present:
            return 0.0
        term = self._vocabulary[seen.term]
        trust = self._trust.of(seen.source, seen.modality, term.kind)
        background = term.background
        ratio = trust.says_yes(expected_in_other(background)) / trust.says_yes(background)
        return self._weight(seen, has_words=has_words) * math.log(ratio)

    def _against_average(self, weights: _Values) -> _Values:
        """Ln ratios against the average entry, which is also what "other" is held to be."""
        top = weights.max()
        prior = np.exp(self._prior)
        return np.asarray(
            weights - top - np.log((prior * np.exp(weights - top)).sum() / prior.sum())
        )

    def _posterior(self, scores: _Values, other: float) -> tuple[_Values, float]:
        share = len(scores) * OTHER_PRIOR / (1 - OTHER_PRIOR)
        of_other = math.log(share) + other
        top = max(of_other, float(scores.max()))
        mass = np.exp(scores - top)
        total = float(mass.sum()) + math.exp(of_other - top)
        return np.asarray(mass / total), math.exp(of_other - top) / total


def _none(place: int, row: int) -> Ranked:
    raise IndexError(f"place {place} of no entries")


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
