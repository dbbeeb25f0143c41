"""Messages in Gemini's form: what is sent, in which order, and what is never sent."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)

from agent.planner.gemini_messages import FOREIGN_CALL_SIGNATURE, KEPT_TURN, to_conversation

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def contents(*messages: BaseMessage) -> list[dict[str, Any]]:
    return to_conversation(messages).contents


def search(call_id: str, term: str) -> ToolCall:
    return ToolCall(name="search", args={"term": term}, id=call_id, type="tool_call")


def test_system_messages_become_one_instruction_outside_the_contents() -> None:
    conversation = to_conversation(
        [SystemMessage("You plan."), HumanMessage("Begin."), SystemMessage("Be brief.")]
    )
    assert conversation.system == "You plan.\n\nBe brief."
    assert conversation.contents == [{"role": "user", "parts": [{"text": "Begin."}]}]


def test_human_messages_in_a_row_share_one_user_turn() -> None:
    assert contents(HumanMessage("a"), HumanMessage(""), HumanMessage("b")) == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}
    ]


def test_results_of_same_name_calls_go_back_by_id_in_call_order() -> None:
    answer = contents(
        HumanMessage("look"),
        AIMessage("", tool_calls=[search("c1", "liver"), search("c2", "spleen")]),
        ToolMessage("spleen is large", tool_call_id="c2"),
        ToolMessage("no such term", tool_call_id="c1", status="error"),
    )[-1]
    assert answer == {
        "role": "user",
        "parts": [
            {
                "functionResponse": {
                    "id": "c1",
                    "name": "search",
                    "response": {"error": "no such term"},
                }
            },
            {
                "functionResponse": {
                    "id": "c2",
                    "name": "search",
                    "response": {"result": "spleen is large"},
                }
            },
        ],
    }


def test_a_call_without_result_is_answered_as_not_run() -> None:
    turns = contents(
        HumanMessage("look"),
        AIMessage("", tool_calls=[search("c1", "liver")]),
        HumanMessage("go on"),
    )
    assert turns[2]["parts"][0]["functionResponse"]["response"] == {
        "error": "this call was not run"
    }
    assert turns[3] == {"role": "user", "parts": [{"text": "go on"}]}


def test_a_result_for_an_unknown_call_is_a_broken_contract() -> None:
    with pytest.raises(ValueError, match="no call in the turn before has id 'c9'"):
        contents(HumanMessage("look"), ToolMessage("x", tool_call_id="c9"))


def test_a_kept_turn_goes_back_exactly_as_it_came() -> None:
    parts = [
        {"text": "I look at the liver.", "thoughtSignature": "QUJD"},
        {"functionCall": {"id": "c1", "name": "search", "args": {"term": "liver"}}},
    ]
    message = AIMessage(
        "I look at the liver.",
        tool_calls=[search("c1", "liver")],
        additional_kwargs={KEPT_TURN: {"role": "model", "parts": parts}},
    )
    assert contents(HumanMessage("look"), message)[1] == {"role": "model", "parts": parts}


def test_a_kept_turn_that_somebody_redacted_is_not_brought_back() -> None:
    parts = [{"text": "Mr Example has a large liver.", "thoughtSignature": "QUJD"}]
    message = AIMessage(
        "The patient has a large liver.",
        additional_kwargs={KEPT_TURN: {"role": "model", "parts": parts}},
    )
    assert contents(HumanMessage("look"), message)[1] == {
        "role": "model",
        "parts": [{"text": "The patient has a large liver."}],
    }


def test_calls_of_another_planner_carry_the_documented_signature_on_the_first() -> None:
    message = AIMessage("", tool_calls=[search("o1", "liver"), search("o2", "spleen")])
    parts = contents(HumanMessage("look"), message)[1]["parts"]
    assert parts == [
        {
            "functionCall": {"id": "o1", "name": "search", "args": {"term": "liver"}},
            "thoughtSignature": FOREIGN_CALL_SIGNATURE,
        },
        {"functionCall": {"id": "o2", "name": "search", "args": {"term": "spleen"}}},
    ]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": PNG, "mime_type": "image/png"},
        {"type": "image", "url": f"data:image/png;base64,{PNG}"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"},
    ],
)
def test_images_are_sent_inline(block: dict[str, Any]) -> None:
    message = HumanMessage([{"type": "text", "text": "see"}, block])
    assert contents(message)[0]["parts"] == [
        {"text": "see"},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
    ]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "url": "http://169.254.169.254/latest"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "image_url", "image_url": "file:///etc/passwd"},
        {"type": "file", "url": "https://example.org/a.pdf"},
        {"type": "image", "file_id": "abc"},
        {"type": "audio", "base64": PNG, "mime_type": "audio/wav"},
    ],
)
def test_an_address_or_another_medium_is_neither_fetched_nor_sent(block: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="addresses are never fetched"):
        contents(HumanMessage([block]))


@pytest.mark.parametrize(
    ("mime_type", "data", "message"),
    [("application/dicom", PNG, r"image/\* mime_type"), ("image/png", "not base64!", "base64")],
)
def test_a_broken_image_block_is_a_broken_contract(mime_type: str, data: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        contents(HumanMessage([{"type": "image", "base64": data, "mime_type": mime_type}]))


def test_a_tool_result_with_an_image_is_refused() -> None:
    image = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    call = AIMessage("", tool_calls=[search("c1", "liver")])
    with pytest.raises(ValueError, match="more than text"):
        contents(HumanMessage("look"), call, ToolMessage([image], tool_call_id="c1"))


def test_a_conversation_without_a_question_is_a_broken_contract() -> None:
    with pytest.raises(ValueError, match="nothing to send"):
        contents(SystemMessage("You plan."))
