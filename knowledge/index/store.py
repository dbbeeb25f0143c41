"""The index: Chroma over the corpus, built on first use, kept in the user's cache directory.

An index folder is named by what it was made from (corpus hash, encoder, format), built beside its
place and renamed into it, and never written again: a build that dies leaves the old one, a changed
corpus or model makes a new one, and other processes only ever read. One process builds at a time.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from knowledge.index.build import COLLECTION, WORDS, build, close, open_client, prune
from knowledge.index.embed import Encoder
from knowledge.index.filters import Filter, Mask
from knowledge.index.lexical import Bm25, folding
from knowledge.index.manifest import MANIFEST, Manifest, manifest_of, read_manifest
from knowledge.index.passages import Chunk
from knowledge.index.server import ChromaServer, open_on_server, translated
from knowledge.index.vectors import embed_and_keep
from knowledge.yaml_source import KnowledgeError

_WAIT_S = 3600  # for another process that builds
_WIDER = 4  # neighbours asked for at first when a filter is on


class Store:
    """An open index: dense neighbours and the words; `fusion` joins them."""

    def __init__(
        self, manifest: Manifest, made: Sequence[Chunk], collection: Any, words: Bm25
    ) -> None:
        self.manifest = manifest
        self.chunks = made
        self.words = words
        self._rows = {chunk.id: row for row, chunk in enumerate(made)}
        self._collection = collection

    def nearest(
        self, vector: NDArray[np.float32], count: int, wanted: Filter, allowed: Mask
    ) -> list[int]:
        """Rows of the chunks nearest to a unit vector, nearest first.

        Args:
            vector: (dimensions,) float32.
            allowed: The rows that `wanted` lets through.
        """
        if wanted.is_empty:
            return self._query(vector, count, None)
        # Chroma takes five times as long with a filter: most filters leave enough near neighbours.
        near = [r for r in self._query(vector, _WIDER * count, None) if allowed[r]][:count]
        if len(near) == min(count, int(allowed.sum())):
            return near
        return self._query(vector, count, wanted.where())

    def _query(
        self, vector: NDArray[np.float32], count: int, where: dict[str, Any] | None
    ) -> list[int]:
        with translated("the index cannot be searched"):
            found = self._collection.query(
                query_embeddings=[vector],
                n_results=min(count, len(self.chunks)),
                where=where,
                include=[],
            )
        return [self._rows[chunk_id] for chunk_id in found["ids"][0]]


def open_store(
    cache_dir: Path,
    encoder: Encoder,
    made: Sequence[Chunk],
    server: ChromaServer | None = None,
) -> Store:
    """Open the index of these passages and this encoder; build it first when there is none.

    Args:
        cache_dir: Where an embedded index and the vectors made here are kept.
        server: Keep the index there instead.

    Raises:
        KnowledgeError: When it can neither be opened nor built; says why.
    """
    if not made:
        raise KnowledgeError("the knowledge base has no entries, so there is nothing to search")
    manifest = manifest_of(made, encoder.identity)

    def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
        return embed_and_keep(texts, encoder, cache_dir / "vectors")

    if server is not None:
        client, collection = open_on_server(server, manifest, made, vectors)
        store = Store(manifest, made, collection, Bm25.build(made))
        weakref.finalize(store, close, client)
        return store
    root = cache_dir / "index"
    folder = root / manifest.key
    found = _opened(folder, manifest, made)
    if found is not None:
        return found
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(root / "build.lock", timeout=_WAIT_S, mode=0o600):
            found = _opened(folder, manifest, made)  # another process may have built it meanwhile
            if found is None:
                with translated("the index cannot be built"):
                    build(folder, manifest, made, vectors)
                found = _opened(folder, manifest, made)
            prune(root, folder)
    except Timeout as error:
        raise KnowledgeError(
            f"another process has been building the index below {str(root)!r} for an hour: wait "
            "for it or end it, or name another cache directory"
        ) from error
    except OSError as error:
        raise KnowledgeError(
            f"the index cannot be written below {str(root)!r} ({error.strerror or error}): make "
            "room or give rights there, or name another cache directory"
        ) from error
    if found is None:
        raise KnowledgeError(
            f"the index in {str(folder)!r} was built and does not open: delete the folder "
            f"{str(root)!r} and try again"
        )
    return found


def _opened(folder: Path, manifest: Manifest, made: Sequence[Chunk]) -> Store | None:
    """The index in a folder; None when there is none, it is another's, or it is damaged."""
    lock = _hold(folder)
    if lock is None:
        return None
    client = None
    try:
        body = read_manifest(folder)
        if body is None or body["manifest"] != manifest.text():
            os.close(lock)
            return None
        with translated("the index does not open"):
            client = open_client(folder)
            collection = client.get_collection(COLLECTION, embedding_function=None)
            if collection.count() != manifest.passages:
                raise KnowledgeError("the index lacks passages")
        is_current = body.get("folding") == folding()
        words = Bm25.load(folder / WORDS) if is_current else Bm25.build(made)
    except (KnowledgeError, OSError, ValueError, KeyError):
        os.close(lock)
        close(client)
        return None
    store = Store(manifest, made, collection, words)
    weakref.finalize(store, _release, client, lock)
    return store


def _release(client: Any, lock: int) -> None:
    close(client)
    os.close(lock)


def _hold(folder: Path) -> int | None:
    """A shared lock on an index, for as long as it is open: nobody prunes it. None without one."""
    try:
        handle = os.open(folder / MANIFEST, os.O_RDONLY)
    except OSError:
        return None
    try:
        import fcntl
    except ImportError:  # Windows does not delete what is open
        return handle
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle
