"""Vectors made ahead: a build embeds only what it has not seen.

A row is the float16 vector of one passage's text under one encoder, keyed by the text's SHA-256.
`knowledge/vectors.npz` ships the rows of the shipped corpus for the default model
(`python -m knowledge vectors` writes it); the cache directory keeps the rows that were made here, a
file an encoder. Fresh rows are rounded like kept ones, so an index does not depend on which it got.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.index.embed import Encoder
from knowledge.whole_file import whole_file

VECTORS = Path(__file__).parents[1] / "vectors.npz"
_KEY_BYTES = 16
_KEPT_ROWS = 30_000  # in the cache, of one encoder: 23 MB at 384 dimensions


@dataclass(frozen=True, kw_only=True, slots=True)
class Vectors:
    """Rows by key; good for one encoder only."""

    encoder: str
    rows: Mapping[bytes, NDArray[np.float16]]

    def missing(self, texts: Sequence[str]) -> int:
        """How many of these passages have no row."""
        return sum(_key(text) not in self.rows for text in texts)

    def row(self, text: str) -> NDArray[np.float16] | None:
        """The vector of this passage; None when it has none."""
        return self.rows.get(_key(text))


def load_vectors(source: Path = VECTORS) -> Vectors:
    """The vectors of a file; none when it is not there or cannot be read: it can be made again."""
    try:
        with source.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            keys, values, encoder = kept["keys"], kept["values"], str(kept["encoder"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return Vectors(encoder="", rows={})
    return Vectors(
        encoder=encoder, rows={key.tobytes(): row for key, row in zip(keys, values, strict=True)}
    )


def embed(texts: Sequence[str], encoder: Encoder, *known: Vectors) -> NDArray[np.float32]:
    """Unit vectors of passages, rounded to float16: known rows where they fit, the others encoded.

    Args:
        known: Rows made before; those of another encoder are left alone.

    Returns:
        (texts, dimensions) float32.
    """
    rows = _rows(texts, encoder, *known)
    return np.stack([rows[_key(text)] for text in texts]).astype(np.float32)


def embed_and_keep(texts: Sequence[str], encoder: Encoder, folder: Path) -> NDArray[np.float32]:
    """The same with the shipped rows and those kept in a folder; what is new is kept there."""
    name = hashlib.sha256(encoder.identity.encode()).hexdigest()[:16]
    path = folder / f"{name}.npz"
    shipped = load_vectors()
    if shipped.encoder != encoder.identity:
        shipped = Vectors(encoder=encoder.identity, rows={})
    if not shipped.missing(texts):
        return embed(texts, encoder, shipped)
    kept = load_vectors(path)
    rows = _rows(texts, encoder, shipped, kept)
    own = {key: row for key, row in rows.items() if key not in shipped.rows}
    if kept.encoder != encoder.identity or any(key not in kept.rows for key in own):
        older = kept.rows if kept.encoder == encoder.identity else {}
        merged = dict([*own.items(), *((k, r) for k, r in older.items() if k not in own)])
        room = max(_KEPT_ROWS, len(own))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(dict(list(merged.items())[:room]), encoder.identity, path)
    return np.stack([rows[_key(text)] for text in texts]).astype(np.float32)


def write_vectors(texts: Sequence[str], encoder: Encoder, target: Path = VECTORS) -> int:
    """Write the rows of exactly these passages, whole or not at all: same rows, same bytes.

    Returns:
        How many had to be encoded; the rows that the file held before are taken over.
    """
    known = load_vectors(target)
    rows = _rows(texts, encoder, known)
    _write(dict(sorted(rows.items())), encoder.identity, target, mode=0o644)  # it ships
    return sum(known.encoder != encoder.identity or key not in known.rows for key in rows)


def _rows(
    texts: Sequence[str], encoder: Encoder, *known: Vectors
) -> dict[bytes, NDArray[np.float16]]:
    """A row for every text, in the order of the texts."""
    usable = [source.rows for source in known if source.encoder == encoder.identity]
    by_key = {_key(text): text for text in texts}
    rows = {
        key: row
        for key in by_key
        for row in (next((rows[key] for rows in usable if key in rows), None),)
        if row is not None
    }
    new = [key for key in by_key if key not in rows]
    if new:
        fresh = encoder.encode_documents([by_key[key] for key in new]).astype(np.float16)
        rows.update(zip(new, fresh, strict=True))
    return {key: rows[key] for key in by_key}


def _write(
    rows: Mapping[bytes, NDArray[np.float16]], encoder: str, target: Path, mode: int = 0o600
) -> None:
    keys = np.array([list(key) for key in rows], dtype=np.uint8).reshape(len(rows), _KEY_BYTES)
    arrays = {
        "encoder": np.array(encoder),
        "keys": keys,
        "values": np.array(list(rows.values()), dtype=np.float16),
    }
    with whole_file(target, mode) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            # A fixed date, where np.savez writes the time of day.
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            with archive.open(member, "w") as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:_KEY_BYTES]
