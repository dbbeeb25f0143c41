"""Vectors made ahead: those that ship with the corpus, and those kept from earlier builds."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from knowledge.entry import load_entries
from knowledge.index.embed import DEFAULT_MODEL, open_encoder
from knowledge.index.passages import chunks
from knowledge.index.vectors import Vectors, embed, embed_and_keep, load_vectors, write_vectors
from knowledge.vocabulary import load_vocabulary
from tests.knowledge.small_store import HashEncoder


def test_every_shipped_passage_has_a_vector() -> None:
    texts = [c.text for c in chunks(load_entries(), load_vocabulary())]
    assert load_vectors().missing(texts) == 0, "run `python -m knowledge vectors`"


def test_shipped_vectors_are_those_of_the_model(cache_dir: Path) -> None:
    shipped, encoder = load_vectors(), open_encoder(DEFAULT_MODEL, cache_dir)
    texts = [c.text for c in chunks(load_entries(), load_vocabulary())]
    texts = [t for t in random.Random(4).sample(texts, 60) if not shipped.missing([t])][:12]
    assert texts
    # float16 keeps 11 bits: numbers below 1 are off by less than 0.0005.
    assert np.allclose(embed(texts, encoder, shipped), encoder.encode_documents(texts), atol=5e-4)


def test_vectors_of_another_model_are_not_taken(tmp_path: Path) -> None:
    write_vectors(["a"], HashEncoder("another"), tmp_path / "v.npz")
    encoder = HashEncoder()
    embed(["a"], encoder, load_vectors(tmp_path / "v.npz"))
    assert encoder.encoded == 1


def test_fresh_and_kept_vectors_are_the_same(tmp_path: Path) -> None:
    write_vectors(["a", "b"], HashEncoder(), tmp_path / "v.npz")
    kept = embed(["b", "a"], HashEncoder(), load_vectors(tmp_path / "v.npz"))
    fresh = embed(["b", "a"], HashEncoder(), Vectors(encoder="hash", rows={}))
    assert np.array_equal(kept, fresh)
    assert np.allclose(fresh, HashEncoder().encode_documents(["b", "a"]), atol=5e-4)


def test_the_same_passages_make_the_same_file_and_only_new_ones_are_encoded(
    tmp_path: Path,
) -> None:
    target = tmp_path / "v.npz"
    assert write_vectors(["a", "b"], HashEncoder(), target) == 2
    first = target.read_bytes()
    assert write_vectors(["b", "a"], HashEncoder(), target) == 0
    assert target.read_bytes() == first
    assert write_vectors(["b", "c"], HashEncoder(), target) == 1
    assert load_vectors(target).missing(["a", "b", "c"]) == 1
    assert write_vectors(["b", "a"], HashEncoder(), target) == 1
    assert target.read_bytes() == first


def test_a_build_embeds_what_no_earlier_build_has_seen(tmp_path: Path) -> None:
    first, second, third = HashEncoder(), HashEncoder(), HashEncoder("another")
    embed_and_keep(["a", "b"], first, tmp_path)
    embed_and_keep(["b", "c", "c"], second, tmp_path)
    embed_and_keep(["a", "b"], third, tmp_path)
    assert (first.encoded, second.encoded, third.encoded) == (2, 1, 2)
    again = HashEncoder()
    assert embed_and_keep(["c", "a", "c"], again, tmp_path).shape == (3, 16)
    assert again.encoded == 0


def test_kept_vectors_that_were_cut_short_are_made_again(tmp_path: Path) -> None:
    embed_and_keep(["a"], HashEncoder(), tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:-40])
    encoder = HashEncoder()
    embed_and_keep(["a"], encoder, tmp_path)
    assert encoder.encoded == 1
    assert load_vectors(kept).missing(["a"]) == 0
