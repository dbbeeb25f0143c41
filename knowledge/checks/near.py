"""Entries that look alike to the encoder, from the vectors that ship; nothing is embedded here."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from knowledge.checks.problem import Corpus, Problem
from knowledge.index.passages import chunks
from knowledge.index.vectors import VECTORS, Vectors

NEAR_DUPLICATE = 0.95  # cosine between the imaging passages of two entries


def check_near_duplicates(corpus: Corpus, vectors: Vectors) -> Iterator[Problem]:
    """Pairs of entries whose imaging passages are all but the same text."""
    rows = [
        (chunk, row)
        for chunk in chunks(corpus.entries, corpus.vocabulary)
        if chunk.facet == "imaging" and (row := vectors.row(chunk.text)) is not None
    ]
    if not rows:
        return
    matrix = np.stack([row for _, row in rows]).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    cosine = np.triu(matrix @ matrix.T, k=1)
    reported: set[tuple[str, str]] = set()
    for one, other in np.argwhere(cosine > NEAR_DUPLICATE):
        here, there = rows[one][0], rows[other][0]
        pair = (here.disease_id, there.disease_id)
        if here.disease_id == there.disease_id or pair in reported:
            continue
        reported.add(pair)
        yield corpus.problem(
            "flag", pair, "imaging",
            f"{here.id} and {there.id} read alike (cosine {cosine[one, other]:.3f}): say what "
            "tells them apart, or keep one entry",
        )  # fmt: skip


def missing_vectors(corpus: Corpus, vectors: Vectors) -> tuple[int, int]:
    """How many passages of the entries asked about have no vector, and of how many."""
    asked = {one: corpus.entries[one] for one in corpus.asked}
    texts = [
        chunk.text
        for chunk in chunks(corpus.entries, corpus.vocabulary)
        if chunk.disease_id in asked
    ]
    return vectors.missing(texts), len(texts)


def stale(missing: int, passages: int) -> Problem:
    """The fault of vectors that were made of an older text."""
    return Problem(
        level="fault", files=(VECTORS,), key="",
        text=f"{missing} of {passages} passages have no vector; run `python -m knowledge vectors`",
    )  # fmt: skip
