"""An embedded index: found again, patched, and made anew when it is not what it should be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from knowledge.entry import Entry
from knowledge.index.filters import Filter, Mask
from knowledge.index.manifest import read_manifest
from knowledge.index.passages import chunks
from knowledge.index.store import Store, open_store
from knowledge.yaml_source import KnowledgeError
from tests.knowledge.small_store import (
    HashEncoder,
    corpus,
    found,
    is_right,
    open_edition,
    vocabulary,
)


def _open(cache: Path, entries: dict[str, Entry], encoder: HashEncoder) -> Store:
    return open_store(cache, encoder, chunks(entries, vocabulary()))


def test_a_built_index_is_opened_and_not_built_again(tmp_path: Path) -> None:
    first = open_edition(tmp_path, "one")
    folder = tmp_path / "index" / first.manifest.key
    made = (folder / "manifest.json").stat().st_mtime_ns
    encoder = HashEncoder()
    again = open_edition(tmp_path, "one", encoder=encoder)
    assert is_right(again)
    assert encoder.encoded == 0
    assert (folder / "manifest.json").stat().st_mtime_ns == made


def test_an_edited_entry_costs_its_own_passages_only(tmp_path: Path) -> None:
    entries = corpus("one", 40)
    _open(tmp_path, entries, HashEncoder())
    edited = entries["one-disease-7"].model_copy(update={"summary": "Another summary. " * 5})
    encoder = HashEncoder()
    store = _open(tmp_path, {**entries, edited.id: edited}, encoder)
    assert encoder.encoded == 1
    assert is_right(store)
    (chunk,) = (c for c in store.chunks if c.id == "one-disease-7/clinical")
    assert "Another summary." in chunk.text
    assert found(store, chunk.text) == chunk.id


def test_an_entry_that_is_gone_is_found_no_more(tmp_path: Path) -> None:
    entries = corpus("one", 40)
    before = _open(tmp_path, entries, HashEncoder())
    gone = next(c for c in before.chunks if c.id == "one-disease-7/clinical")
    store = _open(
        tmp_path, {k: v for k, v in entries.items() if k != "one-disease-7"}, HashEncoder()
    )
    assert len(store.chunks) == len(before.chunks) - 3
    assert found(store, gone.text) != gone.id
    assert is_right(store)


def test_a_filter_value_that_an_edit_took_away_finds_nothing(tmp_path: Path) -> None:
    entries = corpus("one", 40)
    edited = entries["one-disease-7"]
    bone = edited.findings[0].model_copy(update={"modality": "MR", "window": "bone"})
    both = edited.model_copy(
        update={
            "findings": (*edited.findings, bone),
            "imaging": "MR shows nothing of note. " + edited.imaging,
        }
    )
    _open(tmp_path, {**entries, edited.id: both}, HashEncoder())
    less = both.model_copy(update={"findings": edited.findings})
    store = _open(tmp_path, {**entries, edited.id: less}, HashEncoder())
    vector = HashEncoder().encode_query("anything")
    assert store.nearest(vector, 5, Filter(modality="MR"), _rows(store, "MR")) != []
    nothing = np.zeros(len(store.chunks), dtype=bool)
    assert store._query(vector, 5, Filter(window="bone").where()) == []
    assert store.nearest(vector, 5, Filter(window="bone"), nothing) == []


def test_words_that_were_folded_in_another_way_are_indexed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("knowledge.index.lexical.forms", lambda text: tuple(text.upper().split()))
        before.setattr("knowledge.index.build.folding", lambda: "capitals")
        before.setattr("knowledge.index.store.folding", lambda: "capitals")
        _open(tmp_path, corpus("one"), HashEncoder())
    encoder = HashEncoder()
    store = _open(tmp_path, corpus("one"), encoder)
    everything = np.ones(len(store.chunks), dtype=bool)
    assert store.words.best("crazy paving", everything, 3)
    assert encoder.encoded == 0


def test_a_knowledge_base_without_entries_says_so(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no entries"):
        _open(tmp_path, {}, HashEncoder())


def test_another_model_is_another_index(tmp_path: Path) -> None:
    first = open_edition(tmp_path, "one")
    encoder = HashEncoder("hash, another")
    second = open_edition(tmp_path, "one", encoder=encoder)
    assert encoder.encoded == len(second.chunks)
    assert first.manifest.key != second.manifest.key


def _rows(store: Store, modality: str) -> Mask:
    return np.array([modality in chunk.modalities for chunk in store.chunks])


def _shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _drop(path: Path) -> None:
    path.unlink()


def _edit(path: Path) -> None:
    body = json.loads(path.read_text("utf-8"))
    body["manifest"] = body["manifest"].replace('"encoder": "hash"', '"encoder": "other"')
    path.write_text(json.dumps(body), "utf-8")


@pytest.mark.parametrize(
    ("harm", "which"),
    [
        (_shorten, "chroma.sqlite3"),
        (_drop, "chroma.sqlite3"),
        (_shorten, "manifest.json"),
        (_drop, "manifest.json"),
        (_edit, "manifest.json"),
        (_drop, "passages.json"),
        (_drop, "words/params.index.json"),
    ],
)
def test_an_index_that_was_harmed_is_made_again(tmp_path: Path, harm: object, which: str) -> None:
    manifest = open_edition(tmp_path, "one").manifest
    folder = tmp_path / "index" / manifest.key
    assert callable(harm)
    harm(folder / which)
    again = open_edition(tmp_path, "one")
    assert is_right(again)
    body = read_manifest(folder)
    assert body is not None
    assert body["manifest"] == manifest.text()


def test_a_build_that_died_is_cleared_away(tmp_path: Path) -> None:
    key = open_edition(tmp_path / "other", "one").manifest.key
    half = tmp_path / "index" / key
    half.mkdir(parents=True)
    (half / "chroma.sqlite3").write_bytes(b"torn")
    (tmp_path / "index" / "building-dead").mkdir()
    assert is_right(open_edition(tmp_path, "one"))
    assert sorted(p.name for p in (tmp_path / "index").iterdir()) == sorted([key, "build.lock"])


def test_old_indexes_go_and_those_in_use_stay(tmp_path: Path) -> None:
    in_use = open_edition(tmp_path, "one")
    closed = open_edition(tmp_path, "two").manifest.key
    for edition in ("three", "four"):
        open_edition(tmp_path, edition)
    kept = {p.name for p in (tmp_path / "index").iterdir() if p.is_dir()}
    assert in_use.manifest.key in kept
    assert closed not in kept
    assert len(kept) == 3
    assert is_right(in_use)


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file, where a folder has to be", "utf-8")
    with pytest.raises(KnowledgeError, match=r"cannot be written below .* another cache directory"):
        open_edition(tmp_path, "one")
