"""Orphanet's spreadsheets and ORPHApackets, from small files in upstream's format."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from knowledge.importers.log import ImportLog
from knowledge.importers.orphanet import read_orphanet
from knowledge.importers.run import Wanted, import_source
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError

_LIST = ("ORPHAcode", "Label", "Type of label", "Classification level")
_INACTIVE = (
    "Inactive ORPHAcode ", "Inactive Label", "Type of label", "Classification level", "Status",
    "Target active ORPHAcode", "Target active label",
)  # fmt: skip


def _workbook(path: Path, sheets: dict[str, list[tuple[Any, ...]]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def _read(path: Path) -> tuple[dict[str, ImportedDisease], ImportLog]:
    log = ImportLog()
    return {d.id: d for d in read_orphanet(path, log)}, log


def test_the_list_gives_disorders_and_subtypes_with_the_synonyms_of_all_their_rows(
    tmp_path: Path,
) -> None:
    path = _workbook(
        tmp_path / "List.xlsx",
        {
            "Read_me": [
                (None,),
                (None, "List of all rare diseases of the nomenclature - May 2031 release"),
            ],
            "List_active": [
                _LIST,
                ("ORPHA:900002", "Ash bone", "Main name", "Subtype of disorder"),
                ("ORPHA:900001", "GSL", "Synonym", "Disorder"),
                ("ORPHA:900003", "Grey group", "Main name", "Group of disorders"),
                ("ORPHA:900001", "Grey star lung", "Main name", "Disorder"),
                ("ORPHA:900003", "Greys", "Synonym", "Group of disorders"),
                ("ORPHA:900001", "Star lung", "Synonym", "Disorder"),
                (None, None, None, None),
            ],
            "List_by_code": [
                _LIST,
                ("ORPHA:900001", "Grey star lung", "Main name", "Disorder"),
            ],
            "List_deprecated": [
                _INACTIVE,
                ("ORPHA:900008", "X", "Main name", "Disorder", "Deprecated", "ORPHA:1", "Y"),
                ("ORPHA:900009", "Z", "Main name", "Disorder", "Obsolete", None, None),
            ],
        },
    )
    found, log = _read(path)
    assert found == {
        "orpha-900002": ImportedDisease(
            id="orpha-900002", name="Ash bone", codes=("ORPHA:900002",)
        ),
        "orpha-900001": ImportedDisease(
            id="orpha-900001",
            name="Grey star lung",
            synonyms=("GSL", "Star lung"),
            codes=("ORPHA:900001",),
        ),
    }
    assert log.upstream is not None
    assert (log.upstream.name, log.upstream.version) == ("orphanet", "May 2031 release")
    assert log.skipped == {
        "group of disorders, no diagnosis": 1,
        "deprecated code": 1,
        "obsolete code": 1,
    }


def test_the_master_file_gives_icd_codes_and_numbers_without_a_prefix(tmp_path: Path) -> None:
    path = _workbook(
        tmp_path / "Master.xlsx",
        {
            "ICD10": [
                ("ORPHAcode", "PreferredTerm", "Synonyms", "ICDcodes"),
                (900001, "Grey star lung", None, "J99.9"),
                ("900001", "Grey star lung", "Star lung", None),
            ],
            "ICD11": [
                ("ORPHAcode", "PreferredTerm", "Synonyms", "ICD-11 MMS codes", "ICD-11 URI"),
                ("900001", "Grey star lung", None, "CB99", "1"),
            ],
        },
    )
    found, log = _read(path)
    assert found["orpha-900001"].codes == ("ORPHA:900001", "ICD-10:J99.9", "ICD-11:CB99")
    assert found["orpha-900001"].synonyms == ("Star lung",)
    assert log.upstream is not None
    assert log.upstream.name == "orphanet-master"  # beside the list, not over it


def test_a_workbook_of_something_else_names_its_sheets_and_what_is_accepted(
    tmp_path: Path,
) -> None:
    path = _workbook(tmp_path / "other.xlsx", {"Rota": [("Day", "Who"), (1, "x")]})
    with pytest.raises(KnowledgeError, match=r"orphacode, label.*its sheets: Rota: day, who"):
        _read(path)


def test_a_torn_workbook_is_an_error_and_not_a_traceback(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    path = tmp_path / "torn.xlsx"
    path.write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(KnowledgeError, match=r"torn\.xlsx is no \.xlsx workbook"):
        _read(path)


def test_without_openpyxl_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "list.xlsx").write_bytes(b"")
    with pytest.raises(KnowledgeError, match="pip install openpyxl"):
        _read(tmp_path / "list.xlsx")


def _packet(number: int, label: str, kind: str = "Disease", **more: Any) -> str:
    return json.dumps(
        {
            "Orphapacket": {
                "version": "9.9 [2031-03-03]",
                "creationDate": "2031-04-05 10:00:00",
                "ORPHAcode": str(number),
                "Label": label,
                "DisorderType": {"value": kind},
                **more,
            }
        }
    )


@pytest.fixture
def packets(tmp_path: Path) -> Path:
    folder = tmp_path / "packets"
    folder.mkdir()
    reference = {
        "Source": "OMIM",
        "Reference": "900002",
        "DisorderMappingRelation": "E (Exact mapping: the two concepts are equivalent)",
    }
    wider = {**reference, "Reference": "900003", "DisorderMappingRelation": "BTNT (broader)"}
    (folder / "a.json").write_text(
        _packet(
            900001,
            "Grey star lung",
            Synonyms=[{"Synonym": "GSL"}, {"Synonym": ["Star lung", "Starry lung"]}],
            ExternalReferences=[{"ExternalReference": reference}, {"ExternalReference": wider}],
            TextSection={"TextSectionType": "Definition", "Contents": "Stars &#8804; 3 mm."},
        )
    )
    (folder / "b.json").write_text(_packet(900004, "Ash bone", ExternalReferences=[reference]))
    (folder / "c.json").write_text(_packet(900005, "Greys", "Category"))
    (folder / "d.json").write_text("{torn")
    (folder / "e.json").write_text(json.dumps({"Orphapacket": {"Label": "no code"}}))
    return folder


def test_packets_give_definitions_and_only_the_codes_that_are_exact(packets: Path) -> None:
    found, log = _read(packets)
    assert found["orpha-900001"] == ImportedDisease(
        id="orpha-900001",
        name="Grey star lung",
        synonyms=("GSL", "Star lung", "Starry lung"),
        codes=("ORPHA:900001", "OMIM:900002"),
        texts=("Stars \N{LESS-THAN OR EQUAL TO} 3 mm.",),
    )
    assert found["orpha-900004"].codes == ("ORPHA:900004", "OMIM:900002")
    assert set(found) == {"orpha-900001", "orpha-900004"}
    assert log.skipped == {
        "group of disorders, no diagnosis": 1,
        "file is no ORPHApacket": 2,
    }
    assert log.places["file is no ORPHApacket"] == ["d.json", "e.json"]
    assert log.upstream is not None
    assert log.upstream.version == "9.9 [2031-03-03], 2031-04-05"


def test_packets_in_a_zip_are_the_same_packets(packets: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "packets.zip", "w") as archive:
        for file in packets.iterdir():
            archive.write(file, f"json/{file.name}")
    assert _read(tmp_path / "packets.zip")[0] == _read(packets)[0]
    assert set(_read(packets / "b.json")[0]) == {"orpha-900004"}


def test_a_spreadsheet_beside_packets_is_named_and_not_read(packets: Path) -> None:
    (packets / "list.xlsx").write_bytes(b"")
    found, log = _read(packets)
    assert set(found) == {"orpha-900001", "orpha-900004"}
    reason = "spreadsheet beside the packets: import it by its own path"
    assert log.places[reason] == ["list.xlsx"]


def test_a_path_that_holds_neither_says_what_is_accepted(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"\.xlsx.*ORPHApackets as a folder"):
        _read(tmp_path)


def test_a_folder_of_groups_only_is_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(_packet(900005, "Greys", "Clinical group"))
    with pytest.raises(KnowledgeError, match=r"no disease to import: group of disorders"):
        import_source(Wanted(kind="orphanet", path=tmp_path), tmp_path / "sources")
    assert not list(tmp_path.glob("sources/*.sqlite"))
