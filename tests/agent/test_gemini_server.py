"""The local server refuses what the service refuses; otherwise the other tests prove little."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.gemini_server import broken_rule, call

SIGNED = base64.b64encode(b"signed").decode()
USER = {"role": "user", "parts": [{"text": "look"}]}
SENT = [
    call("search", {"term": "liver"}, call_id="c1", signature=SIGNED),
    call("search", {"term": "spleen"}, call_id="c2"),
]
MODEL = {"role": "model", "parts": SENT}


def answers(*call_ids: str) -> dict[str, Any]:
    made = [{"id": call_id, "name": "search", "response": {"result": "x"}} for call_id in call_ids]
    return {"role": "user", "parts": [{"functionResponse": response} for response in made]}


def unsigned() -> dict[str, Any]:
    return {"role": "model", "parts": [{"functionCall": part["functionCall"]} for part in SENT]}


def test_a_legal_conversation_breaks_no_rule() -> None:
    assert broken_rule({"contents": [USER, MODEL, answers("c1", "c2"), USER]}, [SENT]) == ""


@pytest.mark.parametrize(
    ("contents", "rule"),
    [
        ([], "begin with a user turn"),
        ([MODEL, answers("c1", "c2")], "begin with a user turn"),
        ([USER, USER], "two user turns"),
        ([USER, MODEL], "end with a user turn"),
        ([USER, MODEL, USER], "do not answer the calls"),
        ([USER, MODEL, answers("c1")], "do not answer the calls"),
        ([USER, MODEL, answers("c2", "c1")], "do not answer the calls"),
        ([USER, answers("c1")], "two user turns"),
        ([USER, unsigned(), answers("c1", "c2")], "came back changed"),
        (
            [
                USER,
                MODEL,
                {"role": "user", "parts": [*answers("c1", "c2")["parts"], {"text": "x"}]},
            ],
            "share a turn",
        ),
    ],
)
def test_an_illegal_conversation_is_refused_by_the_rule_it_breaks(
    contents: list[dict[str, Any]], rule: str
) -> None:
    assert rule in broken_rule({"contents": contents}, [SENT])
