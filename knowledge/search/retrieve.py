"""Hybrid search: dense vectors, words (BM25), exact names and findings, fused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from knowledge.entry import Entry
from knowledge.index.compiled import Compiled, load_compiled
from knowledge.index.embed import DEFAULT_MODEL, Encoder, open_encoder
from knowledge.index.filters import Filter, Mask, Masks
from knowledge.index.lexical import STOP
from knowledge.index.passages import Passage, chunks
from knowledge.index.server import ChromaServer
from knowledge.index.store import Store, open_store
from knowledge.ranking.leading import Relevance, relevance
from knowledge.ranking.questions import Questions
from knowledge.ranking.rank import Ranker
from knowledge.ranking.trust import TrustTable, default_trust
from knowledge.reading.normalise import Mention, Normaliser
from knowledge.search.fusion import fuse
from knowledge.search.hits import Findings, Hit, Names
from knowledge.search.sources import Asked, Sources
from knowledge.vocabulary import Vocabulary
from knowledge.words import forms
from knowledge.yaml_source import KnowledgeError

_DEPTH = 100  # passages of one ranking that are fused


class KnowledgeBase:
    """The corpus, its vocabulary and its index. The index opens on the first search."""

    def __init__(
        self,
        cache_dir: Path,
        *,
        model: str = DEFAULT_MODEL,
        server: ChromaServer | None = None,
        entries: Mapping[str, Entry] | None = None,
        vocabulary: Vocabulary | None = None,
        sources_dir: Path | None = None,
        trust: TrustTable | None = None,
    ) -> None:
        self._cache_dir = cache_dir
        self._model = model
        self._server = server
        self._entries = entries
        self._vocabulary = vocabulary
        self._sources_dir = sources_dir
        self.trust = default_trust() if trust is None else trust

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Every entry by id."""
        return self._shipped.entries if self._entries is None else self._entries

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The finding vocabulary."""
        return self._shipped.vocabulary if self._vocabulary is None else self._vocabulary

    @cached_property
    def _shipped(self) -> Compiled:
        return load_compiled(self._cache_dir)

    @cached_property
    def normaliser(self) -> Normaliser:
        """Prose to vocabulary terms."""
        return Normaliser(self.vocabulary)

    @cached_property
    def ranker(self) -> Ranker:
        """The entries, ready to be ranked by evidence."""
        return Ranker(self.entries, self.vocabulary, self.trust)

    @cached_property
    def questions(self) -> Questions:
        """All that can be asked of all entries."""
        return Questions(self.entries, self.vocabulary)

    @cached_property
    def relevance(self) -> Relevance:
        """How often the entries show each term; see knowledge.ranking.leading."""
        return relevance(self.entries.values(), self.vocabulary)

    @cached_property
    def encoder(self) -> Encoder:
        """The embedding model."""
        return open_encoder(self._model, self._cache_dir)

    @cached_property
    def store(self) -> Store:
        """The open index; built on first use."""
        is_shipped = self._entries is None and self._vocabulary is None
        made = self._shipped.chunks if is_shipped else chunks(self.entries, self.vocabulary)
        return open_store(self._cache_dir, self.encoder, made, self._server)

    @cached_property
    def sources(self) -> Sources:
        """What the person imported; empty without a folder of it."""
        return Sources(self._sources_dir, self.entries, self.vocabulary)

    @property
    def names(self) -> Mapping[tuple[str, ...], str]:
        """Entry ids by name and exact synonym, in folded words (knowledge.words.forms)."""
        return self._names.by_words

    def versions(self) -> dict[str, str]:
        """What a report says of the index it stands on."""
        made = self.store.manifest
        said = {
            "knowledge": f"{made.entries} entries, {made.passages} passages, "
            f"corpus {made.corpus_hash[:12]}",
            "encoder": made.encoder,
            "trust": self.trust.digest,
        }
        imported = self.sources.versions()
        return {**said, "sources": imported} if imported else said

    def search(
        self,
        query: str,
        *,
        limit: int = 8,
        disease_ids: Sequence[str] = (),
        system: str = "",
        modality: str = "",
        rarity: str = "",
        window: str = "",
        per_disease: int = 1,
        using: Sequence[str] = (),
    ) -> list[Passage]:
        """The passages that fit a query best, best first.

        Args:
            query: Findings, a disease name or both, in plain words.
            disease_ids, system, modality, rarity, window: Only such passages; see Filter.
            per_disease: At most so many passages of one entry.
            using: Only these rankings of FUSION (`fusion.py`), to compare them; empty: all.

        Raises:
            KnowledgeError: On a limit below 1, a filter value that no passage has, or an index
                that does not open.
        """
        if limit < 1:
            raise KnowledgeError(f"a search shows at least 1 passage, got {limit}")
        query = query.encode("utf-8", "replace").decode()  # half a surrogate pair is no text
        wanted = Filter(
            disease_ids=tuple(disease_ids),
            system=system,
            modality=modality,
            rarity=rarity,
            window=window,
        )
        allowed = self._masks.allowed(wanted)
        if not query.strip() or not allowed.any():
            return []
        mentions = self.normaliser.mentions(query)
        widened = self._widen(query, mentions)
        vector = self.encoder.encode_query(self._in_standard_words(query, mentions))
        rankings = {
            "dense": _hits(self.store.nearest(vector, _DEPTH, wanted, allowed)),
            "words": _hits(self.store.words.best(widened, allowed, _DEPTH)),
            "name": self._named(query, allowed),
            "finding": self._findings.best(mentions, allowed, _DEPTH),
        }
        rankings["entry"] = self._whole(widened, rankings["words"], allowed)
        if using:
            rankings = {source: rankings[source] for source in using}
        passages = fuse(self.store.chunks, rankings, limit=limit, per_disease=per_disease)
        if not self.sources.all:
            return passages
        name = forms(query)
        asked = Asked(
            name=name,
            words=tuple(w for w in dict.fromkeys(name) if w not in STOP),
            is_entry=name in self.names or name in self.sources.acronyms,
            vector=vector,
            encoder=self.encoder.identity,
            limit=limit,
            reserved=0 if disease_ids else limit // 4,
            per_disease=per_disease,
            entries=None if wanted.is_empty else self._masks.entries_of(allowed),
        )
        return self.sources.beside(passages, asked)

    @cached_property
    def _names(self) -> Names:
        return Names(self.entries.values(), self.sources.names, self.sources.acronyms)

    @cached_property
    def _masks(self) -> Masks:
        return Masks(self.store.chunks)

    @cached_property
    def _findings(self) -> Findings:
        return Findings(self.store.chunks, self.entries, self.vocabulary)

    def _widen(self, query: str, mentions: Iterable[Mention]) -> str:
        """The query with the standard names of the terms that it mentions in other words."""
        folded = query.casefold()
        named = {self.vocabulary[mention.term].name for mention in mentions if mention.present}
        return " ".join([query, *sorted(n for n in named if n.casefold() not in folded)])

    def _in_standard_words(self, query: str, mentions: Iterable[Mention]) -> str:
        """The query with each term under its standard name, as the passages call it.

        The encoder gets this one and not the widened one: its time grows with every word.
        """
        told, at = [], 0
        for mention in sorted(mentions, key=lambda m: m.start):
            if mention.present and mention.start >= at:
                told += [query[at : mention.start], self.vocabulary[mention.term].name]
                at = mention.end
        return "".join([*told, query[at:]])

    def _whole(self, text: str, passages: Sequence[Hit], allowed: Mask) -> list[Hit]:
        """Entries by the words of all their passages, each shown by the one that fits best."""
        shown: dict[str, int] = {}
        for hit in passages:
            shown.setdefault(self.store.chunks[hit.row].disease_id, hit.row)
        hits: list[Hit] = []
        for entry in self.ranker.wording.best(text):
            entry_id = self._entry_ids[entry]
            row = shown.get(entry_id)
            if row is None:
                row = self._first_row(entry_id, allowed)
            if row is not None:
                hits.append(Hit(row=row, why=""))
            if len(hits) == _DEPTH:
                break
        return hits

    def _named(self, query: str, allowed: Mask) -> list[Hit]:
        hits = []
        for entry_id, words in self._names.found(query).items():
            row = self._first_row(entry_id, allowed)
            if row is not None:
                hits.append(Hit(row=row, why=f"name: {words}"))
        return hits

    @cached_property
    def _entry_ids(self) -> tuple[str, ...]:
        return tuple(self.entries)

    def _first_row(self, entry_id: str, allowed: Mask) -> int | None:
        return next((row for row in self._masks.rows_of(entry_id) if allowed[row]), None)


def _hits(rows: Sequence[int]) -> list[Hit]:
    return [Hit(row=row, why="") for row in rows]
