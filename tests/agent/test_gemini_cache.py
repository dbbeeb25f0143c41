"""The explicit cache of system prompt and tools: made where it may be, used, and deleted."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tools import tool

from agent.planner.gemini import GeminiPlanner
from tests.gemini_server import GeminiServer, Json, Scripted, refused, text
from tests.gemini_ways import TWO_WAYS, ask, planner_for

MODEL = "gemini-2.5-flash"
ASKED = [SystemMessage("You plan."), HumanMessage("look")]


@tool
def search(term: str) -> str:
    """Search for a term."""
    return term


@dataclass
class Caches:
    """The service's side: what it counts, and the caches it keeps."""

    tokens: int = 5000
    refuses: bool = False
    made: list[Json] = field(default_factory=list)
    counted: list[Json] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def __call__(self, method: str, path: str, body: Json) -> Scripted:
        if method == "DELETE":
            self.deleted.append(path)
            return Scripted(chunks=({},))
        if path.endswith(":countTokens"):
            self.counted.append(body)
            return Scripted(chunks=({"totalTokens": self.tokens},))
        assert path == "/v1beta/cachedContents"
        if self.refuses:
            return refused(400, "INVALID_ARGUMENT", message="Cached content is too small.")
        self.made.append(body)
        return Scripted(chunks=({"name": f"cachedContents/c{len(self.made)}"},))


def plan(planner: GeminiPlanner, times: int = 2) -> None:
    """Some turns of one planner, which is then closed."""
    model = planner.bind_tools([search])
    for _ in range(times):
        model.invoke(ASKED)
    planner.close()


def test_a_long_prefix_is_cached_once_used_by_every_turn_and_deleted() -> None:
    caches = Caches()
    with GeminiServer([text("x"), text("y")], aside=caches) as server:
        plan(planner_for(server, model=MODEL, prefix_cache=True))
    (made,) = caches.made
    assert made["model"] == f"models/{MODEL}"
    assert made["systemInstruction"]["parts"] == [{"text": "You plan."}]
    assert made["tools"][0]["functionDeclarations"][0]["name"] == "search"
    assert made["ttl"] == "900s"
    assert len(caches.counted) == 1
    assert "You plan." in str(caches.counted)
    for request in server.requests:
        assert request.body["cachedContent"] == "cachedContents/c1"
        assert not {"systemInstruction", "tools"} & set(request.body)
    assert caches.deleted == ["/v1beta/cachedContents/c1"]


@pytest.mark.parametrize("way", TWO_WAYS)
def test_every_way_of_calling_uses_it(way: str) -> None:
    caches = Caches()
    with GeminiServer([text("x")], aside=caches) as server:
        ask(planner_for(server, model=MODEL, prefix_cache=True), ASKED, way, [search])
    assert server.requests[0].body["cachedContent"] == "cachedContents/c1"
    assert len(caches.deleted) == 1


@pytest.mark.parametrize(
    ("model", "tokens", "is_cached"),
    [
        (MODEL, 1023, False),
        (MODEL, 1024, True),
        ("gemini-2.5-pro", 4095, False),
        ("gemini-2.5-pro", 4096, True),
    ],
)
def test_below_the_minimum_of_the_model_there_is_none(
    model: str, tokens: int, is_cached: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="agent.planner")
    caches = Caches(tokens=tokens)
    with GeminiServer([text("x"), text("y")], aside=caches) as server:
        plan(planner_for(server, model=model, prefix_cache=True))
    assert [("cachedContent" in r.body) for r in server.requests] == [is_cached] * 2
    assert len(caches.counted) == 1
    assert len(caplog.records) == (0 if is_cached else 1)


def test_where_the_service_makes_none_the_turn_goes_as_before() -> None:
    caches = Caches(refuses=True)
    with GeminiServer([text("x"), text("y")], aside=caches) as server:
        plan(planner_for(server, model=MODEL, prefix_cache=True))
    assert all("systemInstruction" in r.body and "tools" in r.body for r in server.requests)
    assert len(caches.counted) == 1
    assert caches.deleted == []


def test_a_cache_that_is_gone_costs_one_request_and_is_not_used_again() -> None:
    caches = Caches()
    gone = refused(403, "PERMISSION_DENIED", message="CachedContent not found")
    with GeminiServer([gone, text("x"), text("y")], aside=caches) as server:
        plan(planner_for(server, model=MODEL, prefix_cache=True))
    assert [("cachedContent" in r.body) for r in server.requests] == [True, False, False]
    assert caches.deleted == []


def test_it_is_off_unless_asked_for() -> None:
    caches = Caches()
    with GeminiServer([text("x"), text("y")], aside=caches) as server:
        plan(planner_for(server, model=MODEL))
    assert all("systemInstruction" in r.body for r in server.requests)
    assert (caches.counted, caches.made) == ([], [])
