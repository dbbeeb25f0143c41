"""From a radiologist's prose to vocabulary terms, with side, negation and doubt.

Longest phrase first; `knowledge.context` reads what its sentence says of it, `knowledge.sides` on
which side. Questions, requests, relatives and the past are no findings. It reads what is written
and infers nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from knowledge.context import mask, read
from knowledge.sides import Side, sides
from knowledge.vocabulary import Vocabulary
from knowledge.words import Token, forms, tokens

# A "?" between spaces stands before what it asks for and ends no sentence.
_BOUNDARY = re.compile(r"(?<=[.;!])(?<!\b[Vv]s\.)\s+|(?<=[\w)]\?)\s+|\s*\n\s*")
_WRAPPED_LINE = 60  # characters; a shorter line ends its sentence
_DOUBT = 0.6
# Histories say these of the same habit; "smoke" is left out for smoke inhalation.
_SAME_WORD = {"smoking": "smoker", "smoked": "smoker"}
_PREFIX = re.compile(r"\bnon(?=[a-z]{5})", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """One term as it stands in a text.

    Attributes:
        term: Vocabulary id.
        present: False when the sentence denies it.
        certainty: 1 stated, 0.6 in doubt.
        side: Left, right or bilateral when the clause says so.
        words: The sentence it was read from.
        start, end: Character offsets of the phrase.
    """

    term: str
    present: bool
    certainty: float
    side: Side
    words: str
    start: int
    end: int


class Normaliser:
    """Finds vocabulary terms in prose. Build once for a vocabulary; safe to share."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._phrases: dict[tuple[str, ...], str] = {}
        for term in vocabulary.terms.values():
            for wording in (term.name, *term.synonyms):
                self._phrases.setdefault(forms(wording), term.id)
        self._longest: dict[str, int] = {}  # phrase by its first word
        for phrase in self._phrases:
            self._longest[phrase[0]] = max(len(phrase), self._longest.get(phrase[0], 0))

    def mentions(self, text: str) -> list[Mention]:
        """Every present or denied finding in order; an empty list when there is none.

        What is asked for, said of a relative or told of the past is left out.
        """
        found: list[Mention] = []
        for offset, sentence in _sentences(text):
            words = tokens(sentence)
            matches = list(self._matches(words))
            if not matches:
                continue
            masked = mask(sentence, words, [(start, stop) for start, stop, _ in matches])
            own = tuple(tuple(w.form for w in words[a:b]) for a, b, _ in matches)
            for match, context, side in zip(matches, read(masked), sides(masked, own), strict=True):
                if context.asked or context.family or context.past:
                    continue
                start, stop, term = match
                found.append(
                    Mention(
                        term=term,
                        present=not (context.denied or context.gone),
                        certainty=_DOUBT if context.doubted or context.weak else 1.0,
                        side=side,
                        words=" ".join(sentence.split()),
                        start=offset + words[start].start,
                        end=offset + words[stop - 1].end,
                    )
                )
        return found

    def _matches(self, words: list[Token]) -> Iterator[tuple[int, int, str]]:
        at = 0
        while at < len(words):
            longest = self._longest.get(words[at].form, 0)
            for length in range(min(longest, len(words) - at), 0, -1):
                phrase = tuple(w.form for w in words[at : at + length])
                if phrase in self._phrases:
                    yield at, at + length, self._phrases[phrase]
                    at += length
                    break
            else:
                at += 1


def merge(mentions: list[Mention]) -> Mapping[str, Mention]:
    """One mention a term: the most certain; a stated presence outweighs a denial elsewhere."""
    best: dict[str, Mention] = {}
    for mention in mentions:
        kept = best.get(mention.term)
        if kept is None or (mention.present, mention.certainty) > (kept.present, kept.certainty):
            best[mention.term] = mention
    return best


class Prose:
    """A history split into sentences and words once, to be asked about many phrases."""

    def __init__(self, text: str) -> None:
        self._sentences: list[tuple[str, list[Token]]] = []
        self._places: dict[str, list[tuple[int, int]]] = {}
        for number, (_, sentence) in enumerate(_sentences(_PREFIX.sub("non-", text))):
            words = tokens(sentence)
            self._sentences.append((sentence, words))
            for at, word in enumerate(words):
                self._places.setdefault(_same(word.form), []).append((number, at))

    def states(self, phrase: str) -> bool | None:
        """Whether the history says the phrase of the patient, now or in the past.

        Returns:
            True when it does so once, False when it only denies it, None when it does not name it,
            or only doubts it, asks for it or says it of a relative.
        """
        wanted = _wanted(phrase)
        if not wanted or any(word not in self._places for word in wanted):
            return None
        denied = False
        for number, at in self._places[wanted[0]]:
            sentence, words = self._sentences[number]
            stop = at + len(wanted)
            if tuple(_same(w.form) for w in words[at:stop]) != wanted:
                continue
            (context,) = read(mask(sentence, words, [(at, stop)]))
            if context.asked or context.family or context.doubted:
                continue
            if not context.denied:
                return True
            denied = True
        return False if denied else None


def _same(form: str) -> str:
    return _SAME_WORD.get(form, form)


@lru_cache(maxsize=65536)
def _wanted(phrase: str) -> tuple[str, ...]:
    return tuple(_same(form) for form in forms(_PREFIX.sub("non-", phrase)))


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for match in _BOUNDARY.finditer(text):
        if not _runs_on(text, match):
            yield at, text[at : match.start()]
            at = match.end()
    yield at, text[at:]


def _runs_on(text: str, gap: re.Match[str]) -> bool:
    """Whether a line break is no end: after a heading's colon, or inside a wrapped sentence."""
    last = text[max(0, gap.start() - 1) : gap.start()]
    if "\n" not in gap.group() or last in ".;!?":
        return False
    if last == ":":
        return True
    line = gap.start() - (text.rfind("\n", 0, gap.start()) + 1)
    return line >= _WRAPPED_LINE and text[gap.end() : gap.end() + 1].islower()
