"""Imported sources in the folder and in the search: replaced whole, joined, found, removed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from knowledge.entry import Codes, Entry
from knowledge.importers.run import Wanted, import_source
from knowledge.index.embed import OnnxEncoder
from knowledge.search.retrieve import KnowledgeBase
from knowledge.search.sources import read_manifests, remove_source
from knowledge.vocabulary import Vocabulary
from knowledge.yaml_source import KnowledgeError

_TABLE = """name,synonyms,codes,text
Grey star lung,GSL|star lung,ORPHA:900001,Lungs that shine at night after plankton.
Sailor's pneumopathy,tide lung|crazy paving|TLS|fluid disease,ORPHA:900002,Seen after long voyages.
Paving disease,PAVE|cobble lung,,The user's own remark on cobblestones.
Twin A,shared name|A1,,
Twin B,shared name,,
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return tmp_path / "sources"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(_TABLE)
    return path


@pytest.fixture
def entries(small_entries: Mapping[str, Entry]) -> dict[str, Entry]:
    cyst = small_entries["cyst-disease"]
    return {
        **small_entries,
        cyst.id: cyst.model_copy(update={"codes": Codes(orpha="ORPHA:900002")}),
    }


def _import(table: Path, sources: Path, **more: str) -> None:
    import_source(Wanted(kind="csv", path=table, **more), sources)


def _base(
    cache_dir: Path, entries: Mapping[str, Entry], vocabulary: Vocabulary, sources: Path
) -> KnowledgeBase:
    return KnowledgeBase(cache_dir, entries=entries, vocabulary=vocabulary, sources_dir=sources)


