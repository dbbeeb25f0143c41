"""The words of a case against the words of each entry: evidence that no vocabulary term holds.

An entry has two texts: its own, and what the entries that name it as a mimic say of the difference.
The second is what web search calls anchor text (Craswell, Hawking and Robertson, SIGIR 2001): it
says in few and other words what a disease is known by. BM25 stands for a log likelihood ratio of
words given the disease (Robertson and Zaragoza, 2009). Words are not independent, so each text's
sum is damped, and it is measured against the average entry, so that words which fit every disease
say nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry
from knowledge.index.lexical import STOP
from knowledge.reading.normalise import Normaliser
from knowledge.vocabulary import Vocabulary
from knowledge.words import forms

# Fitted on MedPix's train split: what a BM25 point of either text counts in ln, and how fast a long
# text's points lose weight: points / (1 + _DAMPING * the best entry's points).
_OWN_WEIGHT = 0.55
_OTHERS_WEIGHT = 0.25
_DAMPING = 0.05
_K1 = 1.2
_B = 0.4
# Words of any history and any report; none of them tells one disease from another.
_STOP = STOP | frozenset(
    forms(
        "has have had which there no not but also than into may can could would these those their "
        "who he she his her they we i over under out up down so then when while where what some "
        "any each other another both all one two three four five first second third many few "
        "several multiple more most less least very well otherwise since before after during "
        "until ago about between within without through "
        "patient man woman male female adult white black caucasian presents presented presenting "
        "presentation complaint complains complaining history exam examination physical review "
        "systems vital signs temperature bp hr rr labs normal unremarkable stable denies denied "
        "reports reported unknown none provided family social medications allergies nkda year "
        "month week day hour old yo time prior previous previously initially subsequently "
        "subsequent later recent recently currently current hospital clinic emergency department "
        "room admitted referred underwent performed obtained followed following found given "
        "image images series view views study studies film films demonstrate demonstrated "
        "demonstrating show showed shows showing reveal revealed seen see note noted appear "
        "appears appearance consistent likely possible finding findings impression evidence area "
        "region level side"
    )
)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How well a text's words fit each entry.

    Attributes:
        log_weights: (entries,) ln, damped, up to a constant.
        words: The words that counted.
        shares: (words, entries) what each added to the undamped, weighted sum.
    """

    log_weights: NDArray[np.float64]
    words: tuple[str, ...]
    shares: NDArray[np.float32]

    def best_words(self, row: int, count: int = 4) -> tuple[str, ...]:
        """The words that speak most for one entry, strongest first."""
        if not self.words:
            return ()
        mine = self.shares[:, row] - self.shares.mean(axis=1)
        order = np.argsort(-mine, kind="stable")[:count]
        return tuple(self.words[i] for i in order if mine[i] > 0)


class Wording:
    """BM25 over what each entry says, and over what others say of it. Build once."""

    def __init__(self, entries: Sequence[Entry], vocabulary: Vocabulary) -> None:
        self._count = len(entries)
        self._own = _Field([_text(entry, vocabulary) for entry in entries], _OWN_WEIGHT)
        self._others = _Field(_said_of(entries), _OTHERS_WEIGHT)

    def likeness(self, text: str) -> Likeness:
        """The fit of every entry; zeros when the text shares no word with any."""
        asked = tuple(dict.fromkeys(forms(text)))
        words = tuple(w for w in asked if w in self._own.words or w in self._others.words)
        weights = np.zeros(self._count)
        shares = np.zeros((len(words), self._count), np.float32)
        for field in (self._own, self._others):
            rows = [row for row, word in enumerate(words) if word in field.words]
            if rows:
                points = np.stack([field.points([words[row]]) for row in rows])
                together = points.sum(axis=0, dtype=np.float64)
                weights += field.weight * together / (1 + _DAMPING * together.max())
                shares[rows] += np.float32(field.weight) * points
        return Likeness(weights, words, shares)

    def best(self, text: str) -> list[int]:
        """Rows of the entries whose own words a text shares, best first."""
        words = [w for w in dict.fromkeys(forms(text)) if w in self._own.words]
        if not words:
            return []
        points = self._own.points(words)
        order = np.argsort(-points, kind="stable")
        return [int(row) for row in order[: np.count_nonzero(points > 0)]]


class _Field:
    """BM25 over one text of each entry, and what a point of it counts."""

    def __init__(self, texts: Sequence[str], weight: float) -> None:
        import bm25s

        told = [[w for w in forms(text) if w not in _STOP] for text in texts]
        self.words = frozenset(word for words in told for word in words)
        self.weight = weight
        self._index: Any = bm25s.BM25(k1=_K1, b=_B)
        if self.words:
            self._index.index(told, show_progress=False)

    def points(self, words: Sequence[str]) -> NDArray[np.float32]:
        """(entries,) of words that the field has."""
        return np.asarray(self._index.get_scores(list(words)))


def affirmed(text: str, normaliser: Normaliser, without: Collection[str] = ()) -> str:
    """A text without the phrases that it denies, and without those of some terms.

    Args:
        without: Ids of terms that do not stand: retracted by the person, or refuted.
    """
    told, at = [], 0
    for mention in sorted(normaliser.mentions(text), key=lambda m: m.start):
        if not mention.present or mention.term in without:
            told.append(text[at : mention.start])  # empty where two mentions share words
            at = max(at, mention.end)
    return " ".join([*told, text[at:]]) if told else text


def _text(entry: Entry, vocabulary: Vocabulary) -> str:
    listed = [
        f"{vocabulary[f.term].name} {f.place}" for f in entry.findings if f.term in vocabulary
    ]
    who = (*entry.clinical_terms, *entry.demographics.risk_factors, *entry.demographics.genes)
    return " ".join(
        (
            entry.name, *entry.synonyms, *entry.sites, entry.summary, entry.imaging,
            entry.presentation, entry.course, entry.settles, *listed, *who,
        )
    )  # fmt: skip


def _said_of(entries: Sequence[Entry]) -> list[str]:
    """What the entries that name an entry as their mimic say of the difference, by entry."""
    said: dict[str, list[str]] = {entry.id: [] for entry in entries}
    for entry in entries:
        for mimic in entry.mimics:
            said.get(mimic.id, []).append(mimic.difference)
    return [" ".join(texts) for texts in said.values()]
