"""Structured output: asked for by schema, and never taken from an answer that was cut off."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.utils.json import parse_partial_json
from pydantic import BaseModel

from agent.planner.gemini import GeminiPlanner
from agent.planner.gemini_errors import PlannerUnusable
from tests.gemini_server import KEY, GeminiServer, stream, text
from tests.gemini_ways import planner_for


class Diagnosis(BaseModel):
    name: str
    probability: float = 0.0


class Ranked(BaseModel):
    """A differential."""

    diagnoses: list[Diagnosis]


WHOLE = '{"diagnoses": [{"name": "LAM", "probability": 0.7}, {"name": "LCH"}]}'
CUT = WHOLE[:49]  # in the middle of the second line


def answer(server: GeminiServer, schema: Any = Ranked, *, is_stream: bool = False) -> Any:
    planner = planner_for(server)
    asked = planner.with_structured_output(schema)
    try:
        return list(asked.stream("rank"))[-1] if is_stream else asked.invoke("rank")
    finally:
        planner.close()


@pytest.mark.parametrize("is_stream", [False, True])
def test_an_answer_comes_as_an_instance_and_is_asked_for_by_schema(is_stream: bool) -> None:
    reply = stream(text(WHOLE[:20], finish=None), text(WHOLE[20:]))
    with GeminiServer([reply]) as server:
        ranked = answer(server, is_stream=is_stream)
    assert ranked == Ranked(
        diagnoses=[Diagnosis(name="LAM", probability=0.7), Diagnosis(name="LCH")]
    )
    asked = server.requests[0].body["generationConfig"]
    assert asked["responseMimeType"] == "application/json"
    assert asked["responseJsonSchema"] == Ranked.model_json_schema()


def test_a_lenient_parser_would_take_what_was_cut_off() -> None:
    assert Ranked.model_validate(parse_partial_json(CUT)).diagnoses[0].name == "LAM"


@pytest.mark.parametrize("is_stream", [False, True])
def test_an_answer_that_was_cut_off_is_asked_for_again(is_stream: bool) -> None:
    with GeminiServer([text(CUT, finish="MAX_TOKENS"), text(WHOLE)]) as server:
        assert len(answer(server, is_stream=is_stream).diagnoses) == 2
    assert "cut off" in str(server.requests[1].contents)


@pytest.mark.parametrize("whole", [CUT, WHOLE])
def test_an_answer_that_is_cut_off_twice_is_none_even_if_it_looks_whole(whole: str) -> None:
    cut = text(whole, finish="MAX_TOKENS")
    expected = pytest.raises(PlannerUnusable, match="cut off at the output limit")
    with GeminiServer([cut, cut]) as server, expected:
        answer(server)


@pytest.mark.parametrize(
    ("said", "told"), [(CUT, "Invalid JSON"), ('{"diagnoses": [{}]}', "diagnoses.0.name")]
)
def test_an_answer_that_does_not_fit_is_told_why_once(said: str, told: str) -> None:
    with GeminiServer([text(said), text(WHOLE)]) as server:
        assert len(answer(server).diagnoses) == 2
    assert told in str(server.requests[1].contents)
    with (
        GeminiServer([text(said), text(said)]) as server,
        pytest.raises(PlannerUnusable, match=told) as caught,
    ):
        answer(server)
    assert "LAM" not in str(caught.value)


def test_a_json_schema_gives_a_dict_with_its_required_fields() -> None:
    schema = {
        "title": "Answer",
        "type": "object",
        "properties": {"is_large": {"type": "boolean"}},
        "required": ["is_large"],
    }
    with GeminiServer([text("{}"), text('{"is_large": true}')]) as server:
        assert answer(server, schema) == {"is_large": True}
    assert "the field 'is_large' is missing" in str(server.requests[1].contents)


def test_the_raw_message_comes_along_when_asked_for() -> None:
    with GeminiServer([text(WHOLE)]) as server:
        planner = planner_for(server)
        both: Any = planner.with_structured_output(Ranked, include_raw=True).invoke("rank")
        planner.close()
    assert both["raw"].usage_metadata["input_tokens"] == 11
    assert (len(both["parsed"].diagnoses), both["parsing_error"]) == (2, None)


def test_what_is_no_schema_is_a_broken_contract() -> None:
    with pytest.raises(TypeError, match="pydantic model or a JSON schema"):
        GeminiPlanner(api_key=KEY).with_structured_output(int)
