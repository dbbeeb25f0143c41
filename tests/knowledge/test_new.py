"""The template of an entry: what it holds, what it refuses, and that a filled one passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knowledge.__main__ import main
from knowledge.check import check
from knowledge.checks.codes import Coded, Reference
from knowledge.entry import Entry
from knowledge.new import TEMPLATE, slug, write_template
from knowledge.yaml_source import KnowledgeError
from tests.knowledge.filled import copy_few, fill, stand_in

NAME = "Quillfeather's syndrome of the lung"
FILE = "quillfeathers-syndrome-of-the-lung.yaml"


@pytest.fixture(autouse=True)
def _few_entries(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path_factory.mktemp("knowledge"), monkeypatch)


def _template(folder: Path, reference: Reference | None = None) -> Path:
    write_template(NAME, "thorax", folder, reference)
    return folder / FILE


def test_the_template_holds_every_key_of_an_entry() -> None:
    text = TEMPLATE.read_text("utf-8").replace("${codes}", "codes: {}")
    keys = [line.split(":")[0] for line in text.splitlines() if re.match(r"\w+:", line)]
    assert keys == list(Entry.model_fields)


def test_an_unfilled_template_fails_with_a_line_for_each_todo(tmp_path: Path) -> None:
    result = check([_template(tmp_path)], None)
    todo = {p.key for p in result.problems if "TODO" in p.text}
    assert result.exit_code(strict=False) == 1
    assert {"rarity", "presentation", "findings.0.term", "mimics.1.difference"} <= todo
    assert {p.text for p in result.problems} == {"still says TODO; fill it in"}


def test_a_filled_template_passes(tmp_path: Path) -> None:
    path = fill(_template(tmp_path))
    result = check([path], None)
    assert [str(p) for p in result.problems if p.level != "note"] == []
    entry = result.corpus.entries["quillfeathers-syndrome-of-the-lung"]
    assert entry.name == NAME
    assert entry.provenance.review == "not reviewed by a radiologist"


def test_codes_of_exactly_this_name_are_filled_in(tmp_path: Path) -> None:
    reference = Reference(
        source="a table",
        coded={
            "ORPHA:1": Coded(names=("Other", "Quillfeather syndrome of lungs")),
            "ORPHA:2": Coded(names=("Other", NAME.lower())),
            "ORPHA:3": Coded(names=(NAME,), is_group=True),
            "MONDO:0000001": Coded(names=(NAME,)),
            "MONDO:0000002": Coded(names=("Alias", NAME)),
        },
    )
    text = _template(tmp_path, reference).read_text("utf-8")
    assert "codes: {orpha: ORPHA:2}" in text  # Mondo has the name twice: none of them is taken


@pytest.mark.parametrize("name", ["sarcoidosis", "Boeck's sarcoid"])
def test_a_known_name_or_synonym_is_refused_with_its_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        KnowledgeError, match=r"already there as 'Sarcoidosis' \(thorax/sarcoidosis\.yaml\)"
    ):
        write_template(name, "thorax", tmp_path, None)
    assert list(tmp_path.iterdir()) == []


def test_a_half_filled_file_of_the_corpus_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = copy_few(tmp_path / "corpus")
    monkeypatch.setattr("knowledge.new.CORPUS", few)
    write_template("First disease", "thorax", few / "thorax", None)
    write_template("Second disease", "thorax", few / "thorax", None)
    assert (few / "thorax" / "second-disease.yaml").is_file()


def test_an_installed_package_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.new.CORPUS", copy_few(tmp_path / "site" / "knowledge"))
    with pytest.raises(KnowledgeError, match="give --into FOLDER"):
        write_template(NAME, "thorax", None, None)


def test_in_a_checkout_the_file_goes_to_the_folder_of_its_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = copy_few(tmp_path / "knowledge" / "corpus")
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr("knowledge.new.CORPUS", corpus)
    write_template(NAME, "head and neck", None, None)
    assert (corpus / "head_neck" / FILE).is_file()


def test_near_names_of_the_corpus_are_shown(tmp_path: Path) -> None:
    shown = write_template("Lymphangioleiomyomatose", "thorax", tmp_path, None)
    assert "near: Lymphangioleiomyomatosis (thorax/lymphangioleiomyomatosis.yaml)" in shown


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = _template(tmp_path)
    path.write_text("mine", "utf-8")
    with pytest.raises(KnowledgeError, match="is there already"):
        _template(tmp_path)
    assert path.read_text("utf-8") == "mine"
    assert [p.name for p in tmp_path.iterdir()] == [FILE]


def test_an_unknown_system_is_refused_with_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", NAME, "--system", "chest", "--into", str(tmp_path)]) == 2
    assert "'chest' is no system; give one of abdomen, breast" in capsys.readouterr().err


def test_the_command_says_what_it_wrote_and_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOFBEAT_DATA", raising=False)
    assert main(["new", NAME, "--system", "head and neck", "--into", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert f"wrote {tmp_path / FILE}" in out
    assert f"python -m knowledge check {tmp_path / FILE}" in out
    assert "system: head and neck" in (tmp_path / FILE).read_text("utf-8")


def test_an_id_has_no_accents_apostrophes_or_marks() -> None:
    assert slug("Ménétrier's disease (type 2)") == "menetriers-disease-type-2"
    with pytest.raises(KnowledgeError, match="no letter"):
        slug("***")
