"""GeminiPlanner over the real google-genai client, against a local server."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import InjectedToolArg, tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode, tools_condition

from agent.planner.gemini import GeminiPlanner
from tests.gemini_server import (
    KEY,
    GeminiServer,
    Request,
    Scripted,
    call,
    candidate,
    stream,
    text,
)
from tests.gemini_ways import TWO_WAYS, WAYS, ask, planner_for

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class Aiohttp:DeprecationWarning")

# Holds the characters that differ between the two base64 alphabets.
SIGNATURE = base64.b64encode(bytes(range(240, 256)) * 3).decode()


@tool
def search(term: str) -> str:
    """Search for a term."""
    return f"about {term}"


def both_calls() -> list[dict[str, Any]]:
    return [
        call("search", {"term": "liver"}, call_id="c1", signature=SIGNATURE),
        call("search", {"term": "spleen"}, call_id="c2"),
    ]


@pytest.mark.parametrize("way", WAYS)
def test_text_arrives_with_usage_and_where_it_came_from(way: str) -> None:
    with GeminiServer([stream(text("Large ", finish=None), text("liver."))]) as server:
        message = ask(planner_for(server, model="gemini-x"), "look", way)
    assert message.text == "Large liver."
    assert message.usage_metadata is not None
    assert message.usage_metadata["input_tokens"] == 11
    assert message.usage_metadata["output_tokens"] == 5
    assert message.response_metadata == {
        "finish_reason": "STOP",
        "model_name": "gemini-x",
        "model_version": "gemini-test-001",
    }
    assert server.requests[0].path.startswith("/v1beta/models/gemini-x:")


@pytest.mark.parametrize("way", WAYS)
def test_parallel_calls_of_one_function_round_trip_with_ids_and_signatures(way: str) -> None:
    # The server refuses a changed signature and answers that are out of order.
    first, second = both_calls()
    turn = stream(
        candidate({"text": "I look.", "thoughtSignature": SIGNATURE}, finish=None),
        candidate(first, finish=None),
        candidate(second),
    )
    with GeminiServer([turn, text("Both large.")]) as server:
        message = ask(planner_for(server), "look", way, [search])
        assert [(c["id"], c["args"]["term"]) for c in message.tool_calls] == [
            ("c1", "liver"),
            ("c2", "spleen"),
        ]
        results = [
            ToolMessage("spleen large", tool_call_id="c2"),
            ToolMessage("liver large", tool_call_id="c1"),
        ]
        # As a checkpoint would bring it back.
        stored = AIMessage(**json.loads(message.model_dump_json(exclude={"type"})))
        history = [HumanMessage("look"), stored, *results]
        assert ask(planner_for(server), history, way, [search]).text == "Both large."
    sent = server.requests[1].contents
    assert [len(content["parts"]) for content in sent] == [1, 3, 2]
    assert sent[2]["parts"][0]["functionResponse"]["response"] == {"result": "liver large"}


@pytest.mark.parametrize("way", TWO_WAYS)
def test_ids_are_made_up_the_same_each_time_and_stay_off_the_wire(way: str) -> None:
    twice = [call("search", {"term": "liver"}), call("search", {"term": "liver"})]
    with GeminiServer([candidate(*twice), candidate(*twice), text("done")]) as server:
        one, two = (ask(planner_for(server), "look", way, [search]) for _ in range(2))
        ids = [c["id"] for c in one.tool_calls]
        assert ids == [c["id"] for c in two.tool_calls]
        assert len(set(ids)) == 2
        results = [ToolMessage("x", tool_call_id=str(call_id)) for call_id in ids]
        ask(planner_for(server), [HumanMessage("look"), one, *results], way)
    assert "id" not in server.requests[2].contents[2]["parts"][0]["functionResponse"]


def test_a_stream_shows_text_as_it_comes_and_calls_only_at_its_end() -> None:
    first, second = both_calls()
    reply = stream(
        text("I ", finish=None),
        candidate(first, finish=None),
        text("look.", finish=None),
        candidate(second),
    )
    with GeminiServer([reply]) as server:
        planner = planner_for(server)
        chunks = list(planner.bind_tools([search]).stream("look"))
        planner.close()
    assert [str(chunk.text) for chunk in chunks] == ["I ", "look.", ""]
    assert [len(chunk.tool_calls) for chunk in chunks] == [0, 0, 2]
    last = chunks[-1]
    assert isinstance(last, AIMessageChunk)
    assert last.chunk_position == "last"
    assert last.usage_metadata is not None


@pytest.mark.parametrize("way", TWO_WAYS)
def test_thoughts_are_kept_apart_from_the_answer(way: str) -> None:
    reply = stream(
        candidate({"text": "Is it ", "thought": True}, finish=None),
        candidate({"text": "large?", "thought": True}, finish=None),
        candidate({"text": "Large."}),
    )
    with GeminiServer([reply]) as server:
        planner = planner_for(server, include_thoughts=True, thinking_level="low")
        message = ask(planner, "look", way)
    assert message.text == "Large."
    assert message.additional_kwargs["reasoning_content"] == "Is it large?"
    assert {"type": "reasoning", "reasoning": "Is it large?"} in message.content_blocks
    thinking = server.requests[0].body["generationConfig"]["thinkingConfig"]
    assert thinking == {"include_thoughts": True, "thinking_level": "LOW"}


@pytest.mark.parametrize("way", TWO_WAYS)
def test_usage_counts_thinking_as_output_and_names_what_was_cached(way: str) -> None:
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 30,
        "totalTokenCount": 150,
    }
    with GeminiServer([{**text("x"), "usageMetadata": usage}]) as server:
        message = ask(planner_for(server), "look", way)
    assert message.usage_metadata == {
        "input_tokens": 100,
        "output_tokens": 50,
        "total_tokens": 150,
        "input_token_details": {"cache_read": 60},
        "output_token_details": {"reasoning": 30},
    }


def test_injected_arguments_do_not_reach_the_declared_schema() -> None:
    @tool
    def measure(
        slice_number: int,
        state: Annotated[dict[str, Any], InjectedState],
        store: Annotated[object, InjectedToolArg],
    ) -> str:
        """Measure on a slice."""
        return ""

    with GeminiServer([text("x")]) as server:
        ask(planner_for(server), "look", "invoke", [measure])
    declared = server.requests[0].body["tools"][0]["functionDeclarations"][0]
    assert declared["name"] == "measure"
    assert declared["description"] == "Measure on a slice."
    assert declared["parameters_json_schema"]["properties"] == {"slice_number": {"type": "integer"}}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("any", {"mode": "ANY"}),
        ("required", {"mode": "ANY"}),
        ("none", {"mode": "NONE"}),
        ("search", {"mode": "ANY", "allowedFunctionNames": ["search"]}),
    ],
)
def test_tool_choice_is_a_mode_or_one_name(choice: str, sent: dict[str, Any]) -> None:
    with GeminiServer([text("x")]) as server:
        planner = planner_for(server)
        planner.bind_tools([search], tool_choice=choice).invoke("look")
        planner.close()
    assert server.requests[0].body["toolConfig"] == {"functionCallingConfig": sent}


def test_a_tool_choice_that_names_no_tool_is_a_broken_contract() -> None:
    with pytest.raises(ValueError, match="tool_choice must be one of"):
        GeminiPlanner(api_key=KEY).bind_tools([search], tool_choice="serach")


def test_settings_and_system_instruction_are_sent() -> None:
    with GeminiServer([text("x")]) as server:
        planner = planner_for(server, temperature=0.0, seed=7, max_output_tokens=99, timeout_s=30)
        planner.invoke([("system", "You plan."), ("human", "look")], stop=["END"])
        planner.close()
    request = server.requests[0]
    assert request.body["generationConfig"] == {
        "temperature": 0.0,
        "seed": 7,
        "maxOutputTokens": 99,
        "stopSequences": ["END"],
    }
    assert request.body["systemInstruction"]["parts"] == [{"text": "You plan."}]
    assert request.headers["x-server-timeout"] == "30"


def slow_reply(request: Request) -> Scripted:
    return stream(text(request.contents[0]["parts"][0]["text"]), stall_s=0.2)


def test_a_hundred_asynchronous_calls_do_not_queue() -> None:
    async def all_at_once(planner: GeminiPlanner) -> list[str]:
        answers = await asyncio.gather(*(planner.ainvoke(str(n)) for n in range(100)))
        await planner.aclose()
        return [str(answer.text) for answer in answers]

    with GeminiServer(slow_reply) as server:
        start = time.monotonic()
        answers = asyncio.run(all_at_once(planner_for(server)))
    assert answers == [str(n) for n in range(100)]
    assert time.monotonic() - start < 10  # one after the other: 20 s


def test_a_hundred_threads_do_not_queue() -> None:
    with GeminiServer(slow_reply) as server, ThreadPoolExecutor(100) as threads:
        planner = planner_for(server)
        start = time.monotonic()
        answers = list(threads.map(lambda n: str(planner.invoke(str(n)).text), range(100)))
        planner.close()
    assert answers == [str(n) for n in range(100)]
    assert time.monotonic() - start < 10


def test_the_planner_drives_a_graph_with_parallel_tools() -> None:
    with GeminiServer([candidate(*both_calls()), text("Both large.")]) as server:
        planner = planner_for(server)
        model = planner.bind_tools([search])

        def plan(state: MessagesState) -> dict[str, Any]:
            return {"messages": [model.invoke(state["messages"])]}

        graph = StateGraph(MessagesState)
        graph.add_node("plan", plan)
        graph.add_node("tools", ToolNode([search]))
        graph.add_edge(START, "plan")
        graph.add_conditional_edges("plan", tools_condition)
        graph.add_edge("tools", "plan")
        final = graph.compile().invoke({"messages": [HumanMessage("look")]})
        planner.close()
    assert [message.type for message in final["messages"]] == ["human", "ai", "tool", "tool", "ai"]
    sent = server.requests[1].contents[2]["parts"]
    assert [part["functionResponse"]["response"] for part in sent] == [
        {"result": "about liver"},
        {"result": "about spleen"},
    ]


def test_vertex_express_mode_uses_its_own_path() -> None:
    with GeminiServer([text("x")]) as server:
        assert ask(planner_for(server, vertexai=True, model="gemini-x"), "look", "invoke").text
    path = "/v1beta1/publishers/google/models/gemini-x:generateContent"
    assert server.requests[0].path == path
