"""Building an embedded index: beside its place, from the last one where little has changed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.index.filters import metadata
from knowledge.index.lexical import Bm25, folding
from knowledge.index.manifest import MANIFEST, Manifest, read_manifest, write_manifest
from knowledge.index.passages import Chunk
from knowledge.quiet import no_telemetry

COLLECTION = "passages"
WORDS = "words"
_DIGESTS = "passages.json"
_KEPT = 2
_SLICE = 1000
_PATCHED = 0.1  # of the passages: above this share a new index is made from nothing

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


def build(folder: Path, manifest: Manifest, made: Sequence[Chunk], embed: Embed) -> None:
    """Make the index of these chunks and rename it into its place; call under the build lock."""
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix="building-"))
    try:
        patched = _patch(part, folder.parent, manifest, made, embed)
        if patched is None:
            patched = 0
            client = open_client(part)
            collection = client.create_collection(
                COLLECTION,
                embedding_function=None,
                configuration={"hnsw": {"space": manifest.space}},
            )
            add(collection, made, embed([chunk.text for chunk in made]))
            close(client)
        Bm25.build(made).save(part / WORDS)
        digests = {chunk.id: chunk.digest for chunk in made}
        (part / _DIGESTS).write_text(json.dumps(digests), "utf-8")
        write_manifest(part, manifest, patched=patched, folding=folding())
        _close_to_others(part)
        shutil.rmtree(folder, ignore_errors=True)  # a folder that is not whole
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _close_to_others(folder: Path) -> None:
    """Files 0600 in folders 0700, whoever wrote them."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def add(collection: Any, made: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
    """Put chunks and their vectors into a collection, in slices that Chroma takes."""
    for at in range(0, len(made), _SLICE):
        some = made[at : at + _SLICE]
        collection.upsert(
            ids=[chunk.id for chunk in some],
            embeddings=vectors[at : at + _SLICE],
            metadatas=[metadata(chunk) for chunk in some],
        )


def prune(root: Path, current: Path) -> None:
    """Keep the newest indexes and those in use, clear what died half-built; call under the lock."""
    whole = sorted((p.parent for p in root.glob(f"*/{MANIFEST}")), key=_made_at)
    for folder in [f for f in whole if f != current][: -(_KEPT - 1)]:
        _remove_unused(folder)
    for folder in root.glob("building-*"):
        shutil.rmtree(folder, ignore_errors=True)


def open_client(folder: Path) -> Any:
    """Chroma on a folder, in this process."""
    no_telemetry()
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))


def close(client: Any) -> None:
    """Let go of a folder, whose open files Chroma would hand out again, or of a server."""
    if client is None:
        return
    client.close()
    for part in (client, client._admin_client):  # Chroma leaves connections to the collector
        connections = getattr(part._server, "_session", None)
        if connections is not None:
            connections.close()


def _patch(
    part: Path, root: Path, manifest: Manifest, made: Sequence[Chunk], embed: Embed
) -> int | None:
    """Make `part` from the newest index of this encoder; how many passages of it differ by now.

    None when there is no such index or too much has changed.
    """
    for base in sorted((p.parent for p in root.glob(f"*/{MANIFEST}")), key=_made_at, reverse=True):
        body = read_manifest(base)
        if body is None or not _same_kind(json.loads(body["manifest"]), manifest):
            continue
        before = json.loads((base / _DIGESTS).read_text("utf-8"))
        gone = sorted(before.keys() - {chunk.id for chunk in made})
        new = [chunk for chunk in made if before.get(chunk.id) != chunk.digest]
        # Chroma's upsert keeps what a filter knew of a changed passage and it has no more.
        stale = [*gone, *(chunk.id for chunk in new if chunk.id in before)]
        patched = int(body["patched"]) + len(gone) + len(new)
        if patched > _PATCHED * len(made):
            return None
        shutil.copytree(base, part, dirs_exist_ok=True)
        (part / MANIFEST).unlink()
        client = open_client(part)
        collection = client.get_collection(COLLECTION, embedding_function=None)
        if stale:
            collection.delete(ids=stale)
        if new:
            add(collection, new, embed([chunk.text for chunk in new]))
        close(client)
        return patched
    return None


def _same_kind(theirs: dict[str, Any], manifest: Manifest) -> bool:
    return all(theirs[k] == getattr(manifest, k) for k in ("format", "space", "encoder"))


def _made_at(folder: Path) -> float:
    return (folder / MANIFEST).stat().st_mtime


def _remove_unused(folder: Path) -> None:
    """Delete an index that nobody has open; who opens it meanwhile waits, and finds it gone."""
    try:
        import fcntl
    except ImportError:  # Windows does not delete what is open
        shutil.rmtree(folder, ignore_errors=True)
        return
    handle = os.open(folder / MANIFEST, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(handle)
