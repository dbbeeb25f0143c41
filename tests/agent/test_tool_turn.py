"""A turn of tool calls: what the budget lets through, and what a measurement takes back."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolCall, ToolMessage

from agent.state import CaseState
from agent.submission import SUBMIT
from agent.tool_turn import (
    doing,
    refuted_by_measurement,
    taken_in,
    vision_cost,
    with_unique_ids,
    within_budget,
)
from knowledge.search.retrieve import KnowledgeBase
from tests.tools.imaging.chest_shapes import make_chest
from tools import outcome
from tools.findings import Finding
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore
from tools.imaging.volume import Volume
from tools.measured import findings_from_lungs
from tools.workbench import Workbench


def _call(name: str, call_id: str = "c1", **arguments: Any) -> ToolCall:
    return ToolCall(name=name, args=arguments, id=call_id, type="tool_call")


def _turn(*calls: ToolCall) -> AIMessage:
    return AIMessage("", tool_calls=list(calls))


@pytest.mark.parametrize(
    ("call", "cost"),
    [
        (_call("look", windows=["lung"]), 1),
        (_call("look", windows=["lung", "bone", "liver"]), 3),
        (_call("look", windows=["lung", "lung"]), 1),  # it is looked at once
        (_call("ask", terms=["lung-cysts", "bulla"]), 1),
        (_call("measure", what="lungs"), 0),
        (_call("search_knowledge", query="cysts"), 0),
        (_call("weigh_evidence"), 0),
    ],
)
def test_a_look_costs_a_call_a_window_and_what_needs_no_model_costs_nothing(
    call: ToolCall, cost: int
) -> None:
    assert vision_cost(call) == cost


@pytest.mark.parametrize("windows", [None, "lung", 5, [], {"lung": 1}])
def test_windows_of_a_wrong_type_cost_one_call_and_are_for_the_tool_to_refuse(
    windows: object,
) -> None:
    call = _call("look", windows=windows)
    assert vision_cost(call) == 1
    assert within_budget(_turn(call), vision_calls_left=1) == ([call], [])


def test_calls_run_in_order_until_the_vision_budget_is_spent() -> None:
    first, second = _call("look", "a", windows=["lung", "bone"]), _call("ask", "b", terms=["x"])
    third, free = _call("ask", "c", terms=["y"]), _call("measure", "d")
    allowed, refused = within_budget(_turn(first, second, third, free), vision_calls_left=3)
    assert allowed == [first, second, free]
    (no,) = refused
    assert (no.tool_call_id, no.name, no.status) == ("c", "ask", "error")
    assert no.content == "the vision budget is spent: submit with what there is"


def test_a_look_that_is_too_dear_leaves_the_budget_to_the_calls_after_it() -> None:
    dear = _call("look", "a", windows=["lung", "bone", "liver"])
    cheap = _call("look", "b", windows=["lung", "bone"])
    allowed, refused = within_budget(_turn(dear, cheap), vision_calls_left=2)
    assert allowed == [cheap]
    assert [no.content for no in refused] == [
        "3 windows, and the vision budget holds 2: name fewer"
    ]


def test_a_submission_beside_other_calls_waits_for_their_answers() -> None:
    search, submit = _call("search_knowledge", "a", query="cysts"), _call(SUBMIT, "b")
    allowed, refused = within_budget(_turn(search, submit), vision_calls_left=0)
    assert allowed == [search]
    assert [(no.tool_call_id, no.status) for no in refused] == [("b", "error")]
    assert "alone" in str(refused[0].content)


def test_calls_that_share_an_id_or_have_none_get_their_own() -> None:
    fine = _turn(_call("look", "a"), _call("look", "b"))
    assert with_unique_ids(fine) is fine
    shared = with_unique_ids(_turn(_call("look", "a"), _call("ask", "a")))
    assert [(c["name"], c["id"]) for c in shared.tool_calls] == [("look", "a-0"), ("ask", "a-1")]
    bare = with_unique_ids(_turn(_call("look", ""), _call("ask", "")))
    assert [c["id"] for c in bare.tool_calls] == ["call-0", "call-1"]


def _seen(term: str, **given: Any) -> dict[str, Any]:
    """A finding of the model in series S1, without its id unless given."""
    fields: dict[str, Any] = {
        "term": term, "name": term.replace("-", " "), "present": True, "certainty": 0.9,
        "source": "vision", "backend": "model", "series": "S1", "window": "lung", **given,
    }  # fmt: skip
    return Finding.model_validate(fields).model_dump(mode="json")


def test_findings_are_numbered_on_in_call_order_and_passages_keep_their_id() -> None:
    known = {"id": "P1", "source": "lam/imaging", "disease_id": "lam", "text": "Cysts."}
    state = CaseState(messages=[], findings=[_seen("bulla", id="F1")], passages=[known])
    news = {"source": "lch/imaging", "disease_id": "lch", "text": "Nodules."}
    answers = [
        ToolMessage("", tool_call_id="a", artifact=outcome(findings=[_seen("lung-cysts")])),
        ToolMessage("no series 'S9'", tool_call_id="b", status="error"),
        ToolMessage(
            "",
            tool_call_id="c",
            artifact=outcome(
                findings=[_seen("consolidation")], passages=[{**known, "id": ""}, news]
            ),
        ),
    ]
    messages, findings, passages = taken_in(state, answers)
    assert [(f["id"], f["term"]) for f in findings] == [
        ("F2", "lung-cysts"),
        ("F3", "consolidation"),
    ]
    assert [(p["id"], p["source"]) for p in passages] == [("P2", "lch/imaging")]
    assert [m.tool_call_id for m in messages] == ["a", "b", "c"]
    assert messages[1].content == "no series 'S9'"
    assert "F3" in str(messages[2].content)
    assert all(m.artifact is None for m in messages)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, shipped: KnowledgeBase) -> Workbench:
    return Workbench(store=ArtifactStore(tmp_path_factory.mktemp("store")), knowledge=shipped)


@pytest.fixture(scope="module")
def chest() -> Volume:
    """Two lungs of the same size at -860 HU without a hole: no side is small or dark."""
    return make_chest((5.0, 2.0, 2.0)).volume


@pytest.fixture(scope="module")
def series(bench: Workbench, chest: Volume) -> tuple[Series, Series]:
    """S1 and S2, of the same voxels."""
    slices, rows, columns = chest.voxels.shape
    ref = bench.store.put(chest)
    first, second = (
        Series(
            id=name, ref=ref, kind="volume", modality="CT", unit="HU", slices=slices, rows=rows,
            columns=columns, spacing_mm=chest.spacing_mm, thickness_mm=5.0, kernel="STANDARD",
        )
        for name in ("S1", "S2")
    )  # fmt: skip
    return first, second


@pytest.fixture(scope="module")
def measured(bench: Workbench, series: tuple[Series, Series]) -> list[dict[str, Any]]:
    """What the measurement of S1 found, as the case holds it."""
    found = findings_from_lungs(bench.lungs_of(series[0]), "S1")
    return [f.model_copy(update={"id": f"M{n}"}).model_dump() for n, f in enumerate(found)]


def _state(series: tuple[Series, Series], *findings: dict[str, Any]) -> CaseState:
    case = {"series": [one.model_dump(mode="json") for one in series]}
    return CaseState(messages=[], case=case, findings=list(findings))


def test_what_the_model_sees_after_the_measurement_excludes_it_is_marked_with_the_reason(
    bench: Workbench, series: tuple[Series, Series], measured: list[dict[str, Any]]
) -> None:
    new = [_seen("small-lung", id="F1", side="left"), _seen("bulla", id="F2")]
    (marked,) = refuted_by_measurement(_state(series, *measured), new, bench)
    assert "the left lung holds 0.85 of" in marked["refuted"]
    assert {**marked, "refuted": ""} == new[0]


def test_what_the_model_saw_before_the_measurement_is_marked_when_it_comes(
    bench: Workbench, series: tuple[Series, Series], measured: list[dict[str, Any]]
) -> None:
    before = _seen("unilateral-hyperlucent-lung", id="F1")
    (marked,) = refuted_by_measurement(_state(series, before), measured, bench)
    assert marked["id"] == "F1"
    assert "mean left -860 HU, right -860 HU" in marked["refuted"]


def test_what_is_marked_already_is_not_marked_again(
    bench: Workbench, series: tuple[Series, Series], measured: list[dict[str, Any]]
) -> None:
    before = _seen("small-lung", id="F1", side="left", refuted="the lungs are alike")
    assert refuted_by_measurement(_state(series, before), measured, bench) == []


def test_a_measurement_of_another_series_or_none_takes_nothing_back(
    bench: Workbench, series: tuple[Series, Series], measured: list[dict[str, Any]]
) -> None:
    elsewhere = _seen("small-lung", id="F1", side="left", series="S2")
    assert refuted_by_measurement(_state(series, *measured), [elsewhere], bench) == []
    here = _seen("small-lung", id="F1", side="left")
    assert refuted_by_measurement(_state(series), [here], bench) == []


def test_lung_without_air_in_the_report_keeps_a_small_lung_from_being_taken_back(
    bench: Workbench, series: tuple[Series, Series], measured: list[dict[str, Any]]
) -> None:
    told = _seen("consolidation", id="F1", source="report", backend="text", series="")
    new = [_seen("small-lung", id="F2", side="left")]
    assert refuted_by_measurement(_state(series, told, *measured), new, bench) == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            _call("look", windows=["soft-tissue", "bone"], series="S2"),
            "looking at soft tissue, bone of S2",
        ),
        (_call("ask", terms=["lung-cysts"]), "asking about lung cysts"),
        (_call("measure", what="region", series="S1"), "measuring the region of S1"),
        (_call("measure"), "measuring the lungs"),
        (_call("weigh_evidence"), "weighing the evidence"),
        (_call("look", windows=5), "looking at "),
    ],
)
def test_a_person_who_waits_reads_what_is_done(call: ToolCall, words: str) -> None:
    assert doing(call) == words
