"""What the planner does when the service or the line fails; every fault really happens."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from agent.planner.gemini import GeminiPlanner
from agent.planner.gemini_errors import (
    Fault,
    Patience,
    PlannerRefused,
    PlannerUnavailable,
    call_errors,
    read_fault,
)
from tests.gemini_server import (
    KEY,
    GeminiServer,
    Scripted,
    daily_quota,
    refused,
    retry_info,
    stream,
    text,
)
from tests.gemini_ways import TWO_WAYS, WAYS, ask, planner_for

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class Aiohttp:DeprecationWarning")

TRANSIENT = [(429, "RESOURCE_EXHAUSTED"), (500, "INTERNAL"), (502, "BAD_GATEWAY")]
TRANSIENT += [(503, "UNAVAILABLE"), (504, "DEADLINE_EXCEEDED")]


# A way of calling and the HTTP client that the SDK speaks through then.
LINES = [("invoke", "httpx"), ("stream", "httpx"), ("ainvoke", "aiohttp"), ("ainvoke", "httpx")]
LINES += [("astream", "aiohttp"), ("astream", "httpx")]


def speak_through(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Choose the client of asynchronous calls; the SDK takes aiohttp where it is installed."""
    monkeypatch.setattr("google.genai._api_client.has_aiohttp", client == "aiohttp")


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize(("code", "status"), TRANSIENT)
def test_a_passing_fault_is_tried_again(code: int, status: str, way: str) -> None:
    with GeminiServer([refused(code, status), refused(code, status), text("x")]) as server:
        assert ask(planner_for(server), "look", way).text == "x"
    assert len(server.requests) == 3


@pytest.mark.parametrize("way", WAYS)
def test_a_lasting_fault_ends_after_the_attempts_and_not_one_more(way: str) -> None:
    busy = refused(503, "UNAVAILABLE", message="busy")
    expected = pytest.raises(PlannerUnavailable, match=r"HTTP 503 UNAVAILABLE, 3 tries")
    with GeminiServer(lambda _: busy) as server, expected:
        ask(planner_for(server, attempts=3), "look", way)
    assert len(server.requests) == 3


