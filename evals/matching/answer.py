"""The truth of a case, made ready to be compared with many items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from evals.matching.compare import around, best
from evals.matching.known import Known, Target
from evals.matching.level import Level
from evals.matching.names import keys, keys_of
from evals.matching.parts import Parts, read_claim
from evals.truth import Truth

_ABBREVIATED = 4  # letters: an abbreviation so short may be another disease's, too

Readings = tuple[Parts, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A truth, read.

    Attributes:
        primary, others: Keys of the primary name, and of the other curated names.
        names: All names that stand for the truth.
        primary_parts, synonyms, anchors, broader, components: Readings of the names.
        anchor_names: The primary name, and the synonyms that say all of it. A curated synonym may
            be broader than the case ("lipoma" of a lipoma of the small bowel): an item that is
            that word is right, and an item that is a kind of it need not be.
        sites: Every site that a name has to do with.
        cores: Of all that an item is compared with, so that most items need no comparison.
    """

    primary: frozenset[str]
    others: frozenset[str]
    names: tuple[str, ...]
    primary_parts: Readings
    synonyms: tuple[Readings, ...]
    anchors: tuple[Readings, ...]
    broader: tuple[Readings, ...]
    components: tuple[Readings, ...]
    anchor_names: tuple[str, ...]
    sites: frozenset[str]
    cores: frozenset[tuple[str, ...]]

    def targets(self, known: Sequence[Known]) -> tuple[Target, ...]:
        """What the truth is in each source of outside knowledge."""
        return tuple(base.target(self.anchor_names) for base in known)


@lru_cache(maxsize=1024)
def read_answer(truth: Truth) -> Answer:
    """The truth, ready."""
    primary = readings(truth.primary)
    anchors = (truth.primary, *(n for n in truth.synonyms if _says_all(n, primary)))
    groups = [
        tuple(map(readings, names))
        for names in (truth.synonyms, anchors, truth.broader, truth.components)
    ]
    parts = [each for group in (*groups, (primary,)) for read in group for each in read]
    return Answer(
        primary=keys(truth.primary),
        others=keys_of(truth.synonyms),
        names=(truth.primary, *truth.synonyms),
        primary_parts=primary,
        synonyms=groups[0],
        anchors=groups[1],
        broader=groups[2],
        components=groups[3],
        anchor_names=anchors,
        sites=around(frozenset().union(*(p.sites for read in (primary, *groups[0]) for p in read))),
        cores=cores_of(parts),
    )


@lru_cache(maxsize=65536)
def readings(name: str) -> Readings:
    """The readings of a name; none of a name that leaves open which of two diseases it means."""
    alternatives = read_claim(name).alternatives
    return alternatives[0] if len(alternatives) == 1 else ()


def cores_of(parts: Sequence[Parts]) -> frozenset[tuple[str, ...]]:
    """The cores of diseases and of what goes with them."""
    others = (other.core for each in parts for _, other in each.others)
    return frozenset((*(each.core for each in parts), *others))


def _says_all(name: str, primary: Readings) -> bool:
    is_short = max(map(len, keys(name)), default=0) <= _ABBREVIATED
    return not is_short and best(readings(name), primary) is not Level.L3
