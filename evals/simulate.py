"""Simulated patients: how many questions it takes, by `python -m evals.simulate`.

A patient is drawn from the knowledge base itself: an entry by its prior, a modality in which it is
seen, age and sex from its demographics, and for every term whether it is there: by the entry's
frequency where it lists the term, by the background rate where it does not. Each answer is turned
round with the probability of the noise, the same for every way of asking, and the ranking trusts
it accordingly. What is compared is the order of the questions alone: by expected information gain,
at random among the terms that the leading ten entries list, and down the list of the leading
entry. It says how well questions are chosen, and nothing of real patients: the knowledge base is
right by construction here.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from evals.metrics import proportion
from knowledge.entry import Entry, load_entries
from knowledge.ranking.evidence import TRUST, Observation, Trust
from knowledge.ranking.listed import listed_by_term
from knowledge.ranking.questions import Questions
from knowledge.ranking.rank import PRIORS, Ranker
from knowledge.ranking.scope import Scope
from knowledge.vocabulary import Vocabulary, load_vocabulary

_SOURCE = "person"  # the name under which the simulated answers are trusted
_LEADING = 10
_LEAST_NOISE = 0.005  # held against a source that never errs: nothing is certain
_REACHED = 0.95  # of the final top-1


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


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """The leading disease after the last question: its probability, and whether it is the one."""

    probability: float
    is_right: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """What one order of questions reached.

    Attributes:
        right: (questions + 1,) share of the patients whose disease leads after so many questions.
        ends: Patient by patient.
    """

    order: str
    right: tuple[float, ...]
    ends: tuple[End, ...]

    def questions_to(self, share: float) -> int | None:
        """The first count at which the share is reached; None when it never is."""
        return next((count for count, right in enumerate(self.right) if right >= share), None)


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
        self.ranker = Ranker(entries, vocabulary, {**TRUST, _SOURCE: self.trust})
        self.questions = Questions(entries, vocabulary)
        self._listed = listed_by_term(self.entries, vocabulary)
        self._rows = {
            key: dict(zip(rows.tolist(), frequencies.tolist(), strict=True))
            for key, (rows, frequencies) in self._listed.items()
        }

    def draw(self, count: int, seed: int) -> list[Patient]:
        """So many patients, the same for the same seed."""
        pick = random.Random(seed)  # noqa: S311
        weights = [PRIORS[entry.rarity] for entry in self.entries]
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
        shares, _ = self.ranker.posterior(
            observations, age_years=patient.age_years, sex=patient.sex, scope=patient.scope
        )
        return State(answered=answered, shares=shares)

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


def by_gain(world: World, patient: Patient, state: State) -> str | None:
    """The term of the highest expected information gain."""
    best = world.questions.best(
        state.shares, trust=world.trust, modalities=[patient.modality],
        regions=patient.scope.regions, answered=state.answered, count=1,
    )  # fmt: skip
    return best[0].term.id if best else None


def at_random(world: World, patient: Patient, state: State) -> str | None:
    """Any term that the leading ten entries list."""
    left = tuple(dict.fromkeys(_listed_by_the_leading(world, patient, state, _LEADING)))
    return world.pick(patient, f"ask {len(state.answered)}").choice(left) if left else None


def down_the_list(world: World, patient: Patient, state: State) -> str | None:
    """The next term of the leading entry, in the order in which it lists them; then of the next."""
    return next(_listed_by_the_leading(world, patient, state, len(world.entries)), None)


ORDERS: Mapping[str, Callable[[World, Patient, State], str | None]] = {
    "information gain": by_gain, "random": at_random, "entry order": down_the_list,
}  # fmt: skip


def _listed_by_the_leading(
    world: World, patient: Patient, state: State, count: int
) -> Iterator[str]:
    for row in np.argsort(-state.shares, kind="stable")[:count]:
        for finding in world.entries[row].findings:
            is_of_the_study = finding.modality == patient.modality
            if is_of_the_study and finding.term not in state.answered:
                yield finding.term


def simulate(world: World, patients: Sequence[Patient], order: str, questions: int) -> Curve:
    """Ask every patient so many questions in one order."""
    right = np.zeros(questions + 1)
    ends: list[End] = []
    for patient in patients:
        state = world.state(patient, {})
        for asked in range(questions + 1):
            leads = int(np.argmax(state.shares)) == patient.row
            right[asked] += leads
            term = ORDERS[order](world, patient, state) if asked < questions else None
            if term is None:  # what leads now leads to the end
                right[asked + 1 :] += leads
                break
            answer = world.answer(patient, term)
            state = world.state(patient, {**state.answered, term: answer})
        ends.append(End(probability=float(state.shares.max()), is_right=leads))
    return Curve(order=order, right=tuple((right / len(patients)).tolist()), ends=tuple(ends))


def table(curves: Sequence[Curve]) -> Table:
    """An order a row: where it ends, and how many questions bring it near each other's end."""
    shown = Table("order", "final top-1", *(f"to {_REACHED:.0%} of {c.order}" for c in curves))
    for curve in curves:
        count = len(curve.ends)
        needed = [curve.questions_to(_REACHED * other.right[-1]) for other in curves]
        shown.add_row(
            curve.order,
            str(proportion(round(curve.right[-1] * count), count)),
            *("never" if n is None else str(n) for n in needed),
        )
    return shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evals.simulate", description=__doc__)
    parser.add_argument("--patients", type=int, default=500)
    parser.add_argument("--questions", type=int, default=60, help="asked of each at most")
    parser.add_argument("--noise", type=float, default=0.1, help="share of answers turned round")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--out", type=Path, help="write the curves here as JSON")
    options = parser.parse_args(arguments)
    world = World(load_entries(), load_vocabulary(), noise=options.noise)
    patients = world.draw(options.patients, options.seed)
    curves = [simulate(world, patients, order, options.questions) for order in ORDERS]
    console = Console()
    console.print(
        f"{len(world.entries)} entries, {len(patients)} patients, noise {options.noise:.0%}, "
        f"{options.questions} questions, seed {options.seed}"
    )
    console.print(table(curves))
    if options.out:
        options.out.write_text(json.dumps([asdict(c) for c in curves], indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
