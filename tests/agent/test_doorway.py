"""The door before a server: bodies and frames arrive clean, or are answered with why not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from agent import Settings
from agent.arrival import Desk
from agent.doorway import Door
from tests.agent.identified import HISTORY, traces

_SAID = {"input": {"messages": [{"role": "user", "content": HISTORY}]}}


class Behind:
    """The application behind the door; it keeps what arrives."""

    def __init__(self) -> None:
        self.scope: Scope = {}
        self.arrived: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        while True:
            message = await receive()
            self.arrived.append(message)
            if message["type"] in ("http.request", "http.disconnect", "websocket.disconnect"):
                return


def _through(settings: Settings, scope: Scope, messages: list[Message]) -> tuple[Behind, list[Any]]:
    behind, waiting = Behind(), list(messages)
    sent: list[Any] = []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Door(behind, Desk.of(settings))(scope, receive, send))
    return behind, sent


def _post(method: str = "POST") -> Scope:
    return {"type": "http", "method": method, "headers": [(b"Content-Length", b"7"), (b"x", b"y")]}


def test_a_body_in_pieces_arrives_whole_and_clean_with_its_new_length(settings: Settings) -> None:
    body = json.dumps(_SAID).encode()
    behind, sent = _through(
        settings,
        _post(),
        [
            {"type": "http.request", "body": body[:9], "more_body": True},
            {"type": "http.request", "body": body[9:], "more_body": False},
        ],
    )
    (message,) = behind.arrived
    assert traces(message["body"]) == []
    assert b"Dyspnea" in message["body"]
    length = str(len(message["body"])).encode()
    assert behind.scope["headers"] == [(b"x", b"y"), (b"content-length", length)]
    assert sent == []


@pytest.mark.parametrize(
    "body", [b"no json " + HISTORY.encode(), b"[" * 100_000, b'{"webhook": "http://127.0.0.1:9"}']
)
def test_what_cannot_be_cleaned_is_answered_with_422_and_goes_no_further(
    body: bytes, settings: Settings
) -> None:
    behind, sent = _through(settings, _post(), [{"type": "http.request", "body": body}])
    assert behind.arrived == []
    assert sent[0]["status"] == 422
    assert json.loads(sent[1]["body"])["detail"]
    assert traces(sent[1]["body"]) == []


def test_requests_without_a_body_pass(settings: Settings) -> None:
    for method in ("DELETE", "POST", "GET"):
        behind, _ = _through(settings, _post(method), [{"type": "http.request", "body": b""}])
        assert [m["body"] for m in behind.arrived] == [b""]


def test_a_client_that_goes_away_leaves_nothing_behind(settings: Settings) -> None:
    behind, sent = _through(settings, _post(), [{"type": "http.disconnect"}])
    assert (behind.arrived, sent) == ([], [])


def test_frames_of_a_websocket_arrive_clean_and_refused_ones_are_answered(
    settings: Settings,
) -> None:
    command = json.dumps({"method": "run.start", "params": _SAID})
    behind, sent = _through(
        settings,
        {"type": "websocket"},
        [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": command},
            {"type": "websocket.receive", "bytes": command.encode()},
            {"type": "websocket.receive", "text": '{"webhook": "http://127.0.0.1:9"}'},
            {"type": "websocket.disconnect"},
        ],
    )
    kinds = [message["type"].removeprefix("websocket.") for message in behind.arrived]
    assert kinds == ["connect", "receive", "receive", "disconnect"]
    assert all("Dyspnea" in message["text"] for message in behind.arrived[1:3])
    assert traces(str(behind.arrived)) == []
    (told,) = sent
    assert json.loads(told["text"])["type"] == "error"
