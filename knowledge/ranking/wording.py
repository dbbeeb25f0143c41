"""The words of a case against the words of each entry: evidence that no vocabulary term holds.

BM25 stands for a log likelihood ratio of words given the disease (Robertson and Zaragoza, 2009).
Words are not independent, so the sum is damped, and it is measured against the average entry, so
that words which fit every disease say nothing.
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

# Fitted on MedPix's train split: what a BM25 point counts in ln, and how fast a long text's points
# lose weight: points / (1 + _DAMPING * the best entry's points).
_WEIGHT = 0.7
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
        shares: (words, entries) what each added to the undamped sum.
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
    """BM25 over whole entries: names, prose, findings, clinical terms. Build once."""

    def __init__(self, entries: Sequence[Entry], vocabulary: Vocabulary) -> None:
        import bm25s

        self._count = len(entries)
        texts = [[w for w in forms(_text(e, vocabulary)) if w not in _STOP] for e in entries]
        self._known = {word for words in texts for word in words}
        self._index: Any = bm25s.BM25(k1=_K1, b=_B)
        self._index.index(texts, show_progress=False)

    def likeness(self, text: str) -> Likeness:
        """The fit of every entry; zeros when the text shares no word with any."""
        words = tuple(w for w in dict.fromkeys(forms(text)) if w in self._known)
        if not words:
            return Likeness(np.zeros(self._count), (), np.zeros((0, self._count), np.float32))
        shares = np.stack([np.asarray(self._index.get_scores([w])) for w in words])
        points = shares.sum(axis=0, dtype=np.float64)
        return Likeness(_WEIGHT * points / (1 + _DAMPING * points.max()), words, shares)

    def best(self, text: str) -> list[int]:
        """Rows of the entries that share words with a text, best first."""
        words = [w for w in dict.fromkeys(forms(text)) if w in self._known]
        if not words:
            return []
        points = np.asarray(self._index.get_scores(words))
        order = np.argsort(-points, kind="stable")
        return [int(row) for row in order[: np.count_nonzero(points > 0)]]


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
