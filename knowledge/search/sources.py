"""Imported sources: listed, removed, and searched beside the corpus.

They hold no imaging findings and never enter the ranking. An imported disease that is an entry of
the corpus lends it names and passages; another is found by its name or its words. Neither changes
the order of the corpus's own passages.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry
from knowledge.index.passages import Passage
from knowledge.search.fusion import RRF
from knowledge.search.imported import (
    PART_PREFIX,
    SUFFIX,
    SourceManifest,
    open_source,
    read_manifest,
    read_vectors,
    source_path,
)
from knowledge.search.joining import CorpusNames, Join, corpus_names, join
from knowledge.vocabulary import Vocabulary
from knowledge.words import forms, tokens
from knowledge.yaml_source import KnowledgeError

_DEPTH = 60
_NAMED = 12.0  # the whole query is the name of a disease that the corpus lacks: it stands first
_BARE = 0.5  # a passage that holds names alone, beside one of another source that says something
_LEAST_SHARE = 0.5  # of the query's own words, for a passage that only words found
_LEAST_COSINE = 0.5  # below it all-MiniLM finds something near every query
_MOST_WORDS = 200  # of one query to SQLite


class Told(NamedTuple):
    """A passage of a source; bare where it holds names alone."""

    disease: str
    name: str
    part: int
    text: str
    is_bare: int


class Source:
    """One open source, joined to a corpus."""

    def __init__(self, path: Path) -> None:
        self._base = open_source(path)
        weakref.finalize(self, self._base.close)
        self._lock = threading.Lock()  # one connection, and tools run in threads
        self.manifest: SourceManifest = read_manifest(self._base)
        self._vectors: NDArray[np.float32] | None = None
        self.joined = Join(entries={}, names={}, acronyms={}, skipped={})

    def join(self, corpus: CorpusNames) -> None:
        """Find out which of its diseases are entries; see knowledge.search.joining."""
        with self._lock:
            self.joined = join(self._base, corpus)

    def named(self, words: Sequence[str]) -> list[int]:
        """The first passages of the diseases whose whole name, or exact synonym, the words are."""
        return self._numbers(
            "SELECT p.number, p.disease FROM name n JOIN passage p ON p.disease = n.disease "
            "WHERE n.words = ? AND p.part = 0 ORDER BY p.number",
            " ".join(words),
        )

    def best(self, words: Sequence[str]) -> list[int]:
        """The passages in which the words weigh most (BM25), best first."""
        if not words:
            return []
        return self._numbers(
            "SELECT rowid, '' FROM passage_words WHERE passage_words MATCH ? "
            "ORDER BY rank LIMIT 60",
            " OR ".join(f'"{word}"' for word in list(dict.fromkeys(words))[:_MOST_WORDS]),
        )

    def nearest(self, vector: NDArray[np.float32], encoder: str) -> list[int]:
        """The passages nearest to a unit vector; none where they were embedded by another model."""
        if self.manifest.encoder != encoder:
            return []
        with self._lock:
            if self._vectors is None:
                self._vectors = read_vectors(self._base)
        cosines = self._vectors @ vector
        order = np.argsort(-cosines, kind="stable")[:_DEPTH]
        return [int(i) + 1 for i in order if cosines[i] >= _LEAST_COSINE]

    def passage(self, number: int) -> Told:
        """One passage by its number."""
        with self._lock:
            row: tuple[str, str, int, str, int] = self._base.execute(
                "SELECT d.id, d.name, p.part, p.text, p.is_bare FROM passage p "
                "JOIN disease d ON d.id = p.disease WHERE p.number = ?",
                (number,),
            ).fetchone()
        return Told(*row)

    def _numbers(self, select: str, value: str) -> list[int]:
        with self._lock:
            return [number for number, _ in self._base.execute(select, (value,))]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A search as the sources see it.

    Attributes:
        name: The whole query in folded words.
        words: The same without stop words.
        is_entry: The whole query names an entry of the corpus.
        vector, encoder: The query's unit vector and what made it.
        reserved: Places kept at the end for what only words or vectors found.
        entries: Only passages of these entries; None for every disease.
    """

    name: tuple[str, ...]
    words: tuple[str, ...]
    is_entry: bool
    vector: NDArray[np.float32]
    encoder: str
    limit: int
    reserved: int
    per_disease: int
    entries: frozenset[str] | None


