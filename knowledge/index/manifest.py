"""What an index was made from: written with it, checked when it is opened."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from knowledge.index.passages import Chunk, corpus_hash

FORMAT = 2  # of the index folder and of Chroma's metadata
MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What an index was made from; another corpus, model or format is another index."""

    format: int
    facets: tuple[str, ...]
    space: str
    corpus_hash: str
    encoder: str
    entries: int
    passages: int

    @property
    def key(self) -> str:
        """Names the index: its folder, or its collection on a server."""
        return hashlib.sha256(self.text().encode()).hexdigest()[:16]

    def text(self) -> str:
        """As JSON, the same for the same index."""
        return json.dumps(asdict(self), sort_keys=True)


def manifest_of(made: Sequence[Chunk], encoder: str) -> Manifest:
    """The manifest that the index of these passages and this encoder has to have."""
    return Manifest(
        format=FORMAT,
        facets=tuple(sorted({f"{c.facet} {c.modality}".strip() for c in made})),
        space="cosine",
        corpus_hash=corpus_hash(made),
        encoder=encoder,
        entries=len({chunk.disease_id for chunk in made}),
        passages=len(made),
    )


def write_manifest(folder: Path, manifest: Manifest, **more: Any) -> None:
    """Write it into a finished folder, last of all, with the size of every other file."""
    body = {
        "manifest": manifest.text(),
        "files": _sizes(folder),
        "made_with": {name: _version(name) for name in ("hoofbeat", "chromadb")},
        **more,
    }
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(body, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What a folder says of itself; None when it is not whole: no manifest, or files that changed.

    `["manifest"]` compares with Manifest.text().
    """
    try:
        body = json.loads((folder / MANIFEST).read_text("utf-8"))
        return body if body["files"] == _sizes(folder) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _sizes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
