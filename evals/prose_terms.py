"""How well prose is turned into vocabulary terms: `python -m evals.prose_terms --set build`.

Two sets of a hundred labelled sentences, evals/prose/*.yaml: one to build with, one frozen before
the code was written. A sentence's label lists every finding that it states.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from evals.statistics.metrics import Proportion, proportion
from knowledge.reading.families import key
from knowledge.reading.normalise import Mention, Normaliser
from knowledge.reading.sides import Side
from knowledge.vocabulary import Vocabulary, load_vocabulary
from knowledge.words import forms
from knowledge.yaml_source import KnowledgeError, read_yaml

Status = Literal["present", "absent", "uncertain"]

SETS = ("build", "frozen")
_SMALL = frozenset({"of", "the", "a"})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Expected(_Part):
    """One finding that a sentence states.

    Attributes:
        term: The most specific vocabulary id.
        others: Ids that are equally right (`or` in the file).
        place: In its simplest form; empty where the term itself names it.
    """

    term: str
    others: tuple[str, ...] = Field(default=(), alias="or")
    status: Status
    side: Side = ""
    place: str = ""

    @property
    def terms(self) -> frozenset[str]:
        """Every id that is right."""
        return frozenset({self.term, *self.others})


class Sentence(_Part):
    """A sentence and all that it states."""

    text: str = Field(min_length=1)
    expect: tuple[Expected, ...]


@dataclass(kw_only=True)
class Score:
    """Counts over a set of sentences.

    Attributes:
        found, said, right: Labels that were found in term and status; distinct (sentence, term,
            status) that were said; those of them that a label has.
        labels: All labels.
        named, status: Labels whose term was said in any status; those in the right one.
        side, sided: Found labels whose side is right, empty sides included; those of the `sided`
            found labels that have one: (right, all).
        place, placed: The same of places.
        errors: A line for each miss, each that should not have been said, and each wrong side or
            place of a found label.
    """

    labels: int = 0
    found: int = 0
    said: int = 0
    right: int = 0
    named: int = 0
    status: int = 0
    side: int = 0
    sided: list[int] = field(default_factory=lambda: [0, 0])
    place: int = 0
    placed: list[int] = field(default_factory=lambda: [0, 0])
    errors: list[str] = field(default_factory=list)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 when nothing is right."""
        if not (self.right and self.found):
            return 0.0
        precision, recall = self.right / self.said, self.found / self.labels
        return 2 * precision * recall / (precision + recall)

    def lines(self) -> list[str]:
        """The figures, one a line, each with its count and Wilson 95 % interval."""
        shares: Mapping[str, tuple[int, int]] = {
            "precision": (self.right, self.said),
            "recall": (self.found, self.labels),
            "status, of terms named": (self.status, self.named),
            "side, of labels found": (self.side, self.found),
            "side, where there is one": (self.sided[0], self.sided[1]),
            "place, of labels found": (self.place, self.found),
            "place, where there is one": (self.placed[0], self.placed[1]),
        }
        rows = [f"{name:26}{_share(count, of)}" for name, (count, of) in shares.items()]
        return [*rows[:2], f"{'F1':26}{self.f1:.1%}", *rows[2:]]


def load_sentences(name: str, vocabulary: Vocabulary) -> tuple[Sentence, ...]:
    """A set of evals/prose/.

    Raises:
        KnowledgeError: On a file that does not parse, or a label with an id that is no term.
    """
    sentences = tuple(read_yaml(files("evals") / "prose" / f"{name}.yaml", list[Sentence]))
    unknown = sorted(
        {
            term
            for sentence in sentences
            for expected in sentence.expect
            for term in expected.terms
            if term not in vocabulary
        }
    )
    if unknown:
        raise KnowledgeError(
            f"{name}.yaml labels with {', '.join(map(repr, unknown))}, which the vocabulary does "
            "not have; where a term was renamed, give the label its new id"
        )
    return sentences


def score(sentences: Iterable[Sentence], read: Callable[[str], Sequence[Mention]]) -> Score:
    """Compare what is read from each sentence with its labels.

    A pair of term and status counts once a sentence, however often it is said.

    Args:
        sentences: With their labels.
        read: What is measured: a sentence's text to its mentions.
    """
    total = Score()
    for sentence in sentences:
        _add(total, sentence, read(sentence.text))
    return total


def _add(total: Score, sentence: Sentence, mentions: Sequence[Mention]) -> None:
    def wrong(what: str) -> None:
        total.errors.append(f"{what:58} | {sentence.text}")

    said = {(m.term, _status(m)) for m in mentions}
    right = {(t, one.status) for one in sentence.expect for t in one.terms}
    total.said += len(said)
    total.right += len(said & right)
    for term, status in sorted(said - right):
        wrong(f"extra  {term} {status}")
    for one in sentence.expect:
        total.labels += 1
        same = [m for m in mentions if m.term in one.terms]
        if not same:
            wrong(f"missed {one.term} {one.status}")
            continue
        total.named += 1
        same = [m for m in same if _status(m) == one.status]
        if not same:
            wrong(f"status {one.term} is {one.status}")
            continue
        total.status += 1
        total.found += 1
        has_side = any(m.side == one.side for m in same)
        has_place = any(_words(m.place) == _words(one.place) for m in same)
        total.side += has_side
        total.place += has_place
        if one.side:
            total.sided = [total.sided[0] + has_side, total.sided[1] + 1]
        if one.place:
            total.placed = [total.placed[0] + has_place, total.placed[1] + 1]
        if not has_side:
            wrong(f"side   {one.term} {one.side!r}, not {same[0].side!r}")
        if not has_place:
            wrong(f"place  {one.term} {one.place!r}, not {same[0].place!r}")


def _status(mention: Mention) -> Status:
    if not mention.present:
        return "absent"
    return "present" if mention.certainty == 1 else "uncertain"


def _words(place: str) -> frozenset[str]:
    """Words to compare a place by: "lobe of the liver" and "hepatic lobe" are one place."""
    return frozenset(key(form) for form in forms(place)) - _SMALL


def _share(count: int, of: int) -> Proportion | str:
    return proportion(count, of) if of else "0/0"


def main(arguments: Sequence[str] | None = None) -> list[str]:
    """Measure and give the lines to print."""
    parser = argparse.ArgumentParser(prog="python -m evals.prose_terms", description=__doc__)
    parser.add_argument("--set", choices=SETS, default="build")
    parser.add_argument(
        "--errors", action="store_true", help="list what went wrong; of the build set alone"
    )
    chosen = parser.parse_args(arguments)
    if chosen.errors and chosen.set != "build":
        parser.error("--errors shows sentences, which are for the build set alone")
    vocabulary = load_vocabulary()
    result = score(load_sentences(chosen.set, vocabulary), Normaliser(vocabulary).mentions)
    return [*(sorted(result.errors) if chosen.errors else ()), *result.lines()]


if __name__ == "__main__":
    print("\n".join(main()))  # noqa: T201
