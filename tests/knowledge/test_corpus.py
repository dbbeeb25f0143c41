"""The corpus that ships: it fits the schema, its links hold, its codes are what they say."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from knowledge.__main__ import main
from knowledge.entry import Entry, check_links, load_entries
from knowledge.vocabulary import load_vocabulary
from knowledge.words import forms
from knowledge.yaml_source import KnowledgeError, read_yaml


def test_every_entry_fits_and_every_link_holds() -> None:
    assert check_links(load_entries(), load_vocabulary().terms) == []


def test_there_are_sixty_thoracic_entries_and_most_are_rare() -> None:
    rarity = Counter(e.rarity for e in load_entries().values() if e.system == "thorax")
    assert rarity.total() >= 60
    assert rarity["rare"] > rarity.total() / 2


def test_there_are_150_terms_each_with_a_closed_question() -> None:
    terms = load_vocabulary().terms.values()
    assert len(terms) >= 150
    assert all(t.question.split()[0] in {"Is", "Are", "Does", "Do", "Has", "Have"} for t in terms)


def test_every_modality_an_entry_lists_is_one_of_its_term() -> None:
    vocabulary = load_vocabulary()
    wrong = [
        (entry.id, f.term, f.modality)
        for entry in load_entries().values()
        for f in entry.findings
        if f.modality not in vocabulary[f.term].modality
    ]
    assert wrong == []


def test_orphanet_codes_carry_the_name_of_the_entry(shared_data: Path) -> None:
    with (shared_data / "reference" / "orphanet.tsv").open(encoding="utf-8") as file:
        rows = {row["orpha"]: row for row in csv.DictReader(file, delimiter="\t")}
    wrong = []
    for entry in load_entries().values():
        if entry.codes.orpha is None:
            continue
        row = rows[entry.codes.orpha]
        theirs = {forms(n) for n in (row["name"], *row["synonyms"].split("|"))}
        if not theirs & {forms(n) for n in (entry.name, *entry.synonyms)}:
            wrong.append((entry.id, row["name"]))
    assert wrong == []


def test_a_syntax_error_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("id: x\nname: [unclosed\n", "utf-8")
    with pytest.raises(KnowledgeError, match=r"bad\.yaml, line 3"):
        read_yaml(tmp_path / "bad.yaml", Entry)


def test_a_value_that_does_not_fit_names_its_key(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("id: Not A Slug\n", "utf-8")
    with pytest.raises(KnowledgeError, match=r"bad\.yaml: id"):
        read_yaml(tmp_path / "bad.yaml", Entry)


def test_check_command_is_green_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert "0 faults" in capsys.readouterr().out
