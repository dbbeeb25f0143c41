"""The index: Chroma over the corpus, built on first use, kept in the user's cache directory.

An index folder is named by what it was made from (corpus hash, encoder, format), built beside its
place and renamed into it, and never written again: a build that dies leaves the old one, a changed
corpus or model makes a new one, and a second process only ever reads.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from knowledge.embed import Encoder
from knowledge.entry import Entry
from knowledge.passages import Chunk, chunks, corpus_hash
from knowledge.quiet import no_telemetry
from knowledge.vocabulary import Vocabulary

_FORMAT = 1
_COLLECTION = "passages"
_KEPT_INDEXES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What an index was made from."""

    format: int
    corpus_hash: str
    encoder: str
    entries: int
    passages: int

    @property
    def key(self) -> str:
        """Names the index folder."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


class Store:
    """An open index. Dense search only; `retrieve` fuses it with the words."""

    def __init__(self, folder: Path, manifest: Manifest, made: Sequence[Chunk]) -> None:
        self.manifest = manifest
        self.chunks: Mapping[str, Chunk] = {chunk.id: chunk for chunk in made}
        self._collection = _client(folder).get_collection(_COLLECTION, embedding_function=None)

    def nearest(
        self, vector: NDArray[np.float32], count: int, where: Mapping[str, Any] | None
    ) -> list[str]:
        """Ids of the chunks nearest to a unit vector, nearest first."""
        found = self._collection.query(
            query_embeddings=[vector.tolist()],
            n_results=min(count, len(self.chunks)),
            where=dict(where) if where else None,
            include=["distances"],
        )
        return list(found["ids"][0])


def open_store(
    cache_dir: Path, encoder: Encoder, entries: Mapping[str, Entry], vocabulary: Vocabulary
) -> Store:
    """Open the index of this corpus and encoder; build it first when there is none."""
    made = chunks(entries, vocabulary)
    manifest = Manifest(
        format=_FORMAT,
        corpus_hash=corpus_hash(made),
        encoder=encoder.identity,
        entries=len(entries),
        passages=len(made),
    )
    root = cache_dir / "index"
    folder = root / manifest.key
    if not _is_whole(folder, manifest):
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / "build.lock"):
            if not _is_whole(folder, manifest):
                _build(folder, manifest, made, encoder)
                _prune(root, folder)
    return Store(folder, manifest, made)


def _is_whole(folder: Path, manifest: Manifest) -> bool:
    path = folder / "manifest.json"
    return path.is_file() and json.loads(path.read_text("utf-8")) == asdict(manifest)


def _build(folder: Path, manifest: Manifest, made: Sequence[Chunk], encoder: Encoder) -> None:
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix="building-"))
    try:
        vectors = encoder.encode([chunk.text for chunk in made])
        client = _client(part)
        collection = client.create_collection(
            _COLLECTION, embedding_function=None, metadata={"hnsw:space": "cosine"}
        )
        collection.add(
            ids=[chunk.id for chunk in made],
            embeddings=[row.tolist() for row in vectors],
            metadatas=[
                {
                    "disease_id": chunk.disease_id,
                    "facet": chunk.facet,
                    "system": chunk.system,
                    "rarity": chunk.rarity,
                }
                for chunk in made
            ],
        )
        client.close()
        (part / "manifest.json").write_text(json.dumps(asdict(manifest)), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # a folder without a whole manifest
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _prune(root: Path, current: Path) -> None:
    """Keep the newest indexes; clear half-built ones: under the lock nobody is building."""
    whole = sorted(
        (p.parent for p in root.glob("*/manifest.json")), key=lambda p: p.stat().st_mtime
    )
    for folder in [f for f in whole if f != current][: -(_KEPT_INDEXES - 1)]:
        shutil.rmtree(folder, ignore_errors=True)
    for folder in root.glob("building-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _client(folder: Path) -> Any:
    no_telemetry()
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
