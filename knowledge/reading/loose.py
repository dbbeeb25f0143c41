"""Wordings of terms found in any order, with words between: "cysts, thin-walled, in both lungs".

A wording is found where all its words stand around its head, as far as `knowledge.reading.clauses`
says that they belong to it and within a few words of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from knowledge.reading.clauses import SMALL, Clauses, folded, scaled
from knowledge.reading.families import ANATOMY, SEEN, key
from knowledge.reading.gazetteer import ORGANS, PLACES

GAP = 4  # words that count, between those of a wording
GAP_ANYWHERE = 1  # the same, for a wording that names no part of the body
CARRIED = -1  # stands for the token of a word that was said before the semicolon
PLACED = ANATOMY | frozenset(map(key, ORGANS | {word for one in PLACES for word in one}))
_PREPOSITIONS = folded("of in with at on within from to along between by around for is are that")
# A wording with one of these turns over when its words are put apart.
_TURNING = folded("no not without non never lack absent absence less free")
# What a finding is called besides: "hyperdense MCA sign" is a hyperdense MCA.
_BESIDE = folded("sign appearance pattern")


@dataclass(frozen=True, slots=True)
class Match:
    """A wording found.

    Attributes:
        term: Vocabulary id.
        at: The tokens that it is made of, in order; CARRIED and below for words said before.
        head: The token that stands for it.
        is_phrase: Whether it stands word for word.
    """

    term: str
    at: tuple[int, ...]
    head: int
    is_phrase: bool = False


class _Wording(NamedTuple):
    number: int
    term: str
    keys: frozenset[str]
    head: str
    is_placed: bool


class LooseMatcher:
    """The wordings of a vocabulary, looked up by their rarest word."""

    def __init__(self, wordings: Iterable[tuple[str, tuple[str, ...], list[str]]]) -> None:
        """Index wordings.

        Args:
            wordings: Term id, folded words and the key of each word.
        """
        made: dict[tuple[str, frozenset[str]], _Wording] = {}
        for term, words, keys in wordings:
            if _TURNING.isdisjoint(words):
                wording = _wording(len(made), term, words, scaled(keys))
                if len(wording.keys) > 1:
                    made.setdefault((term, wording.keys), wording)
        owners = Counter(word for wording in made.values() for word in wording.keys)
        self._by_rarest: dict[str, list[_Wording]] = defaultdict(list)
        for wording in made.values():
            self._by_rarest[min(wording.keys, key=owners.__getitem__)].append(wording)

    def matches(self, clauses: Clauses) -> list[Match]:
        """Every wording found in a sentence, a term once a head; vocabulary order."""
        known = clauses.at.keys() | clauses.before.keys
        possible = [
            wording
            for word in known
            for wording in self._by_rarest.get(word, ())
            if wording.keys <= known
        ]
        found: dict[tuple[str, int], Match] = {}
        for wording in sorted(possible):
            for match in _placed(wording, clauses):
                kept = found.get((match.term, match.head))
                if kept is None or len(kept.at) < len(match.at):
                    found[match.term, match.head] = match
        return list(found.values())


def _wording(number: int, term: str, words: tuple[str, ...], keys: Sequence[str]) -> _Wording:
    counts = [i for i, word in enumerate(words) if keys[i] and word not in SMALL]
    if not _BESIDE.isdisjoint(words):
        plain = [i for i in counts if words[i] not in _BESIDE]
        if len({keys[i] for i in plain}) > 1 and any(keys[i] in SEEN for i in plain):
            counts = plain
    end = len(words)
    if not _PREPOSITIONS.isdisjoint(words):
        end = next((i for i, word in enumerate(words) if i and word in _PREPOSITIONS), end)
    before = [i for i in counts if i < end] or counts[:1] or [0]
    chosen = frozenset([keys[i] for i in counts])
    return _Wording(number, term, chosen, keys[before[-1]], not PLACED.isdisjoint(chosen))


def _placed(wording: _Wording, clauses: Clauses) -> Iterable[Match]:
    """Where a wording stands, once for each of its heads that has all the other words."""
    for head in clauses.at.get(wording.head, ()):
        if not clauses.can_head(head, wording.keys):
            continue
        near, far = {head}, set[int]()
        for word in wording.keys - {wording.head}:
            places = clauses.at.get(word, ())
            within = [at for at in places if clauses.reaches(head, at, wording.keys)]
            held = [at for at in places if clauses.holds(at, head)]
            if within:
                near.add(min(within, key=lambda at: abs(at - head)))
            elif held:
                far.add(held[-1])
            elif clauses.holds_from_before(word, head):
                far.add(CARRIED - len(far))
            else:
                break
        else:
            span = clauses.cost[max(near) + 1] - clauses.cost[min(near)]
            is_free = not wording.is_placed and clauses.are_in_one(near)
            if span <= len(near) + (GAP_ANYWHERE if is_free else GAP):
                yield Match(wording.term, tuple(sorted(near | far)), clauses.anchor(head, near))