@pytest.mark.parametrize(("way", "client"), LINES)
def test_a_reset_connection_is_tried_again(
    way: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_through(client, monkeypatch)
    with GeminiServer([Scripted(reset_after=0), text("x")]) as server:
        assert ask(planner_for(server), "look", way).text == "x"
    assert len(server.requests) == 2


@pytest.mark.parametrize(("way", "client"), LINES)
def test_a_stalled_connection_is_given_up_and_tried_again(
    way: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_through(client, monkeypatch)
    with GeminiServer([stream(text("late"), stall_s=20), text("x")]) as server:
        start = time.monotonic()
        assert ask(planner_for(server, timeout_s=0.3), "look", way).text == "x"
    assert 0.3 <= time.monotonic() - start < 5


@pytest.mark.parametrize(("way", "client"), LINES)
def test_an_address_where_nobody_listens_is_tried_by_one_layer_only(
    way: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_through(client, monkeypatch)
    slept: list[float] = []
    nap, sleep = time.sleep, asyncio.sleep

    async def asleep(seconds: float, *rest: Any) -> Any:
        slept.append(seconds)
        return await sleep(min(seconds, 0.01), *rest)

    def napping(seconds: float) -> None:
        slept.append(seconds)
        nap(min(seconds, 0.01))

    # The SDK's own hidden retry under aiohttp would sleep for 1 to 10 s.
    monkeypatch.setattr(asyncio, "sleep", asleep)
    monkeypatch.setattr(time, "sleep", napping)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    planner = GeminiPlanner(
        api_key=KEY, base_url=f"http://127.0.0.1:{port}", attempts=2, backoff_s=0.01
    )
    with pytest.raises(PlannerUnavailable, match="2 tries"):
        ask(planner, "look", way)
    assert len([seconds for seconds in slept if seconds > 0]) == 1
    assert max(slept) < 0.5


@pytest.mark.parametrize(("way", "client"), [line for line in LINES if "stream" in line[0]])
@pytest.mark.parametrize("reset_after", [1, None])
def test_a_stream_that_breaks_off_after_text_is_not_started_again(
    way: str, client: str, reset_after: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_through(client, monkeypatch)
    reply = stream(text("Large ", finish=None), reset_after=reset_after)
    expected = pytest.raises(PlannerUnavailable, match="after part of it had been shown")
    with GeminiServer([reply]) as server, expected:
        ask(planner_for(server), "look", way)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("way", "client"), [line for line in LINES if "stream" in line[0]])
def test_a_stream_that_falls_silent_is_given_up(
    way: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_through(client, monkeypatch)
    reply = stream(text("Large ", finish=None), text("liver."), delay_s=20)
    with GeminiServer([reply]) as server:
        start = time.monotonic()
        with pytest.raises(PlannerUnavailable, match="after part of it had been shown"):
            ask(planner_for(server, timeout_s=0.3), "look", way)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(("way", "client"), [line for line in LINES if "stream" in line[0]])
def test_a_stream_may_outlast_timeout_and_limit_while_it_speaks(
    way: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_through(client, monkeypatch)
    reply = stream(*(text("x", finish=None) for _ in range(5)), text("!"), delay_s=0.15)
    with GeminiServer([reply]) as server:
        assert ask(planner_for(server, timeout_s=0.6, limit_s=0.6), "look", way).text == "xxxxx!"


@pytest.mark.parametrize("way", TWO_WAYS)
def test_an_answer_without_finish_reason_is_tried_again(way: str) -> None:
    with GeminiServer([Scripted(chunks=({"candidates": [{"index": 0}]},)), text("x")]) as server:
        assert ask(planner_for(server), "look", way).text == "x"


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize(
    "fault",
    [
        refused(429, "RESOURCE_EXHAUSTED", retry_info("0.4s")),
        refused(503, "UNAVAILABLE", retry_info("0.4s")),
        refused(503, "UNAVAILABLE", Retry_After="1"),
    ],
)
def test_the_wait_that_the_service_asks_for_is_kept(fault: Scripted, way: str) -> None:
    asked_s = 1.0 if "Retry-After" in fault.headers else 0.4
    with GeminiServer([fault, text("x")]) as server:
        start = time.monotonic()
        assert ask(planner_for(server), "look", way).text == "x"
        assert time.monotonic() - start >= asked_s


@pytest.mark.parametrize("way", TWO_WAYS)
def test_a_wait_past_the_limit_is_not_begun(way: str) -> None:
    with GeminiServer([refused(503, "UNAVAILABLE", retry_info("3600s"))]) as server:
        start = time.monotonic()
        with pytest.raises(PlannerUnavailable, match="asks to wait 3600 s"):
            ask(planner_for(server), "look", way)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("way", TWO_WAYS)
def test_the_total_limit_ends_the_tries_however_many_are_left(way: str) -> None:
    with GeminiServer(lambda _: refused(503, "UNAVAILABLE")) as server:
        planner = planner_for(server, attempts=10_000, backoff_s=0.05, limit_s=0.6)
        start = time.monotonic()
        with pytest.raises(PlannerUnavailable, match=r"past the limit of 0\.6 s"):
            ask(planner, "look", way)
    assert time.monotonic() - start < 3


def test_a_daily_quota_is_named_and_not_tried_again() -> None:
    fault = refused(429, "RESOURCE_EXHAUSTED", daily_quota(), retry_info("0.01s"))
    with GeminiServer([fault]) as server, pytest.raises(PlannerUnavailable, match="daily quota"):
        ask(planner_for(server), "look", "invoke")
    assert len(server.requests) == 1


def test_an_exhausted_quota_without_advice_is_named_after_the_attempts() -> None:
    expected = pytest.raises(PlannerUnavailable, match="quota for this key is used up")
    with GeminiServer(lambda _: refused(429, "RESOURCE_EXHAUSTED")) as server, expected:
        ask(planner_for(server, attempts=2), "look", "invoke")
    assert len(server.requests) == 2


@pytest.mark.parametrize("way", TWO_WAYS)
@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        (401, "UNAUTHENTICATED", "GEMINI_API_KEY or GOOGLE_API_KEY"),
        (403, "PERMISSION_DENIED", "model 'gemini-x'"),
        (404, "NOT_FOUND", "no model 'gemini-x'"),
        (400, "INVALID_ARGUMENT", "refused the request to model 'gemini-x'"),
    ],
)
def test_a_refusal_is_one_line_that_names_the_setting(
    code: int, status: str, says: str, way: str
) -> None:
    reply = refused(code, status, message="no\nsecond line")
    with GeminiServer([reply]) as server, pytest.raises(PlannerRefused, match=says) as caught:
        ask(planner_for(server, model="gemini-x"), "look", way)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 1


def test_a_refusal_quotes_nothing_from_the_request() -> None:
    message = "Invalid value at 'contents[0]' \"Mr Example, born 1950\""
    reply = refused(400, "INVALID_ARGUMENT", message=message)
    with GeminiServer([reply]) as server, pytest.raises(PlannerRefused, match="at '…'") as caught:
        ask(planner_for(server), "look", "invoke")
    assert "Example" not in str(caught.value)


def test_cancelling_a_call_stops_it_at_once() -> None:
    async def cancelled(planner: GeminiPlanner) -> None:
        task = asyncio.create_task(planner.ainvoke("look"))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await planner.aclose()

    with GeminiServer([stream(text("late"), stall_s=20)]) as server:
        start = time.monotonic()
        asyncio.run(cancelled(planner_for(server)))
    assert time.monotonic() - start < 5


def test_backoff_doubles_and_comes_on_top_of_what_was_asked() -> None:
    patience = Patience(attempts=5, backoff_s=2.0, limit_s=1000)
    busy = Fault(what="HTTP 503", code=503, is_transient=True)
    asking = Fault(what="HTTP 503", code=503, is_transient=True, asked_wait_s=30.0)
    # Half of it to all of it: 2 s, 4 s, 8 s, then 16 s on top of 30 s.
    assert 1 <= patience.wait_after(busy) <= 2
    assert 2 <= patience.wait_after(busy) <= 4
    assert 4 <= patience.wait_after(busy) <= 8
    assert 38 <= patience.wait_after(asking) <= 46
    with pytest.raises(PlannerUnavailable, match="5 tries"):
        patience.wait_after(busy)


def test_a_retry_after_date_is_read_as_seconds_from_now() -> None:
    import httpx
    from google.genai.errors import ServerError

    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90))
    answer = httpx.Response(503, headers={"Retry-After": date})
    fault = read_fault(ServerError(503, {"error": {}}, answer), secret="")
    assert fault.asked_wait_s == pytest.approx(90, abs=2)


def test_every_kind_of_line_fault_is_known() -> None:
    import aiohttp
    import httpx2

    assert issubclass(httpx2.ReadTimeout, call_errors())
    assert issubclass(aiohttp.ServerDisconnectedError, call_errors())
    assert issubclass(TimeoutError, call_errors())
