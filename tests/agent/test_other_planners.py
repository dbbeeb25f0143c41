"""Planners that are not Gemini: any chat model object, and "provider:model" strings."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from langchain_core.language_models import FakeListChatModel

from agent import Case, Settings, build_agent, diagnose
from agent.doctor import _planner as ask_planner
from agent.graph import build_graph
from agent.planner import build_planner
from agent.planner.capabilities import missing
from agent.planner.gemini import GeminiPlanner
from agent.planner.gemini_errors import PlannerRefused, PlannerUnavailable
from agent.planner.providers import call_errors, planner_error
from agent.settings import with_planner
from knowledge.search.retrieve import KnowledgeBase
from tests.agent.scripted import ScriptedPlanner
from tests.gemini_server import KEY
from tests.http_server import QuietHandler, QuietServer
from tools.errors import UserError
from tools.imaging.store import ArtifactStore
from tools.workbench import Workbench

Json = dict[str, Any]

_CASE = Case(findings_text="Thin-walled cysts in both lungs.", sex="female", age_years=36)


class _Handler(QuietHandler):
    requests: ClassVar[list[Json]]
    script: ClassVar[list[Callable[[Json], Json | int]]]

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(body)
        said = self.script.pop(0)(body)
        status = said if isinstance(said, int) else 200
        payload = {"error": {"message": "no"}} if isinstance(said, int) else _completion(said)
        data = json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _completion(message: Json) -> Json:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    return {
        "id": "1", "object": "chat.completion", "created": 0, "model": "house-1",
        "choices": [choice], "usage": usage,
    }  # fmt: skip


def _call(name: str, **arguments: Any) -> Json:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"content": None, "tool_calls": [{"id": name, "type": "function", "function": function}]}


@contextmanager
def _openai(
    monkeypatch: pytest.MonkeyPatch, *script: Callable[[Json], Json | int]
) -> Iterator[list[Json]]:
    """A server that speaks chat completions, where langchain-openai looks for one."""
    requests: list[Json] = []
    handler = type("Handler", (_Handler,), {"requests": requests, "script": list(script)})
    server = QuietServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    try:
        yield requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _submit(_: Json) -> Json:
    line = {"name": "LAM", "disease_id": "lymphangioleiomyomatosis", "probability": 0.6,
            "evidence_for": ["F1"]}  # fmt: skip
    return _call("submit_differential", diagnoses=[line], other_probability=0.4)


def test_a_planner_named_by_provider_and_model_drives_a_whole_diagnosis(
    settings: Settings, knowledge: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Workbench(store=ArtifactStore(settings.artifact_dir), knowledge=knowledge)
    with _openai(monkeypatch, lambda _: _call("weigh_evidence"), _submit) as requests:
        planner = build_planner(with_planner(settings, "openai:house"))
        report = diagnose(_CASE, agent=build_graph(planner, bench, settings))
    assert report.differential.diagnoses[0].disease_id == "lymphangioleiomyomatosis"
    assert report.costs["input_tokens"] == 18
    assert [r["model"] for r in requests] == ["house", "house"]
    names = {t["function"]["name"] for t in requests[0]["tools"]}
    assert {"look", "weigh_evidence", "submit_differential"} <= names
    assert [m["role"] for m in requests[1]["messages"]] == ["system", "user", "assistant", "tool"]
    assert KEY not in report.model_dump_json()


def test_doctor_asks_the_planner_of_a_provider(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = with_planner(settings, "openai:house")
    with _openai(monkeypatch, lambda _: {"content": "ready"}):
        assert ask_planner(theirs) == "answered (13 tokens)"
    refused = pytest.raises(PlannerRefused, match=r"refused the request \(HTTP 401\)")
    with _openai(monkeypatch, lambda _: 401), refused:
        ask_planner(theirs)


@pytest.mark.parametrize(
    ("code", "kind"), [(401, PlannerRefused), (404, PlannerRefused), (503, PlannerUnavailable)]
)
def test_what_a_provider_raises_becomes_one_line(
    code: int, kind: type[UserError], monkeypatch: pytest.MonkeyPatch
) -> None:
    from langchain_openai import ChatOpenAI

    with _openai(monkeypatch, lambda _: code), pytest.raises(call_errors()) as caught:
        ChatOpenAI(model="house", max_retries=0).invoke("look")
    told = planner_error(caught.value)
    assert type(told) is kind
    assert f"HTTP {code}" in str(told)


def test_without_langchain_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    with pytest.raises(UserError, match="pip install langchain and the provider's package"):
        build_planner(Settings(planner="openai:house"))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("anthropic:house", "langchain-anthropic"),
        ("gemni:flash", "gemni"),
        ("openai:house", "OPENAI_API_KEY"),  # no key
    ],
)
def test_a_provider_that_cannot_be_built_says_why(
    name: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UserError, match=says) as caught:
        build_planner(Settings(planner=name))
    assert "\n" not in str(caught.value)


def test_a_model_without_tools_is_refused_when_the_agent_is_built(settings: Settings) -> None:
    mute = FakeListChatModel(responses=["LAM"])
    assert missing(mute) == ["tools", "structured output"]
    with pytest.raises(UserError, match="lacks tools and structured output; give a chat model"):
        build_agent(settings, planner=mute)


def test_a_model_whose_profile_denies_tools_is_refused(settings: Settings) -> None:
    planner = ScriptedPlanner(turns=[], profile={"tool_calling": False})
    with pytest.raises(UserError, match="lacks tools; give"):
        build_agent(settings, planner=planner)


def test_gemini_lacks_nothing() -> None:
    assert missing(GeminiPlanner(api_key=KEY)) == []


def test_a_name_that_is_no_planner_is_refused(settings: Settings) -> None:
    with pytest.raises(UserError, match="\"provider:model\", got 'house'"):
        build_agent(settings, planner="house")
