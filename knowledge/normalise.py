"""From a radiologist's prose to vocabulary terms, with side, negation and doubt.

Longest phrase first, then the clause around it is read for negation and doubt, in the manner of
NegEx (Chapman et al., J Biomed Inform 2001). It reads what is written and infers nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from knowledge.vocabulary import Vocabulary
from knowledge.words import Token, forms, tokens

Side = Literal["left", "right", "bilateral", ""]

_SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n+|(?<=:)\s+")
_SCOPE_END = frozenset(
    {"but", "however", "although", "though", "except", "which", "with", "show", "demonstrate",
     "reveal", "yet", "while", "whereas", "besides", "then", "now"}
)  # fmt: skip
_NEGATIONS = tuple(
    forms(phrase)
    for phrase in (
        "no", "not", "without", "denies", "denied", "absence of", "absent", "negative for",
        "free of", "no evidence of", "never", "lack of", "neither", "nor", "ruled out",
        "rather than", "resolution of", "resolved",
    )
)  # fmt: skip
_NEGATIONS_AFTER = tuple(
    forms(phrase)
    for phrase in (
        "is absent", "are absent", "not seen", "not present", "is excluded", "are excluded",
        "not identified", "not visualized", "has resolved", "have resolved", "was not", "were not",
        "is not", "are not",
    )
)  # fmt: skip
# "not" that denies nothing about the finding: "not only", "no change in", "no longer than".
_FALSE_NEGATIONS = tuple(
    forms(p)
    for p in ("no change", "no increase", "no significant change", "not only", "no interval")
)
_DOUBTS = tuple(
    forms(phrase)
    for phrase in (
        "possible", "possibly", "questionable", "probable", "probably", "suspicious for",
        "suspected", "may", "might", "could", "suggest", "suggestive of", "suggesting", "likely",
        "cannot be excluded", "equivocal", "concern for", "versus", "vs", "consider", "rule out",
        "question of",
    )
)  # fmt: skip
_LEFT = frozenset({"left", "lul", "lll"})
_RIGHT = frozenset({"right", "rul", "rll", "rml"})
_BOTH = frozenset({"bilateral", "bilaterally", "both"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """One term as it stands in a text.

    Attributes:
        term: Vocabulary id.
        present: False when the clause denies it.
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
        self._longest = max((len(p) for p in self._phrases), default=0)

    def mentions(self, text: str) -> list[Mention]:
        """Every mention in order; an empty list when there is none."""
        found: list[Mention] = []
        for offset, sentence in _sentences(text):
            words = tokens(sentence)
            for start, stop, term in self._matches(words):
                present, certainty = _polarity(words, start, stop)
                found.append(
                    Mention(
                        term=term,
                        present=present,
                        certainty=certainty,
                        side=_side(words, start, stop),
                        words=sentence.strip(),
                        start=offset + words[start].start,
                        end=offset + words[stop - 1].end,
                    )
                )
        return found

    def _matches(self, words: list[Token]) -> Iterator[tuple[int, int, str]]:
        at = 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
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
    """A text split into sentences and words once, to be asked about many phrases."""

    def __init__(self, text: str) -> None:
        self._sentences = [tokens(sentence) for _, sentence in _sentences(text)]
        self._words = {w.form for words in self._sentences for w in words}

    def states(self, phrase: str) -> bool | None:
        """True when the phrase stands somewhere undenied, False when denied, None when absent."""
        wanted = forms(phrase)
        if not wanted or not self._words.issuperset(wanted):
            return None
        stated: list[bool] = []
        for words in self._sentences:
            for at in range(len(words) - len(wanted) + 1):
                if tuple(w.form for w in words[at : at + len(wanted)]) == wanted:
                    stated.append(_polarity(words, at, at + len(wanted))[0])
        return any(stated) if stated else None


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for match in _SENTENCE.finditer(text):
        yield at, text[at : match.start()]
        at = match.end()
    yield at, text[at:]


def _polarity(words: list[Token], start: int, stop: int) -> tuple[bool, float]:
    before = [w.form for w in words[max(0, start - 12) : start]]
    for at in range(len(before) - 1, -1, -1):
        if before[at] in _SCOPE_END:
            before = before[at + 1 :]
            break
    after = [w.form for w in words[stop : stop + 6]]
    denied = (_holds(before, _NEGATIONS) and not _holds(before, _FALSE_NEGATIONS)) or _holds(
        after[:5], _NEGATIONS_AFTER
    )
    doubted = _holds(before[-6:], _DOUBTS) or _holds(after[:4], (("cannot", "be", "excluded"),))
    return not denied, 0.6 if doubted else 1.0


def _holds(words: list[str], phrases: tuple[tuple[str, ...], ...]) -> bool:
    return any(
        tuple(words[at : at + len(phrase)]) == phrase
        for phrase in phrases
        for at in range(len(words) - len(phrase) + 1)
    )


def _side(words: list[Token], start: int, stop: int) -> Side:
    near = {w.form for w in words[max(0, start - 6) : stop + 8]}
    if near & _BOTH or (near & _LEFT and near & _RIGHT):
        return "bilateral"
    if near & _LEFT:
        return "left"
    return "right" if near & _RIGHT else ""