class Sources:
    """Every source of a folder, open and joined to one corpus.

    Attributes:
        names: Exact synonyms that they add to entries, in folded words.
        acronyms: The same for single words in capitals, good only as a whole query.
    """

    def __init__(
        self, folder: Path | None, entries: Mapping[str, Entry], vocabulary: Vocabulary
    ) -> None:
        self._entries = entries
        self.all = [Source(path) for path in source_files(folder)] if folder else []
        if self.all:
            corpus = corpus_names(entries, vocabulary)
            for source in self.all:
                source.join(corpus)

        self.names = _agreed(source.joined.names for source in self.all)
        self.acronyms = _agreed(source.joined.acronyms for source in self.all)

    def versions(self) -> str:
        """What a report says of them: name, version and licence of each; empty without any."""
        return "; ".join(
            f"{m.name} {m.version} ({m.licence})" for m in (s.manifest for s in self.all)
        )

    def beside(self, corpus: Sequence[Passage], asked: Asked) -> list[Passage]:
        """The corpus's passages, in their order, with those of the sources beside them.

        A disease whose whole name was asked for stands where its score puts it. What only words or
        vectors found takes the last places: a quarter of the list, or the room that is left.
        """
        named, other = self._found(asked)
        head = sorted([*corpus, *named], key=lambda p: -p.score)[: asked.limit]
        tail = other[: max(asked.limit - len(head), asked.reserved)]
        head = head[: asked.limit - len(tail)]
        last = head[-1].score if head else 1.0
        return [*head, *(p.model_copy(update={"score": min(p.score, last)}) for p in tail)]

    def _found(self, asked: Asked) -> tuple[list[Passage], list[Passage]]:
        """What the sources have: named, and found by words or vectors; best first."""
        scores: dict[tuple[int, int], float] = {}
        why: dict[tuple[int, int], list[str]] = {}
        for at, source in enumerate(self.all):
            rankings = (
                ("name", [] if asked.is_entry else source.named(asked.name), _NAMED),
                ("dense", source.nearest(asked.vector, asked.encoder), 1.0),
                ("words", source.best(asked.words), 1.0),
            )
            for reason, numbers, weight in rankings:
                for place, number in enumerate(numbers, start=1):
                    key = (at, number)
                    scores[key] = scores.get(key, 0.0) + weight / (RRF + place)
                    why.setdefault(key, []).append(f"{reason} {place}")
        told = {(at, number): self.all[at].passage(number) for at, number in scores}
        scores = {key: s * (_BARE if told[key].is_bare else 1.0) for key, s in scores.items()}
        taken: Counter[object] = Counter()
        named: list[Passage] = []
        other: list[Passage] = []
        for key in sorted(scores, key=lambda k: (-scores[k], k)):
            source = self.all[key[0]]
            found = self._passage(source, told[key], asked, scores[key], tuple(why[key]))
            # Two sources that name one disease alike tell of one disease.
            if found is None or taken[same := forms(found.disease)] >= asked.per_disease:
                continue
            taken[same] += 1
            (named if found.why[0].startswith("name") else other).append(found)
        return named, other

    def _passage(
        self, source: Source, told: Told, asked: Asked, score: float, why: tuple[str, ...]
    ) -> Passage | None:
        entry = source.joined.entries.get(told.disease)
        if asked.entries is not None and entry not in asked.entries:
            return None
        if all(reason.startswith("words") for reason in why):
            held = {token.form for token in tokens(told.text)}
            if sum(w in held for w in asked.words) < _LEAST_SHARE * len(asked.words):
                return None
        return Passage(
            disease_id=entry or told.disease,
            disease=self._entries[entry].name if entry else told.name,
            facet="imported",
            text=told.text,
            source=f"imported/{source.manifest.name}/{told.disease}/{told.part + 1}",
            score=round(score, 5),
            why=why,
        )


def _agreed(
    added: Iterable[Mapping[tuple[str, ...], str]],
) -> Mapping[tuple[str, ...], str]:
    """The names that sources add, without those that would name two entries."""
    found: dict[tuple[str, ...], str] = {}
    several: set[tuple[str, ...]] = set()
    for names in added:
        several.update(n for n, entry in names.items() if found.setdefault(n, entry) != entry)
    return {n: entry for n, entry in found.items() if n not in several}


def source_files(folder: Path) -> list[Path]:
    """The finished sources of a folder by name; none where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith(PART_PREFIX)
    )


def read_manifests(folder: Path) -> list[SourceManifest]:
    """What is imported, by name.

    Raises:
        KnowledgeError: On a source that cannot be read, with how to mend it.
    """
    return [Source(path).manifest for path in source_files(folder)]


def remove_source(folder: Path, name: str) -> None:
    """Delete a source, whole or broken.

    Raises:
        KnowledgeError: If there is none of that name.
    """
    path = source_path(folder, name)
    known = [p.stem for p in source_files(folder)]
    if name not in known:
        there = f"there are: {', '.join(known)}" if known else "nothing is imported"
        raise KnowledgeError(f"no source {name!r} in {folder}; {there}")
    path.unlink()
