"""A made-up corpus with an encoder of no weight, for tests of the index; also run as a process.

`python -m tests.knowledge.small_store CACHE EDITION [ENTRIES]` opens the index of an edition,
builds it when it has to, and prints whether every passage is found by its own text.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry
from knowledge.index.filters import Filter
from knowledge.index.passages import chunks
from knowledge.index.store import Store, open_store
from knowledge.vocabulary import Term, Vocabulary, build_vocabulary
from tests.knowledge.conftest import entry

TERMS = ("lung-cysts", "crazy-paving", "pleural-effusion")


class HashEncoder:
    """The same text, the same vector; no two texts alike."""

    def __init__(self, identity: str = "hash") -> None:
        self.identity = identity
        self.encoded = 0

    def encode_query(self, text: str) -> NDArray[np.float32]:
        return np.asarray(self.encode_documents([text])[0])

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded += len(texts)
        seeds = [int.from_bytes(hashlib.sha256(t.encode()).digest()[:4]) for t in texts]
        rows = np.stack([np.random.default_rng(seed).normal(size=16) for seed in seeds])
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def vocabulary() -> Vocabulary:
    return build_vocabulary(
        Term.model_validate(
            {"id": t, "name": t.replace("-", " "), "modality": ["CT"], "window": "lung",
             "question": f"Is there {t}?", "background": 0.05}
        )
        for t in TERMS
    )  # fmt: skip


def corpus(edition: str, count: int = 20) -> dict[str, Entry]:
    """Entries that differ from those of another edition in every passage."""
    made = (
        entry(
            f"{edition}-disease-{number}",
            dict.fromkeys(TERMS, 0.5),
            mimics=[{"id": f"{edition}-disease-0", "difference": "Told apart by its number."}]
            if number
            else [],
        )
        for number in range(count)
    )
    return {e.id: e for e in made}


def open_edition(
    cache_dir: Path, edition: str, *, count: int = 20, encoder: HashEncoder | None = None
) -> Store:
    made = chunks(corpus(edition, count), vocabulary())
    return open_store(cache_dir, encoder or HashEncoder(), made)


def found(store: Store, text: str) -> str:
    """The id of the chunk whose vector is nearest to that of a text."""
    everything = np.ones(len(store.chunks), dtype=bool)
    (row,) = store.nearest(HashEncoder().encode_query(text), 1, Filter(), everything)
    return store.chunks[row].id


def is_right(store: Store) -> bool:
    """Whether every passage is found by its own text: the vectors are whole and its own."""
    return all(found(store, chunk.text) == chunk.id for chunk in store.chunks[::7])


if __name__ == "__main__":
    size = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    opened = open_edition(Path(sys.argv[1]), sys.argv[2], count=size)
    print("right" if is_right(opened) else "wrong", len(opened.chunks))  # noqa: T201
