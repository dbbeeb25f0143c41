"""What to ask next and where candidates differ: through the planner's tools, on the real corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.case import Case
from agent.run import start
from knowledge.ranking.trust import Trust
from knowledge.search.retrieve import KnowledgeBase
from tools import build_tools
from tools.errors import ToolFailure
from tools.findings import Finding
from tools.imaging.store import ArtifactStore
from tools.questions import capacity, next_questions, stable
from tools.workbench import Workbench

_CYSTIC = ("lymphangioleiomyomatosis", "pulmonary-langerhans-cell-histiocytosis")


@pytest.fixture(scope="module")
def bench(cache_dir: Path, shipped: KnowledgeBase) -> Workbench:
    return Workbench(store=ArtifactStore(cache_dir / "art"), knowledge=shipped)


def _finding(term: str, *, present: bool = True, number: int = 1) -> Finding:
    return Finding(
        id=f"F{number}", term=term, name=term, present=present, certainty=0.9, source="report",
        backend="text",
    )  # fmt: skip


def _case(**more: Any) -> dict[str, Any]:
    return Case(region="chest", modality="CT", **more).model_dump(mode="json")


def _call(bench: Workbench, name: str, findings: list[Finding], **arguments: Any) -> Any:
    tool = next(t for t in build_tools(bench) if t.name == name)
    state = {**start(Case()), "case": _case(), "findings": [f.model_dump() for f in findings]}
    return json.loads(tool.invoke({**arguments, "state": state}))


def test_the_next_question_splits_the_leading_candidates_and_repeats_nothing_known(
    bench: Workbench,
) -> None:
    cysts = _finding("thin-walled-cysts")
    found = next_questions(bench, [cysts], _case(), disease_ids=_CYSTIC, count=5)
    assert found.answerer == "person"
    assert found.stop == ""
    gains = [q.gain for q in found.questions]
    assert gains == sorted(gains, reverse=True)
    terms = {q.term.id for q in found.questions}
    assert not {"thin-walled-cysts", "lung-cysts"} & terms
    best = found.questions[0]
    assert best.modality == "CT"
    shares = [best.splits[d] for d in _CYSTIC]
    assert abs(shares[0] - shares[1]) > 0.2


def test_an_answer_is_not_asked_for_again(bench: Workbench) -> None:
    cysts = _finding("thin-walled-cysts")
    first = next_questions(bench, [cysts], _case(), disease_ids=_CYSTIC).questions[0].term.id
    told = [cysts, _finding(first, present=False, number=2)]
    again = next_questions(bench, told, _case(), disease_ids=_CYSTIC, count=9)
    assert first not in {q.term.id for q in again.questions}


def test_one_candidate_alone_leaves_nothing_to_ask(bench: Workbench) -> None:
    found = next_questions(bench, [], _case(), disease_ids=_CYSTIC[:1])
    assert found.questions == ()
    assert "nothing left to ask" in found.stop


def test_a_source_that_guesses_can_tell_nothing_and_one_that_knows_a_bit_an_answer() -> None:
    assert capacity(Trust(0.5, 0.5)) == pytest.approx(0)
    assert capacity(Trust(1.0, 1.0)) == pytest.approx(1, abs=1e-6)
    assert 0.03 < capacity(Trust(0.61, 0.61)) < 0.04


@pytest.mark.parametrize(
    ("leading", "is_stable"),
    [
        ([], False),
        ([["a", "b", "c"]] * 2, False),
        ([["a", "b", "c"], ["b", "a", "c"], ["a", "c", "b"]], True),
        ([["a", "b", "c"], ["a", "b", "d"], ["a", "b", "d"]], False),
        ([["x", "y", "z"], *[["a", "b", "c"]] * 3], True),
    ],
)
def test_the_leading_set_is_stable_after_two_rounds_whatever_its_order(
    leading: list[list[str]], is_stable: bool
) -> None:
    assert bool(stable(leading)) is is_stable


def test_a_comparison_shows_where_two_diseases_differ_and_what_is_unknown(
    bench: Workbench,
) -> None:
    cysts = _finding("thin-walled-cysts")
    read = _call(bench, "compare_diseases", [cysts], disease_ids=list(_CYSTIC))
    rows = {row["term"]: row for row in read["differences"]}
    assert set(read["still_unknown"]) == {t for t, row in rows.items() if row["case"] == "unknown"}
    listed = {f.term: f.frequency for f in bench.knowledge.entries[_CYSTIC[1]].findings}
    for term, row in rows.items():
        told = row["expected"][_CYSTIC[1]]
        assert (term in listed) is not str(told).startswith("not listed")
    assert read["still_unknown"]


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("compare_diseases", {"disease_ids": ["made-up", _CYSTIC[0]]}, "no entry 'made-up'"),
        ("compare_diseases", {"disease_ids": [_CYSTIC[0]] * 2}, "two to six different ids"),
        ("next_question", {"disease_ids": ["made-up"]}, "no entry 'made-up'"),
        ("next_question", {"windows": ["lung"]}, "has no argument 'windows'"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_to_do(
    bench: Workbench, name: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ToolFailure, match=said):
        _call(bench, name, [], **arguments)
