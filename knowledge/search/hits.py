"""Exact hits: entries that a query names, and entries that list the findings that it mentions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry
from knowledge.index.passages import Chunk
from knowledge.phrases import longest_phrases
from knowledge.ranking.evidence import IMPLIES
from knowledge.reading.normalise import Mention
from knowledge.vocabulary import Vocabulary
from knowledge.words import forms


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """An entry that was hit, the row that shows it best, and why in words."""

    row: int
    why: str


class Names:
    """Entry ids by name and exact synonym, in folded words.

    Args:
        added: Exact synonyms from imported sources; an entry's own name goes before them.
        alone: The same, but names only as the whole text: acronyms, which may be words of others.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        added: Mapping[tuple[str, ...], str] = MappingProxyType({}),
        alone: Mapping[tuple[str, ...], str] = MappingProxyType({}),
    ) -> None:
        own = {forms(name): e.id for e in entries for name in (e.name, *e.synonyms)}
        self.by_words: Mapping[tuple[str, ...], str] = {**added, **own}
        self._alone = alone
        self._longest = max(map(len, self.by_words), default=0)

    def found(self, text: str) -> dict[str, str]:
        """Ids of the entries that a text names, in order, each with the words that name it.

        A name inside a longer one is not found: "meningioma" in "ectopic meningioma".
        """
        words = forms(text)
        if words in self._alone and words not in self.by_words:
            return {self._alone[words]: " ".join(words)}
        found: dict[str, str] = {}
        for phrase, entry_id in longest_phrases(words, self.by_words, self._longest):
            found.setdefault(entry_id, " ".join(phrase))
        return found


class Findings:
    """Which imaging chunks list a term, and how often: an inverted index over the vocabulary."""

    def __init__(
        self, made: Sequence[Chunk], entries: Mapping[str, Entry], vocabulary: Vocabulary
    ) -> None:
        self._vocabulary = vocabulary
        self._entry_of = [chunk.disease_id for chunk in made]
        rows = {(c.disease_id, c.modality): i for i, c in enumerate(made) if c.modality}
        broader = {term: (term, *vocabulary.ancestors(term)) for term in vocabulary.terms}
        listed: dict[str, dict[int, float]] = {}
        for entry in entries.values():
            for finding in entry.findings:
                row = rows.get((entry.id, finding.modality))
                if row is None:
                    continue
                terms = broader.get(finding.term, ())
                for term in terms if finding.frequency >= IMPLIES else terms[:1]:
                    of_term = listed.setdefault(term, {})
                    of_term[row] = max(finding.frequency, of_term.get(row, 0.0))
        self._listed: Mapping[str, tuple[tuple[int, float], ...]] = {
            term: tuple(of_term.items()) for term, of_term in listed.items()
        }

    def best(
        self, mentions: Iterable[Mention], allowed: NDArray[np.bool_], count: int
    ) -> list[Hit]:
        """Entries by the ln likelihood ratio of what is mentioned, best first.

        A present term adds ln(frequency / background), a denied one ln of the ratio of the
        complements; an entry that does not list a term is neutral to it. Only entries above zero.
        """
        present = {m.term: m.present for m in mentions}  # the last word on a term stands
        by_row: dict[int, float] = {}
        best: dict[str, dict[str, float]] = {}
        for term, is_present in present.items():
            background = self._vocabulary[term].background
            for row, frequency in self._listed.get(term, ()):
                if not allowed[row]:
                    continue
                ratio = (
                    math.log(frequency / background)
                    if is_present
                    else math.log((1 - frequency) / (1 - background))
                )
                by_row[row] = by_row.get(row, 0.0) + ratio
                of_entry = best.setdefault(self._entry_of[row], {})
                of_entry[term] = max(ratio, of_entry.get(term, -math.inf))
        scores = {entry_id: sum(parts.values()) for entry_id, parts in best.items()}
        ranked = sorted((i for i in scores if scores[i] > 0), key=lambda i: (-scores[i], i))[:count]
        shown: dict[str, int] = {}
        for row, score in by_row.items():
            entry_id = self._entry_of[row]
            if entry_id not in shown or score > by_row[shown[entry_id]]:
                shown[entry_id] = row
        return [Hit(row=shown[i], why=self._why(best[i], present)) for i in ranked]

    def _why(self, parts: Mapping[str, float], present: Mapping[str, bool]) -> str:
        told = sorted((t for t in parts if parts[t] > 0 and present[t]), key=lambda t: -parts[t])
        return "finding: " + ", ".join(self._vocabulary[term].name for term in told)
