"""The corpus that ships: it covers radiology, and the check finds nothing wrong with it."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from knowledge.__main__ import main
from knowledge.entry import Entry, load_entries
from knowledge.vocabulary import load_vocabulary
from knowledge.yaml_source import KnowledgeError, read_yaml

COVERAGE = {
    "thorax": 230,
    "cardiovascular": 130,
    "neuro": 260,
    "head and neck": 120,
    "abdomen": 200,
    "genitourinary": 120,
    "musculoskeletal": 200,
    "spine": 60,
    "breast": 25,
}


def test_the_corpus_covers_radiology_and_most_of_it_is_rare() -> None:
    entries = load_entries().values()
    by_system = Counter(str(e.system) for e in entries)
    assert all(by_system[system] >= wanted for system, wanted in COVERAGE.items()), by_system
    assert len(entries) >= 1350
    assert sum(e.rarity == "rare" for e in entries) >= 750


def test_there_are_700_terms_each_with_a_closed_question() -> None:
    terms = load_vocabulary().terms.values()
    assert len(terms) >= 700
    assert all(t.question.split()[0] in {"Is", "Are", "Does", "Do", "Has", "Have"} for t in terms)


def test_a_syntax_error_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("id: x\nname: [unclosed\n", "utf-8")
    with pytest.raises(KnowledgeError, match=r"bad\.yaml, line 3"):
        read_yaml(tmp_path / "bad.yaml", Entry)


def test_a_value_that_does_not_fit_names_its_key(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("id: Not A Slug\n", "utf-8")
    with pytest.raises(KnowledgeError, match=r"bad\.yaml: id"):
        read_yaml(tmp_path / "bad.yaml", Entry)


@pytest.fixture(scope="module")
def checked() -> tuple[int, str, str]:
    """Exit code, output and errors of the strict check of everything."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = main(["check", "--strict"])
    return code, out.getvalue(), err.getvalue()


def test_check_command_is_green_and_counts(checked: tuple[int, str, str]) -> None:
    code, out, err = checked
    assert (code, err) == (0, "")
    assert f"{len(load_entries())} entries" in out
    assert "0 faults, 0 flags" in out


def test_codes_of_the_corpus_were_compared_with_the_real_tables(
    shared_data: Path, checked: tuple[int, str, str]
) -> None:
    compared = re.search(r"(\d+) ORPHA and (\d+) MONDO codes .* HOOFBEAT_DATA's tables", checked[1])
    assert compared
    assert min(map(int, compared.groups())) > 500
