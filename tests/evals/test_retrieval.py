"""The retrieval figures, on the invented cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.case import Case
from evals.retrieval import main, measure
from evals.truth import Truth
from knowledge.search.retrieve import KnowledgeBase
from tests.evals.medpix_shaped import INVENTED, write_medpix_shaped
from tests.evals.two_entries import two_entries


@pytest.fixture
def knowledge(tmp_path: Path) -> KnowledgeBase:
    return two_entries(tmp_path)


def _case(*names: str) -> tuple[Case, Truth]:
    return Case(findings_text="Crazy paving."), Truth(primary=names[0], synonyms=names[1:])


def test_coverage_and_ranks_count_every_case(knowledge: KnowledgeBase) -> None:
    cases = [
        _case("paving disease"),
        _case("something else", "zebra sickness"),
        _case("a disease without an entry"),
    ]
    order = ["paving-disease", "cyst-disease"]
    result = measure(cases, knowledge, {"fixed": lambda case: order, "none": lambda case: []})
    assert result.covered == (True, True, False)
    assert result.by_name == (True, False, False)
    assert result.ranks == {"fixed": (1, 2, None), "none": (None, None, None)}


def test_the_command_prints_every_method_and_names_no_case(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    knowledge: KnowledgeBase,
) -> None:
    monkeypatch.setattr("evals.retrieval.open_knowledge", lambda _: knowledge)
    data = write_medpix_shaped(tmp_path / "set")
    assert main(["--data", str(data), "--split", "dev"]) == 0
    said = capsys.readouterr().out
    for method in ("words alone", "vectors alone", "hybrid search", "ranking by evidence"):
        assert method in said
    assert "coverage: 0/4" in said
    assert not any(case.id in said or case.title in said for case in INVENTED)


def test_a_folder_that_is_no_data_set_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    assert "takes a MedPix 2.0 folder" in capsys.readouterr().err
