"""What a tool takes and what the planner reads of its answer."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from langchain_core.messages import ToolMessage
from langgraph.prebuilt import InjectedState
from pydantic import Field, ValidationError

from tools import outcome
from tools.answers import Answer, answer_with, planner_tool, render
from tools.errors import ToolFailure
from tools.findings import Finding, Sighting

SEEN = Finding(
    term="lung-cysts", name="lung cysts", present=True, certainty=0.8, source="vision",
    backend="model", series="S1", slices=(3, 4), window="lung", side="bilateral",
    sightings=(Sighting(series="S1", window="lung", present=True, certainty=0.8, backend="model"),),
).model_dump()  # fmt: skip


def test_an_answer_is_compact_json_and_the_whole_outcome_beside_it() -> None:
    found = outcome(findings=[SEEN], note={"series": "S1"})
    content, artifact = answer_with(found)
    assert content == (
        '{"series":"S1","findings":[{"term":"lung-cysts","present":true,"certainty":0.8,'
        '"source":"vision","side":"bilateral","window":"lung","slices":[3,4]}]}'
    )
    assert artifact == found
    assert artifact["findings"][0]["sightings"]


def test_what_is_empty_is_left_out() -> None:
    assert render(outcome()) == "{}"
    assert render(outcome(note={"query": "cysts"})) == '{"query":"cysts"}'


def test_absent_and_unsure_are_no_empty_values() -> None:
    absent = SEEN | {"id": "F2", "present": False, "certainty": 0.0, "slices": ()}
    (shown,) = json.loads(render(outcome(findings=[absent])))["findings"]
    assert (shown["id"], shown["present"], shown["certainty"]) == ("F2", False, 0.0)
    assert "slices" not in shown


def test_a_passage_is_shown_without_its_source_and_score() -> None:
    passage = {
        "id": "P1", "disease_id": "lam", "disease": "LAM", "facet": "imaging", "text": "Cysts.",
        "source": "corpus/lam.yaml", "score": 0.4,
    }  # fmt: skip
    (shown,) = json.loads(render(outcome(passages=[passage])))["passages"]
    assert shown.keys() == {"id", "disease_id", "disease", "facet", "text"}


def test_words_stay_readable() -> None:
    told = SEEN | {"value": "≥ 3 mm, Müller"}
    assert "≥ 3 mm, Müller" in render(outcome(findings=[told]))


def test_an_outcome_is_a_copy() -> None:
    finding = dict(SEEN)
    found = outcome(findings=[finding])
    found["findings"][0]["id"] = "F1"
    assert finding["id"] == ""


def _slab(
    slices: Annotated[list[int], Field(description="1-based.")],
    state: Annotated[dict[str, Any], InjectedState],
    projection: Literal["mean", "maximum"] = "mean",
    thickness_mm: Annotated[float, Field(gt=0, le=30)] = 10.0,
) -> Answer:
    """Show a slab."""
    return answer_with(
        outcome(note={"got": [slices, projection, thickness_mm, state["case"]["id"]]})
    )


def _call(**arguments: Any) -> ToolMessage:
    message = planner_tool(_slab).invoke(
        {"name": "_slab", "id": "c1", "type": "tool_call", "args": arguments}
    )
    assert isinstance(message, ToolMessage)
    return message


STATE = {"case": {"id": "one"}}


def test_a_tool_takes_its_arguments_and_the_state() -> None:
    assert _call(slices=[1], state=STATE).content == '{"got":[[1],"mean",10.0,"one"]}'
    message = _call(slices=[2], projection="maximum", thickness_mm=5, state=STATE)
    assert message.artifact["note"]["got"] == [[2], "maximum", 5.0, "one"]


def test_the_planner_is_told_of_every_argument_but_the_state() -> None:
    tool = planner_tool(_slab)
    assert (tool.name, tool.description) == ("_slab", "Show a slab.")
    schema: Any = tool.tool_call_schema
    told = schema.model_json_schema()
    assert list(told["properties"]) == ["slices", "projection", "thickness_mm"]
    assert told["required"] == ["slices"]
    assert told["properties"]["slices"]["description"] == "1-based."
    assert told["properties"]["projection"]["enum"] == ["mean", "maximum"]


def test_an_unknown_argument_is_refused_with_what_is_taken() -> None:
    with pytest.raises(
        ToolFailure, match="_slab has no argument 'slice'; it takes slices, projection, thickness_m"
    ):
        _call(slices=[1], slice=3, state=STATE)


@pytest.mark.parametrize(
    ("arguments", "at", "said"),
    [
        ({}, ("slices",), "Field required"),
        ({"slices": 3}, ("slices",), "valid list"),
        ({"slices": [1, 2.5]}, ("slices", 1), "valid integer"),
        ({"slices": [1], "projection": "MIP"}, ("projection",), "'mean' or 'maximum'"),
        ({"slices": [1], "thickness_mm": 0}, ("thickness_mm",), "greater than 0"),
        ({"slices": [1], "thickness_mm": 31}, ("thickness_mm",), "less than or equal to 30"),
        ({"slices": [1], "thickness_mm": float("nan")}, ("thickness_mm",), "than"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_accepted(
    arguments: dict[str, Any], at: tuple[str | int, ...], said: str
) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        _call(**arguments, state=STATE)
    (wrong,) = caught.value.errors()
    assert wrong["loc"] == at
