"""The terms that a sentence names, word for word or loosely, the more general of two left out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from knowledge.reading.clauses import Clauses
from knowledge.reading.families import ANATOMY, key
from knowledge.reading.gazetteer import WHOLE
from knowledge.reading.loose import LooseMatcher, Match
from knowledge.reading.places import Place
from knowledge.vocabulary import Vocabulary
from knowledge.words import Token, forms

_MARK = re.compile(r"[,:()]")  # no phrase goes across
_SHARE = 0.2  # of the terms that name an organ, before a region counts as its own
_WHOLE_KEYS = frozenset(key(word) for phrase in WHOLE for word in phrase)
_UNTOLD = frozenset(
    {"lobe", "gland", "space", "cavity", "wall", "tissue"}
)  # say nothing beside their organ


class Matcher:
    """The wordings of a vocabulary; longest phrase first, then in any order."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._phrases: dict[tuple[str, ...], str] = {}
        for term in vocabulary.terms.values():
            for wording in (term.name, *term.synonyms):
                self._phrases.setdefault(forms(wording), term.id)
        self._longest: dict[tuple[str, ...], int] = {}  # phrase by its first two words
        self._said: dict[str, set[str]] = defaultdict(set)
        for phrase in self._phrases:
            begins = phrase[:2]
            if self._longest.get(begins, 0) < len(phrase):
                self._longest[begins] = len(phrase)
        self._loose = LooseMatcher(self._wordings(vocabulary))
        self._regions = {term.id: frozenset(term.region) for term in vocabulary.terms.values()}
        self._ancestors = {term: frozenset(vocabulary.ancestors(term)) for term in vocabulary.terms}
        self._names = {
            term.id: frozenset(map(key, forms(term.name))) for term in vocabulary.terms.values()
        }
        self._lies_in = _regions_of_organs(self._said, self._regions)

    def matches(self, sentence: str, words: Sequence[Token], clauses: Clauses) -> list[Match]:
        """The terms that a sentence names, in order of what stands for them."""
        every = [*self._word_for_word(sentence, words), *self._loosely(clauses)]
        # The most telling first; one that is nothing beside a better one goes.
        every.sort(key=lambda match: (-len(match.at), not match.is_phrase))
        sets = [frozenset(match.at) for match in every]
        kept = [
            match
            for number, match in enumerate(every)
            if not any(
                (other < number and sets[number] <= sets[other])
                or (other < number and match.term == better.term and sets[number] & sets[other])
                or (match.head == better.head and self._says_less(match, better))
                for other, better in enumerate(every)
            )
        ]
        return sorted(kept, key=lambda match: (match.head, match.at))

    def place(self, match: Match, places: Sequence[Place]) -> str:
        """The first place that says more than the term itself does; "" when none does."""
        for place in places:
            is_told = len(self._regions[match.term]) == 1 or self._said[match.term] & _WHOLE_KEYS
            if place.is_whole and is_told:
                continue
            if not place.keys - _UNTOLD <= self._names[match.term]:
                return place.text
        return ""

    def _wordings(self, vocabulary: Vocabulary) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
        """What may be read loosely; notes on the way what each term is said with."""
        findings = {term.id for term in vocabulary.terms.values() if term.kind == "finding"}
        for phrase, term in self._phrases.items():
            keys = [key(word) for word in phrase]
            self._said[term].update(keys)
            if len(phrase) > 1 and term in findings:
                yield term, phrase, keys

    def _word_for_word(self, sentence: str, words: Sequence[Token]) -> Iterator[Match]:
        found = [word.form for word in words]
        at = 0
        while at < len(found):
            stop = at + self._longest.get(tuple(found[at : at + 2]), 1)
            for end in range(min(stop, len(found)), at, -1):
                term = self._phrases.get(tuple(found[at:end]))
                if term and not _MARK.search(sentence, words[at].start, words[end - 1].start):
                    yield Match(term, tuple(range(at, end)), end - 1, is_phrase=True)
                    at = end
                    break
            else:
                at += 1

    def _loosely(self, clauses: Clauses) -> Iterator[Match]:
        """The loose matches, without those of another region than what is spoken of."""
        for match in self._loose.matches(clauses):
            mine = self._regions[match.term]
            spoken = {
                region
                for organ in clauses.organs(match.head)
                for region in self._lies_in.get(organ, ())
            }
            if not (mine and spoken) or not mine.isdisjoint(spoken):
                yield match

    def _says_less(self, match: Match, other: Match) -> bool:
        """Whether a match is the broader term, or reads words of another organ into a phrase."""
        if match.term in self._ancestors[other.term]:
            return True
        mine, its = self._regions[match.term], self._regions[other.term]
        is_elsewhere = bool(mine and its) and mine.isdisjoint(its)
        return is_elsewhere and (len(match.at), match.is_phrase) < (len(other.at), other.is_phrase)


def _regions_of_organs(
    said: Mapping[str, Collection[str]], regions: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Where each part of the body lies: the regions of the terms that name it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for term, words in said.items():
        for word in ANATOMY.intersection(words):
            counts[word].update(regions[term])
    return {
        word: frozenset(r for r, n in found.items() if n >= _SHARE * found.total())
        for word, found in counts.items()
    }
