"""Hybrid search: dense vectors, words (BM25) and exact names, fused by reciprocal rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.embed import DEFAULT_MODEL, Encoder, open_encoder
from knowledge.entry import Entry, load_entries
from knowledge.normalise import Normaliser
from knowledge.passages import Chunk, Passage
from knowledge.store import Store, open_store
from knowledge.vocabulary import Vocabulary, load_vocabulary
from knowledge.words import forms

_RRF = 60  # Cormack, Clarke and Büttcher, SIGIR 2009
_DEPTH = 60
# The mimics facet describes other diseases as well, so finding it says less about its own.
_FACET_WEIGHT: Mapping[str, float] = {"imaging": 1.0, "clinical": 0.8, "mimics": 0.4}
_STOP = frozenset(
    forms("the a an of in and or with is are to for on at by it its as from that this be was were")
)


class KnowledgeBase:
    """The corpus, its vocabulary and its index. The index opens on the first search."""

    def __init__(
        self,
        cache_dir: Path,
        *,
        model: str = DEFAULT_MODEL,
        entries: Mapping[str, Entry] | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self._cache_dir = cache_dir
        self._model = model
        self._entries = entries
        self._vocabulary = vocabulary

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Every entry by id."""
        return load_entries() if self._entries is None else self._entries

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The finding vocabulary."""
        return load_vocabulary() if self._vocabulary is None else self._vocabulary

    @cached_property
    def normaliser(self) -> Normaliser:
        """Prose to vocabulary terms."""
        return Normaliser(self.vocabulary)

    @cached_property
    def encoder(self) -> Encoder:
        """The embedding model."""
        return open_encoder(self._model, self._cache_dir)

    @cached_property
    def store(self) -> Store:
        """The open index; built on first use."""
        return open_store(self._cache_dir, self.encoder, self.entries, self.vocabulary)

    @cached_property
    def _words(self) -> _Words:
        return _Words(list(self.store.chunks.values()))

    @cached_property
    def names(self) -> Mapping[tuple[str, ...], str]:
        """Entry ids by name and exact synonym, in folded words (knowledge.words.forms)."""
        return {
            forms(name): entry.id
            for entry in self.entries.values()
            for name in (entry.name, *entry.synonyms)
        }

    def versions(self) -> dict[str, str]:
        """What a report says of the index it stands on."""
        made = self.store.manifest
        return {
            "knowledge": f"{made.entries} entries, {made.passages} passages, "
            f"corpus {made.corpus_hash[:12]}",
            "encoder": made.encoder,
        }

    def search(
        self,
        query: str,
        *,
        limit: int = 8,
        disease_ids: Sequence[str] = (),
        system: str = "",
        per_disease: int = 1,
    ) -> list[Passage]:
        """The passages that fit a query best, best first.

        Args:
            query: Findings, a disease name or both, in plain words.
            disease_ids: Only these entries.
            system: Only entries of this system, "thorax" for one.
            per_disease: At most so many passages of one entry.
        """
        clauses: list[dict[str, Any]] = []
        if disease_ids:
            clauses.append({"disease_id": {"$in": list(disease_ids)}})
        if system:
            clauses.append({"system": system})
        where = {"$and": clauses} if len(clauses) > 1 else (clauses[0] if clauses else None)
        allowed = {
            chunk.id
            for chunk in self.store.chunks.values()
            if (not disease_ids or chunk.disease_id in disease_ids)
            and (not system or chunk.system == system)
        }
        if not query.strip() or not allowed:
            return []
        widened = self._widen(query)
        vector = self.encoder.encode([widened])[0]
        rankings = {
            "dense": self.store.nearest(vector, _DEPTH, where),
            "words": self._words.best(forms(widened), allowed, _DEPTH),
            "name": [c for c in self._named(forms(query)) if c in allowed],
        }
        return self._fused(rankings, limit, per_disease)

    def _fused(
        self, rankings: Mapping[str, Sequence[str]], limit: int, per_disease: int
    ) -> list[Passage]:
        scores: dict[str, float] = {}
        why: dict[str, list[str]] = {}
        for source, ids in rankings.items():
            for place, chunk_id in enumerate(ids, start=1):
                weight = _FACET_WEIGHT[self.store.chunks[chunk_id].facet]
                scores[chunk_id] = scores.get(chunk_id, 0.0) + weight / (_RRF + place)
                why.setdefault(chunk_id, []).append(f"{source} {place}")
        taken: dict[str, int] = {}
        passages: list[Passage] = []
        for chunk_id in sorted(scores, key=lambda i: (-scores[i], i)):
            chunk = self.store.chunks[chunk_id]
            if taken.get(chunk.disease_id, 0) >= per_disease:
                continue
            taken[chunk.disease_id] = taken.get(chunk.disease_id, 0) + 1
            passages.append(
                Passage(
                    disease_id=chunk.disease_id,
                    disease=chunk.disease,
                    facet=chunk.facet,
                    text=chunk.text,
                    source=f"knowledge/{chunk.id}",
                    score=round(scores[chunk_id], 5),
                    why=tuple(why[chunk_id]),
                )
            )
            if len(passages) == limit:
                break
        return passages

    def _widen(self, query: str) -> str:
        """The query with the standard names of the terms that it mentions in other words."""
        named = {self.vocabulary[mention.term].name for mention in self.normaliser.mentions(query)}
        folded = query.casefold()
        extra = sorted(name for name in named if name.casefold() not in folded)
        return " ".join([query, *extra])

    def _named(self, words: tuple[str, ...]) -> list[str]:
        longest = max((len(name) for name in self.names), default=0)
        found: list[str] = []
        for at in range(len(words)):
            for stop in range(at + 1, min(at + longest, len(words)) + 1):
                entry = self.names.get(words[at:stop])
                if entry is not None:
                    found.append(f"{entry}/imaging")
        return list(dict.fromkeys(found))


class _Words:
    """BM25 over the chunks, on the same folded words as the vocabulary's matcher."""

    def __init__(self, made: Sequence[Chunk]) -> None:
        import bm25s

        self._ids = [chunk.id for chunk in made]
        self._known: set[str] = set()
        corpus = [[w for w in forms(chunk.text) if w not in _STOP] for chunk in made]
        for words in corpus:
            self._known.update(words)
        self._index: Any = bm25s.BM25()
        self._index.index(corpus, show_progress=False)

    def best(self, words: Sequence[str], allowed: set[str], count: int) -> list[str]:
        asked = [w for w in dict.fromkeys(words) if w in self._known]
        if not asked:
            return []
        scores = np.asarray(self._index.get_scores(asked))
        order = np.argsort(-scores, kind="stable")
        return [self._ids[i] for i in order if scores[i] > 0 and self._ids[i] in allowed][:count]
