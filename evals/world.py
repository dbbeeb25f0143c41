"""The knowledge base as the truth of simulated patients: who is drawn, and what is answered."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry
from knowledge.ranking.evidence import Observation
from knowledge.ranking.listed import listed_by_term
from knowledge.ranking.prior import log_priors
from knowledge.ranking.questions import Questions
from knowledge.ranking.rank import Ranker
from knowledge.ranking.scope import Scope
from knowledge.ranking.trust import Trust, default_trust
from knowledge.vocabulary import Vocabulary

_SOURCE = "person"  # the name under which the simulated answers are trusted
_LEAST_NOISE = 0.005  # held against a source that never errs: nothing is certain


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """One drawn patient.

    Attributes:
        row: Of the entry that it has.
        seed: Of the answers, which are drawn term by term, each for itself.
    """

    row: int
    modality: str
    scope: Scope
    age_years: float
    sex: str
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What is known of a patient: the answers, and (entries,) the posterior after them."""

    answered: Mapping[str, bool]
    shares: NDArray[np.float64]


class World:
    """The knowledge base as the truth of simulated patients."""

    def __init__(
        self, entries: Mapping[str, Entry], vocabulary: Vocabulary, *, noise: float
    ) -> None:
        self.entries = tuple(entries.values())
        self.vocabulary = vocabulary
        self.noise = noise
        believed = 1 - max(noise, _LEAST_NOISE)
        self.trust = Trust(believed, believed)
        self.ranker = Ranker(entries, vocabulary, default_trust().with_source(_SOURCE, self.trust))
        self.questions = Questions(entries, vocabulary)
        self._listed = listed_by_term(self.entries, vocabulary)
        self._rows = {
            key: dict(zip(rows.tolist(), frequencies.tolist(), strict=True))
            for key, (rows, frequencies) in self._listed.items()
        }

    def draw(self, count: int, seed: int) -> list[Patient]:
        """So many patients, the same for the same seed."""
        pick = random.Random(seed)  # noqa: S311
        weights = np.exp(sum(log_priors(self.entries).values())).tolist()
        rows = pick.choices(range(len(self.entries)), weights, k=count)
        return [self._patient(row, pick) for row in rows]

    def answer(self, patient: Patient, term: str) -> bool:
        """What is said of a term: the same whenever it is asked."""
        is_turned = self.pick(patient, f"said {term}").random() < self.noise
        return self._is_there(patient, term) != is_turned

    def state(self, patient: Patient, answered: Mapping[str, bool]) -> State:
        """The ranking after these answers."""
        observations = [
            Observation(
                id=term, term=term, present=present, certainty=1.0, source=_SOURCE,
                modality=patient.modality,
            )
            for term, present in answered.items()
        ]  # fmt: skip
        ranking = self.ranker.rank(
            observations, age_years=patient.age_years, sex=patient.sex, scope=patient.scope
        )
        return State(answered=answered, shares=ranking.probabilities)

    def pick(self, patient: Patient, what: str) -> random.Random:
        """Chance of its own for each thing that is drawn of a patient."""
        return random.Random(f"{patient.seed} {what}")  # noqa: S311

    def _is_there(self, patient: Patient, term: str) -> bool:
        """Drawn from the broadest term of the family down, so a narrower one is never alone."""
        above = 1.0
        for each in (*reversed(self.vocabulary.ancestors(term)), term):
            frequency = self._frequency(patient, each)
            if self.pick(patient, each).random() >= frequency / above:
                return False
            above = frequency
        return True

    def _frequency(self, patient: Patient, term: str) -> float:
        listed = self._rows.get((term, patient.modality), {})
        frequency: float = listed.get(patient.row, self.vocabulary[term].background)
        return frequency

    def _patient(self, row: int, pick: random.Random) -> Patient:
        entry = self.entries[row]
        modality = pick.choice(sorted({f.modality for f in entry.findings}))
        regions = [
            region
            for finding in entry.findings
            if finding.term in self.vocabulary
            for region in self.vocabulary[finding.term].region
        ]
        low, high = entry.demographics.age_years
        return Patient(
            row=row,
            modality=modality,
            scope=Scope(
                regions=frozenset([max(set(regions), key=lambda r: (regions.count(r), r))])
                if regions
                else frozenset(),
                main=frozenset([entry.system]),
                modalities=frozenset([modality]),
            ),
            age_years=pick.uniform(low, high),
            sex="female" if pick.random() < entry.demographics.female_share else "male",
            seed=pick.getrandbits(32),
        )
