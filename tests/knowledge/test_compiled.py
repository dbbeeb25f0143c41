"""The compiled corpus: the same as its sources, and read again when they change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import knowledge.index.compiled
from knowledge.index.compiled import load_compiled
from knowledge.index.passages import chunks
from knowledge.yaml_source import KnowledgeError

_SHIPPED = Path(knowledge.__file__).parent
_TAKEN = ("pulmonary-alveolar-proteinosis", "lymphangioleiomyomatosis")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Two entries of the shipped corpus with its terms."""
    made = tmp_path / "package"
    shutil.copytree(_SHIPPED / "terms", made / "terms")
    (made / "corpus" / "thorax").mkdir(parents=True)
    for entry_id in _TAKEN:
        shutil.copy(_SHIPPED / f"corpus/thorax/{entry_id}.yaml", made / "corpus" / "thorax")
    return made


def _edit(source: Path, old: str, new: str) -> None:
    text = source.read_text("utf-8")
    assert old in text
    source.write_text(text.replace(old, new), "utf-8")


def test_what_is_kept_is_what_the_sources_say(package: Path, tmp_path: Path) -> None:
    first = load_compiled(tmp_path, package)
    assert sorted(first.entries) == sorted(_TAKEN)
    assert list(first.chunks) == chunks(first.entries, first.vocabulary)
    assert load_compiled(tmp_path, package) == first
    other = first.model_copy(update={"listed": first.listed[::-1]})
    (tmp_path / "corpus.json").write_text(other.model_dump_json(), "utf-8")
    assert load_compiled(tmp_path, package) == other  # it was read, not the sources


def test_an_edited_source_is_read_again_alone(package: Path, tmp_path: Path) -> None:
    first = load_compiled(tmp_path, package)
    one, other = first.listed
    kept = first.model_copy(
        update={
            "listed": (one, other.model_copy(update={"course": "As it was kept, not as written."}))
        }
    )
    (tmp_path / "corpus.json").write_text(kept.model_dump_json(), "utf-8")
    _edit(package / f"corpus/thorax/{one.id}.yaml", "summary: >-\n  ", "summary: >-\n  Edited. ")
    edited = load_compiled(tmp_path, package)
    assert edited.entries[one.id].summary.startswith("Edited.")
    assert edited.entries[other.id].course.startswith("As it was kept")
    assert list(edited.chunks) == chunks(edited.entries, edited.vocabulary)
    assert load_compiled(tmp_path, package) == edited


def test_a_removed_and_an_added_source_are_noticed(package: Path, tmp_path: Path) -> None:
    load_compiled(tmp_path, package)
    (package / f"corpus/thorax/{_TAKEN[0]}.yaml").unlink()
    assert list(load_compiled(tmp_path, package).entries) == [_TAKEN[1]]
    shutil.copy(_SHIPPED / f"corpus/thorax/{_TAKEN[0]}.yaml", package / "corpus" / "thorax")
    assert sorted(load_compiled(tmp_path, package).entries) == sorted(_TAKEN)


def test_changed_terms_are_read_again(package: Path, tmp_path: Path) -> None:
    load_compiled(tmp_path, package)
    _edit(package / "terms/lung.yaml", "name: crazy-paving pattern\n", "name: crazy-paving sign\n")
    assert load_compiled(tmp_path, package).vocabulary["crazy-paving"].name == "crazy-paving sign"


@pytest.mark.parametrize("damage", [b"", b'{"listed": [', b'{"listed": [], "terms": []}', b"\xff"])
def test_a_damaged_file_is_made_again(package: Path, tmp_path: Path, damage: bytes) -> None:
    first = load_compiled(tmp_path, package)
    kept = tmp_path / "corpus.json"
    kept.write_bytes(damage)
    assert load_compiled(tmp_path, package) == first
    assert kept.read_bytes() != damage


def test_a_cache_that_cannot_be_written_costs_time_only(package: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus.json").mkdir()
    (tmp_path / "corpus.json" / "in the way").touch()
    assert sorted(load_compiled(tmp_path, package).entries) == sorted(_TAKEN)


def test_a_fault_in_a_source_is_told_with_file_and_line(package: Path, tmp_path: Path) -> None:
    (package / "corpus/thorax/broken.yaml").write_text("id: broken\nname: ]\n", "utf-8")
    with pytest.raises(KnowledgeError, match=r"broken\.yaml, line 2"):
        load_compiled(tmp_path, package)
