"""BM25 over the passages, on the same folded words as the vocabulary's matcher."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge import words
from knowledge.index.passages import Chunk
from knowledge.words import forms

STOP = frozenset(
    forms("the a an of in and or with is are to for on at by it its as from that this be was were")
)


@cache
def folding() -> str:
    """Names the way words are folded and left out; words indexed in another way are not found."""
    told = Path(words.__file__).read_bytes() + " ".join(sorted(STOP)).encode()
    return hashlib.sha256(told).hexdigest()[:16]


class Bm25:
    """The words' index; a row is a chunk's place in it. Kept beside the vectors of an index."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def build(cls, made: Sequence[Chunk]) -> Bm25:
        """Index the texts of chunks."""
        import bm25s

        index = bm25s.BM25()
        index.index(
            [[w for w in forms(chunk.text) if w not in STOP] for chunk in made],
            show_progress=False,
        )
        return cls(index)

    @classmethod
    def load(cls, folder: Path) -> Bm25:
        """The index that `save` wrote.

        Raises:
            OSError, ValueError: When it is not whole.
        """
        import bm25s

        return cls(bm25s.BM25.load(str(folder), show_progress=False))

    def save(self, folder: Path) -> None:
        """Write it into a folder of its own."""
        self._index.save(str(folder), show_progress=False)

    def best(self, text: str, allowed: NDArray[np.bool_], count: int) -> list[int]:
        """Rows that share words with a text, best first; the allowed ones."""
        known = self._index.vocab_dict
        asked = [w for w in dict.fromkeys(forms(text)) if w in known]
        if not asked:
            return []
        scores = np.where(allowed, np.asarray(self._index.get_scores(asked)), 0.0)
        order = np.argsort(-scores, kind="stable")[:count]
        return [int(row) for row in order if scores[row] > 0]