def test_a_source_says_what_it_was_made_from(table: Path, sources: Path) -> None:
    os.utime(table, (1_900_000_000, 1_900_000_000))
    _import(table, sources, licence="CC0")
    (made,) = read_manifests(sources)
    assert (made.name, made.kind, made.title, made.licence) == ("mine", "csv", "mine.csv", "CC0")
    assert made.version == "2030-03-17"  # the file's date: a table states no version
    digest = subprocess.run(
        [sys.executable, "-c", f"import hashlib; print(hashlib.sha256(open({str(table)!r}, 'rb')"
         ".read()).hexdigest())"], capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert made.sha256 == digest
    assert (made.diseases, made.synonyms, made.passages) == (5, 9, 5)
    assert made.skipped == {"synonym that several diseases bear": 2}


def test_importing_a_name_again_replaces_it_whole(table: Path, sources: Path) -> None:
    _import(table, sources)
    table.write_text("name\nOnly one\n")
    _import(table, sources)
    (made,) = read_manifests(sources)
    assert made.diseases == 1
    assert sorted(p.name for p in sources.iterdir()) == ["import.lock", "mine.sqlite"]


def test_a_failed_import_leaves_the_old_source_and_nothing_half_written(
    table: Path, sources: Path
) -> None:
    _import(table, sources)
    (sources / "importing-dead.sqlite").write_bytes(b"torn")
    before = (sources / "mine.sqlite").read_bytes()
    table.write_text('name,text\nGood,x\n"never closed,y\n')
    with pytest.raises(KnowledgeError, match="line 3"):
        _import(table, sources)
    assert (sources / "mine.sqlite").read_bytes() == before
    assert sorted(p.name for p in sources.iterdir()) == ["import.lock", "mine.sqlite"]


def test_removing_an_unknown_name_lists_what_is_there(table: Path, sources: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"no source 'x'.*nothing is imported"):
        remove_source(sources, "x")
    _import(table, sources)
    with pytest.raises(KnowledgeError, match=r"no source '\.\./mine'.*there are: mine"):
        remove_source(sources, "../mine")
    remove_source(sources, "mine")
    assert read_manifests(sources) == []


def test_a_broken_or_foreign_source_is_named_with_what_to_do(table: Path, sources: Path) -> None:
    _import(table, sources)
    (sources / "torn.sqlite").write_bytes(b"no database, but long enough to look like one" * 40)
    with pytest.raises(KnowledgeError, match=r"torn\.sqlite cannot be read.*remove torn"):
        read_manifests(sources)
    remove_source(sources, "torn")
    with sqlite3.connect(sources / "mine.sqlite") as base:
        base.execute("PRAGMA user_version = 99")
    base.close()
    with pytest.raises(KnowledgeError, match=r"format 99.*import it again"):
        read_manifests(sources)


@pytest.mark.parametrize("name", ["My notes", "../up", "-x", "a/b"])
def test_a_name_that_is_no_plain_word_is_refused(table: Path, sources: Path, name: str) -> None:
    with pytest.raises(KnowledgeError, match="small letters, digits and hyphens"):
        _import(table, sources, name=name)


def test_a_disease_that_the_corpus_lacks_is_found_by_name_synonym_and_words(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, table: Path,
    sources: Path,
) -> None:  # fmt: skip
    assert _first(cache_dir, entries, small_vocabulary, sources, "star lung") != "Grey star lung"
    _import(table, sources)
    base = _base(cache_dir, entries, small_vocabulary, sources)
    for query in ("Grey star lung", "GSL", "star lungs"):
        first = base.search(query)[0]
        assert (first.disease_id, first.facet) == ("mine-grey-star-lung", "imported")
        assert first.source == "imported/mine/mine-grey-star-lung/1"
        assert first.why[0] == "name 1"
    by_words = base.search("lungs shine after plankton")
    assert ("Grey star lung", ("words 1",)) in [(p.disease, p.why) for p in by_words]
    assert [p.score for p in by_words] == sorted((p.score for p in by_words), reverse=True)
    remove_source(sources, "mine")
    gone = _base(cache_dir, entries, small_vocabulary, sources)
    assert all(p.facet != "imported" for p in gone.search("Grey star lung"))


def _first(
    cache_dir: Path, entries: dict[str, Entry], vocabulary: Vocabulary, sources: Path, query: str
) -> str:
    return _base(cache_dir, entries, vocabulary, sources).search(query)[0].disease


def test_a_disease_that_the_corpus_has_becomes_names_and_passages_of_its_entry(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, table: Path,
    sources: Path,
) -> None:  # fmt: skip
    _import(table, sources)
    base = _base(cache_dir, entries, small_vocabulary, sources)
    # By code: the source's names lead to the entry, also inside a longer query.
    first = base.search("a tide lung with effusion")[0]
    assert first.disease_id == "cyst-disease"
    assert "name: tide lung" in first.why
    # By name: what the source says of it is a passage of the entry.
    said = [p for p in base.search("remark on cobblestones", limit=8) if p.facet == "imported"]
    assert [(p.disease_id, p.disease) for p in said] == [("paving-disease", "paving disease")]
    assert {p.disease_id for p in base.search("tide lung", limit=20)} <= {
        *entries, "mine-grey-star-lung", "mine-twin-a", "mine-twin-b"
    }  # fmt: skip


def test_an_acronym_names_an_entry_only_by_itself(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, table: Path,
    sources: Path,
) -> None:  # fmt: skip
    _import(table, sources)
    base = _base(cache_dir, entries, small_vocabulary, sources)
    assert "name: pave" in base.search("PAVE")[0].why
    assert not any("pave" in why for p in base.search("pave the way") for why in p.why)


def test_names_that_would_be_ambiguous_are_not_given_to_an_entry(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, table: Path,
    sources: Path,
) -> None:  # fmt: skip
    _import(table, sources)
    base = _base(cache_dir, entries, small_vocabulary, sources)
    (source,) = base.sources.all
    assert source.joined.skipped == {
        "is a finding of the vocabulary": 1,  # crazy paving
        "names another entry, or less than this one": 1,  # fluid disease
    }
    assert base.names[("fluid", "disease")] == "fluid-disease"
    assert ("crazy", "paving") not in base.names
    assert not any(w.startswith("name") for p in base.search("shared name") for w in p.why)


def test_a_name_does_not_join_what_codes_tell_apart(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, table: Path,
    sources: Path,
) -> None:  # fmt: skip
    table.write_text("name,codes\nCyst disease,ORPHA:900009\nFluid disease,ORPHA:900010\n")
    _import(table, sources)
    (source,) = _base(cache_dir, entries, small_vocabulary, sources).sources.all
    assert source.joined.entries == {"mine-fluid-disease": "fluid-disease"}


def test_imports_leave_the_order_of_the_corpus_and_the_ranking_alone(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, table: Path,
    sources: Path,
) -> None:  # fmt: skip
    query = "crazy paving after long voyages"
    before = _base(cache_dir, entries, small_vocabulary, sources).search(query)
    _import(table, sources)
    base = _base(cache_dir, entries, small_vocabulary, sources)
    after = base.search(query)
    assert [p for p in after if p.facet != "imported"] == before
    assert any(p.facet == "imported" for p in after)
    assert set(base.entries) == set(entries)  # what knowledge.ranking.rank ranks


def test_imported_passages_take_at_most_the_last_quarter_of_a_full_list(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, tmp_path: Path,
    sources: Path,
) -> None:  # fmt: skip
    many = tmp_path / "many.csv"
    many.write_text("name,text\n" + "".join(f"Disease {n},crazy paving\n" for n in range(30)))
    _import(many, sources)
    base = _base(cache_dir, entries, small_vocabulary, sources)
    found = base.search("crazy paving", limit=4, per_disease=3)
    assert [p.facet == "imported" for p in found] == [False, False, False, True]
    chosen = base.search("crazy paving", limit=1, disease_ids=["paving-disease"])
    assert [p.facet for p in chosen] == ["imaging"]


def test_filters_let_only_passages_of_entries_that_fit_through(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, table: Path,
    sources: Path,
) -> None:  # fmt: skip
    _import(table, sources)
    base = _base(cache_dir, entries, small_vocabulary, sources)
    found = base.search("Grey star lung cobblestones remark", system="thorax", limit=20)
    assert {p.disease_id for p in found if p.facet == "imported"} == {"paving-disease"}


def test_vectors_find_a_disease_by_meaning_and_only_where_they_were_asked_for(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, table: Path,
    sources: Path,
) -> None:  # fmt: skip
    query = "glowing lungs of a patient who swallowed luminous sea organisms"
    _import(table, sources)
    plain = _base(cache_dir, entries, small_vocabulary, sources).search(query)
    assert all(p.disease != "Grey star lung" for p in plain)
    made, _ = import_source(Wanted(kind="csv", path=table), sources, OnnxEncoder(cache_dir))
    assert made.encoder
    found = _base(cache_dir, entries, small_vocabulary, sources).search(query)
    assert any(p.disease == "Grey star lung" and "dense 1" in p.why for p in found)


def test_of_two_sources_that_name_one_disease_the_one_that_says_something_is_shown(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, tmp_path: Path,
    sources: Path,
) -> None:  # fmt: skip
    for name, text in (("a", ""), ("b", "Lungs that shine."), ("c", "")):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"name,text\nGrey star lung,{text}\n")
        _import(path, sources)
    found = _base(cache_dir, entries, small_vocabulary, sources).search("grey star lung")
    assert [p.source for p in found if p.facet == "imported"] == ["imported/b/b-grey-star-lung/1"]
    assert found[0].facet == "imported"


def test_any_query_is_only_words_to_a_source(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, table: Path,
    sources: Path,
) -> None:  # fmt: skip
    _import(table, sources)
    base = _base(cache_dir, entries, small_vocabulary, sources)
    for query in ('plankton" OR "x', "plankton* NEAR("):
        assert any(p.facet == "imported" for p in base.search(query))
    base.search("'; DROP TABLE name; --")
    assert base.search("GSL")[0].disease == "Grey star lung"
    long = "plankton " + " ".join(f"word{n}" for n in range(3000))
    assert all(p.facet != "imported" for p in base.search(long))  # one word of 3,001


def test_a_report_names_the_sources_with_version_and_licence(
    cache_dir: Path, entries: dict[str, Entry], small_vocabulary: Vocabulary, table: Path,
    sources: Path,
) -> None:  # fmt: skip
    assert "sources" not in _base(cache_dir, entries, small_vocabulary, sources).versions()
    os.utime(table, (1_900_000_000, 1_900_000_000))
    _import(table, sources, licence="CC0")
    said = _base(cache_dir, entries, small_vocabulary, sources).versions()
    assert said["sources"] == "mine 2030-03-17 (CC0)"
