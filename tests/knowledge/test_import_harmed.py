"""Inputs that are harmed, odd or not what they should be: told in one line, never a traceback."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from knowledge.__main__ import main
from knowledge.importers.log import ImportLog
from knowledge.importers.mondo import read_mondo
from knowledge.importers.notes import read_notes
from knowledge.importers.orphanet import read_orphanet
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError


def _orphanet(path: Path) -> tuple[list[ImportedDisease], ImportLog]:
    log = ImportLog()
    return list(read_orphanet(path, log)), log


def _packet(**more: Any) -> str:
    return json.dumps({"Orphapacket": {"ORPHAcode": 5, "Label": "Grey star lung", **more}})


def test_the_empty_end_of_a_row_of_a_spreadsheet_may_be_missing(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook(write_only=True)  # which does not say how wide the sheet is
    sheet = book.create_sheet("list")
    sheet.append(["orphaCode", "label", "type of label", "classification level"])
    sheet.append(["5", "Grey star lung", "main name", "Disorder"])
    sheet.append(["6", "Blue star lung"])
    book.save(tmp_path / "List.xlsx")
    found, log = _orphanet(tmp_path / "List.xlsx")
    assert [disease.id for disease in found] == ["orpha-5"]
    assert log.skipped == {"no main name": 1}


@pytest.mark.parametrize(
    "odd",
    [
        {"DisorderType": "Disease"},
        {"creationDate": None},
        {"ExternalReferences": ["x"]},
        {"ExternalReferences": {"ExternalReference": "x"}},
        {"TextSection": "x"},
        {"Synonyms": 5},
    ],
)
def test_a_packet_with_an_odd_part_is_read_without_it(tmp_path: Path, odd: dict[str, Any]) -> None:
    (tmp_path / "a.json").write_text(_packet(**odd), "utf-8")
    (disease,), _ = _orphanet(tmp_path)
    assert disease.name == "Grey star lung"


@pytest.mark.parametrize("text", [_packet(Label="  "), _packet(ORPHAcode="x"), '{"a":' * 100_000])
def test_a_file_that_is_no_packet_is_left_out_and_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, "utf-8")
    (tmp_path / "b.json").write_text(_packet(), "utf-8")
    found, log = _orphanet(tmp_path)
    assert len(found) == 1
    assert log.lines() == ["file is no ORPHApacket (1: a.json)"]


@pytest.mark.parametrize(
    ("encrypted", "told"), [(True, "is encrypted; unpack"), (False, "a damaged one .* again")]
)
def test_a_zip_that_cannot_be_unpacked_says_so(tmp_path: Path, encrypted: bool, told: str) -> None:
    path = tmp_path / "packets.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", _packet(filler="star " * 500))
    harmed = bytearray(path.read_bytes())
    if encrypted:  # the flag of the member, in its header and in the directory
        harmed[6] |= 1
        harmed[harmed.find(b"PK\x01\x02") + 8] |= 1
    else:
        harmed[40:48] = b"\xff" * 8
    path.write_bytes(harmed)
    with pytest.raises(KnowledgeError, match=told):
        _orphanet(path)


def test_a_term_whose_id_is_no_number_is_left_out_and_named(tmp_path: Path) -> None:
    terms = "".join(f"\n[Term]\nid: MONDO:{one}\nname: x\n" for one in ("a b/..", "7"))
    (tmp_path / "m.obo").write_text(f"format-version: 1.2\n{terms}", "utf-8")
    log = ImportLog()
    assert [disease.id for disease in read_mondo(tmp_path / "m.obo", log)] == ["mondo-7"]
    assert log.lines() == ["id that is no number (1: line 3)"]


def test_front_matter_with_a_date_that_is_none_is_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ndate: 2020-99-99\n---\n# Grey star lung", "utf-8")
    (tmp_path / "b.md").write_text("# Blue star lung", "utf-8")
    log = ImportLog()
    assert [disease.name for disease in read_notes(tmp_path, log)] == ["Blue star lung"]
    assert log.skipped == {"front matter is no YAML": 1}


def test_a_folder_is_no_obo_file(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"is no file; give the \.obo"):
        list(read_mondo(tmp_path, ImportLog()))


def test_sources_that_cannot_be_written_end_with_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources, table = tmp_path / "sources", tmp_path / "mine.csv"
    sources.write_text("a file, where a folder has to be", "utf-8")
    table.write_text("name\nGrey star lung\n", "utf-8")
    assert main(["--sources-dir", str(sources), "import", "csv", str(table)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("knowledge: import could not read or write: ")
    assert str(sources) in line
