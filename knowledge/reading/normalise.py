"""From a radiologist's prose to vocabulary terms, with place, side, negation and doubt.

`matching` finds the terms, `context` reads what their sentence says of them, `sides` and `places`
where they are. Questions, requests, relatives and the past are no findings. It reads what is
written and infers nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from knowledge.reading.clauses import Clauses, Held
from knowledge.reading.context import mask, read
from knowledge.reading.loose import CARRIED, Match
from knowledge.reading.matching import Matcher
from knowledge.reading.places import attach, places
from knowledge.reading.sides import Side, named_side, refers_back, sides
from knowledge.vocabulary import Vocabulary, load_vocabulary
from knowledge.words import Token, forms, tokens

# A "?" between spaces stands before what it asks for and ends no sentence.
_BOUNDARY = re.compile(r"(?<=[.;!])(?<!\b[Vv]s\.)\s+|(?<=[\w)]\?)\s+|\s*\n\s*")
_WRAPPED_LINE = 60  # characters; a shorter line ends its sentence
_LONGEST_SENTENCE = 3000  # characters; the time to read one grows with its length cubed
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
        place: Where in the body or organ, in the text's own words; empty when it does not say, or
            when the term itself does.
        words: The sentence it was read from.
        start, end: Character offsets of the phrase.
    """

    term: str
    present: bool
    certainty: float
    side: Side
    place: str = ""
    words: str
    start: int
    end: int


class Normaliser:
    """Finds vocabulary terms in prose. Build once for a vocabulary; safe to share."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._matcher = Matcher(vocabulary)

    def mentions(self, text: str) -> list[Mention]:
        """Every present or denied finding in order; an empty list when there is none.

        What is asked for, said of a relative or told of the past is left out.
        """
        found: list[Mention] = []
        held, held_side, last = Held(), named_side(()), ""
        for offset, sentence in _sentences(text):
            words = tokens(sentence)
            clauses = Clauses(sentence, words, held if last.endswith(";") else Held())
            said = [word.form for word in words]
            is_of_it = last.endswith(";") and refers_back(said)
            before_side = held_side
            last, held, held_side = sentence, clauses.held(), named_side(said)
            matches = self._matcher.matches(sentence, words, clauses)
            if not matches:
                continue
            slots = _slots(matches)
            masked = mask(sentence, words, slots)
            contexts = read(masked)
            own = [
                (_slot(slots, match), tuple(words[i].form for i in match.at), match.at)
                for match in matches
            ]
            where = attach(places(sentence, words), [match.head for match in matches], clauses)
            for match, (slot, _, _), side, near in zip(
                matches, own, sides(masked, own), where, strict=True
            ):
                context = contexts[slot]
                if context.asked or context.family or context.past:
                    continue
                start, stop = _run(match)
                found.append(
                    Mention(
                        term=match.term,
                        present=not (context.denied or context.gone),
                        certainty=_DOUBT if context.doubted or context.weak else 1.0,
                        side=side or (before_side if is_of_it or match.at[0] <= CARRIED else ""),
                        place=self._matcher.place(match, near),
                        words=" ".join(sentence.split()),
                        start=offset + words[start].start,
                        end=offset + words[stop - 1].end,
                    )
                )
        return found


def _slots(matches: list[Match]) -> list[tuple[int, int]]:
    """The tokens that stand for matches, first and one past last, in order without overlap."""
    slots = {(m.at[0], m.at[-1] + 1) for m in matches if m.is_phrase}
    covered = {at for low, high in slots for at in range(low, high)}
    slots.update((m.head, m.head + 1) for m in matches if m.head not in covered)
    return sorted(slots)


def _slot(slots: list[tuple[int, int]], match: Match) -> int:
    return next(i for i, (low, high) in enumerate(slots) if low <= match.head < high)


def _run(match: Match) -> tuple[int, int]:
    """The unbroken run of a match's tokens around its head."""
    start, stop = match.head, match.head + 1
    while start - 1 in match.at:
        start -= 1
    while stop in match.at:
        stop += 1
    return start, stop


def normalise(text: str, vocabulary: Vocabulary | None = None) -> list[Mention]:
    """The vocabulary terms in a radiologist's prose, with place, side and negation or doubt.

    "Questionable crazy-paving in both lower lobes, no pleural effusion" gives crazy-paving
    (certainty 0.6, side "bilateral", place "lower lobe") and pleural-effusion (present False).

    Args:
        text: A report, a part of one, or a sentence.
        vocabulary: None for the one that ships with the package.

    Returns:
        One mention each time a term is stated or denied, in order; see Mention. What is asked for,
        said of a relative or told of the past is left out, so the list may be empty.
    """
    if vocabulary is None:
        return _shipped().mentions(text)
    return Normaliser(vocabulary).mentions(text)


@cache
def _shipped() -> Normaliser:
    return Normaliser(load_vocabulary())


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
            yield from _bounded(text, at, match.start())
            at = match.end()
    yield from _bounded(text, at, len(text))


def _bounded(text: str, at: int, stop: int) -> Iterator[tuple[int, str]]:
    """A sentence whole, unless it is so long that reading it would take minutes."""
    while stop - at > _LONGEST_SENTENCE:
        last = at + _LONGEST_SENTENCE
        ends = (text.rfind(mark, at + 1, last) + 1 for mark in (", ", " and ", " "))
        cut = next((end for end in ends if end), last)
        yield at, text[at:cut]
        at = cut
    yield at, text[at:stop]


def _runs_on(text: str, gap: re.Match[str]) -> bool:
    """Whether a line break is no end: after a heading's colon, or inside a wrapped sentence."""
    last = text[max(0, gap.start() - 1) : gap.start()]
    if "\n" not in gap.group() or last in ".;!?":
        return False
    if last == ":":
        return True
    line = gap.start() - (text.rfind("\n", 0, gap.start()) + 1)
    return line >= _WRAPPED_LINE and text[gap.end() : gap.end() + 1].islower()
