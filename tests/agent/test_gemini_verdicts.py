"""Replies that arrive and still must not be used: filters, broken calls, cut answers."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.tools import tool

from agent.planner.gemini_errors import PlannerBlocked, PlannerUnusable
from tests.gemini_server import GeminiServer, Json, call, candidate, refused, stream, text
from tests.gemini_ways import TWO_WAYS, ask, planner_for

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class Aiohttp:DeprecationWarning")

SUBMIT = call("submit", {"differential": '[{"name": "pneum'}, call_id="c1")
NOTHING_AT_ALL: Json = {"usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4}}


@tool
def submit(differential: str) -> str:
    """Submit the differential."""
    return differential


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "OTHER"])
def test_a_filtered_answer_is_blocked_and_not_asked_for_again(reason: str, way: str) -> None:
    expected = pytest.raises(PlannerBlocked, match=rf"stopped its answer \({reason}\)")
    with GeminiServer([candidate(SUBMIT, finish=reason)]) as server, expected:
        ask(planner_for(server), "look", way, [submit])
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}}, "SAFETY"),
        ({"candidates": []}, "no reason given"),
        (NOTHING_AT_ALL, "no reason given"),
    ],
)
def test_a_blocked_prompt_or_no_candidate_is_one_line(reply: Json, why: str, way: str) -> None:
    expected = pytest.raises(PlannerBlocked, match=rf"blocked the prompt .*\({why}\)")
    with GeminiServer([reply]) as server, expected as caught:
        ask(planner_for(server), "look", way)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_filter_in_mid_stream_blocks_what_came_before(way: str) -> None:
    reply = stream(text("It is ", finish=None), candidate(finish="SAFETY"))
    with GeminiServer([reply]) as server, pytest.raises(PlannerBlocked, match="SAFETY"):
        ask(planner_for(server), "look", way)


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (candidate(finish="MALFORMED_FUNCTION_CALL"), "MALFORMED_FUNCTION_CALL"),
        (candidate(SUBMIT, finish="UNEXPECTED_TOOL_CALL"), "UNEXPECTED_TOOL_CALL"),
        (candidate(SUBMIT, finish="MAX_TOKENS"), "cut off at the output limit"),
        (candidate(finish="STOP"), "was empty"),
    ],
)
def test_a_slip_is_told_to_the_model_once_and_both_turns_are_paid(
    reply: Json, told: str, way: str
) -> None:
    with GeminiServer([reply, text("Better.")]) as server:
        message = ask(planner_for(server), "look", way, [submit])
    assert message.text == "Better."
    assert message.tool_calls == []
    assert message.usage_metadata is not None
    assert message.usage_metadata["input_tokens"] == 22  # 11 for each of the two turns
    words = [part["text"] for part in server.requests[1].contents[0]["parts"]]
    assert words[0] == "look"
    assert told in words[1]


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("MAX_TOKENS", r"raise max_output_tokens \(now 64\)"),
        ("MALFORMED_FUNCTION_CALL", "cannot be used"),
    ],
)
def test_a_second_slip_is_unusable(reason: str, says: str, way: str) -> None:
    expected = pytest.raises(PlannerUnusable, match=says)
    with GeminiServer([candidate(SUBMIT, finish=reason)] * 2) as server, expected:
        ask(planner_for(server, max_output_tokens=64), "look", way, [submit])
    assert len(server.requests) == 2


CUT_SUBMISSION = stream(
    text("I submit.", finish=None),
    candidate(SUBMIT, finish=None),
    candidate(finish="MAX_TOKENS"),
)


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_slip_after_shown_text_is_repaired_and_the_shown_text_stands(way: str) -> None:
    whole = call("submit", {"differential": "short"}, call_id="c2", signature="c2lnbmVk")
    mended = stream(text("Shorter.", finish=None), candidate(whole))
    with GeminiServer([CUT_SUBMISSION, mended, text("Done.")]) as server:
        message = ask(planner_for(server), "look", way, [submit])
        assert message.text == "I submit.\n\nShorter."
        assert [c["args"] for c in message.tool_calls] == [{"differential": "short"}]
        # The turn goes back as it came, without the words of the one that was not used; the server
        # refuses a signed turn that was changed.
        history = [HumanMessage("look"), message, ToolMessage("taken", tool_call_id="c2")]
        assert ask(planner_for(server), history, way, [submit]).text == "Done."
    assert "cut off at the output limit" in str(server.requests[1].contents)
    assert "I submit." not in str(server.requests[2].contents)


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_second_slip_in_a_stream_is_unusable_and_its_call_is_never_seen(way: str) -> None:
    expected = pytest.raises(PlannerUnusable, match="output limit")
    with GeminiServer([CUT_SUBMISSION, CUT_SUBMISSION]) as server, expected:
        ask(planner_for(server), "look", way, [submit])
    assert len(server.requests) == 2


def test_no_chunk_of_an_unfinished_turn_carries_a_call() -> None:
    seen: list[tuple[str, list[ToolCall]]] = []
    with GeminiServer([CUT_SUBMISSION, CUT_SUBMISSION]) as server:
        planner = planner_for(server)
        chunks = planner.bind_tools([submit]).stream("look")
        with pytest.raises(PlannerUnusable):
            seen.extend((str(chunk.text), chunk.tool_calls) for chunk in chunks)
        planner.close()
    assert seen == [("I submit.", []), ("\n\nI submit.", [])]


@pytest.mark.parametrize("way", TWO_WAYS)
def test_a_repair_after_tool_results_comes_in_a_turn_of_its_own(way: str) -> None:
    made = ToolCall(name="submit", args={"differential": "x"}, id="c1", type="tool_call")
    history = [
        HumanMessage("look"),
        AIMessage("", tool_calls=[made]),
        ToolMessage("claim 2 cites nothing", tool_call_id="c1", status="error"),
    ]
    slip = candidate(finish="MALFORMED_FUNCTION_CALL")
    with GeminiServer([slip, text("Better.")]) as server:
        assert ask(planner_for(server), history, way, [submit]).text == "Better."
    assert [content["role"] for content in server.requests[1].contents] == [
        "user",
        "model",
        "user",
        "user",
    ]


def test_a_faulty_service_and_a_slip_in_one_turn_both_heal() -> None:
    slip = candidate(finish="MALFORMED_FUNCTION_CALL")
    with GeminiServer([refused(503, "UNAVAILABLE"), slip, text("Better.")]) as server:
        assert ask(planner_for(server), "look", "invoke").text == "Better."


@pytest.mark.parametrize("way", TWO_WAYS)
def test_vertex_says_what_was_malformed_and_the_model_is_told(way: str) -> None:
    slip = candidate(finish="MALFORMED_FUNCTION_CALL", finishMessage="call:submt{")
    with GeminiServer([slip, text("Better.")]) as server:
        ask(planner_for(server, vertexai=True), "look", way)
    assert "call:submt{" in server.requests[1].contents[0]["parts"][1]["text"]
