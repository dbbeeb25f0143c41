"""A whole diagnosis with Gemini planning: the real client over HTTP, real eyes, real knowledge.

The server plays Gemini's side of the REST protocol; MedGemma's side is a tiny Gemma 3 of random
weights, so what it sees is noise. What is proved is the path, not the eyesight.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from agent import Case, build_agent, diagnose
from agent.run import start
from agent.settings import Settings
from tests.gemini_server import (
    KEY,
    GeminiServer,
    Json,
    Request,
    Step,
    call,
    candidate,
    stream,
    text,
)
from tests.gemini_ways import planner_for
from tests.tiny_gemma import build_tiny_gemma
from tools import TOOLS
from tools.imaging.phantom import write_phantom
from tools.imaging.phantom_lesions import Lesion
from tools.vision.transformers_model import TransformersVision

_WINDOWS = ("medgemma", "lung", "soft tissue", "bone")
_HISTORY = "Shortness of breath on exertion over two years."


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> TransformersVision:
    words = tuple(f"{gap}{word}" for gap in ("", " ") for word in ("yes", "Yes", "no", "No"))
    folder = build_tiny_gemma(tmp_path_factory.mktemp("eyes") / "tiny-gemma", words=words)
    return TransformersVision(os.fspath(folder), dtype="float32", minimum_yes_no_mass=0.0)


def _answers(request: Request) -> dict[str, Json]:
    """What the tools answered last, by call id."""
    parts = request.contents[-1]["parts"]
    return {p["functionResponse"]["id"]: p["functionResponse"]["response"] for p in parts}


def _look(request: Request) -> Json:
    assert _HISTORY in str(request.contents[0])
    looks = [
        call("look", {"windows": [w]}, call_id=f"look-{i}", signature="c2lnbg==" if i == 0 else "")
        for i, w in enumerate(_WINDOWS)
    ]
    return candidate(*looks, call("measure", {"series": "S1"}, call_id="measure"))


def _search(request: Request) -> Json:
    answers = _answers(request)
    assert set(answers) == {*(f"look-{i}" for i in range(len(_WINDOWS))), "measure"}
    assert "thin-walled-cysts" in str(answers["measure"])
    arguments = {"query": "thin-walled cysts in both lungs", "limit": 5}
    return candidate(call("search_knowledge", arguments, call_id="search"))


def _ask(request: Request) -> Json:
    assert "lymphangioleiomyomatosis" in str(_answers(request)["search"])
    return candidate(
        call("ask", {"terms": ["pleural-effusion"]}, call_id="ask"),
        call("weigh_evidence", {}, call_id="weigh"),
    )


def _submit(request: Request) -> Json:
    import json

    answers = _answers(request)
    assert "p_yes" in str(answers["ask"])
    weighed = json.loads(answers["weigh"]["result"])
    lines: list[dict[str, Any]] = [
        {
            "name": c["name"],
            "disease_id": c["disease_id"],
            "probability": c["probability"],
            "evidence_for": [f for f in c["for"] if f.startswith("F")],
            "passages": ["P1"] if c["disease_id"] == "lymphangioleiomyomatosis" else [],
        }
        for c in weighed["candidates"][:5]
    ]
    rest = 1 - sum(line["probability"] for line in lines)
    arguments = {"diagnoses": lines, "other_probability": rest}
    return candidate(call("submit_differential", arguments, call_id="submit"))


@pytest.mark.slow
def test_gemini_plans_a_whole_diagnosis_over_the_real_client(
    settings: Settings, tmp_path: Path, eyes: TransformersVision
) -> None:
    write_phantom(tmp_path / "ct", lesion=Lesion.CYSTS, seed=11)
    case = Case.load([tmp_path / "ct"], history=_HISTORY, settings=settings)
    with GeminiServer([_look, _search, _ask, _submit]) as server:
        planner = planner_for(server)
        agent = build_agent(settings, planner=planner, vision=eyes)
        report = diagnose(case, agent=agent)
        planner.close()
    assert report.stopped == "submitted"
    assert report.removed_claims == 0
    assert "lymphangioleiomyomatosis" in [d.disease_id for d in report.differential.diagnoses[:3]]
    sources = {f.source for f in report.findings}
    assert sources == {"vision", "measurement"}
    looked = {f.window for f in report.findings if f.source == "vision"}
    assert {"medgemma", "lung", "soft tissue", "bone"} <= looked
    assert all(f.slices for f in report.findings if f.source == "vision" and f.present)
    assert report.costs["planner_calls"] == 4
    assert report.costs["vision_calls"] == 5
    assert report.costs["input_tokens"] > 0
    assert report.versions["planner"].endswith("gemini-flash-latest")
    first = server.requests[0]
    assert KEY not in report.model_dump_json()
    names = {f["name"] for t in first.body["tools"] for f in t["functionDeclarations"]}
    assert names == {*TOOLS, "submit_differential"}
    assert "state" not in str(first.body["tools"])
    assert "inlineData" not in str([r.body for r in server.requests])


def test_gemini_streams_through_the_graph_and_a_question_is_answered_in_words(
    settings: Settings,
) -> None:
    case = Case(findings_text="Thin-walled cysts in both lungs.", sex="female", age_years=36)
    line = {
        "name": "LAM", "disease_id": "lymphangioleiomyomatosis", "probability": 0.6,
        "evidence_for": ["F1"],
    }  # fmt: skip
    submitted = {"diagnoses": [line], "other_probability": 0.4}
    script: list[Step] = [
        text("I think it is LAM."),  # words alone are sent back
        candidate(call("submit_differential", submitted, call_id="one")),
        stream(text("Crazy ", finish=None), text("paving.")),
    ]
    thread: RunnableConfig = {"configurable": {"thread_id": "one"}}
    with GeminiServer(script) as server:
        planner = planner_for(server)
        agent = build_agent(settings, planner=planner, checkpointer=InMemorySaver())
        agent.invoke(start(case), thread)
        asked = {"messages": [HumanMessage("Why that one?")]}
        chunks: list[Any] = list(agent.stream(asked, thread, stream_mode="messages"))
        planner.close()
    assert [c.content for c, _ in chunks if isinstance(c, AIMessageChunk) and c.content] == [
        "Crazy ",
        "paving.",
    ]
    assert server.requests[-1].is_stream
    assert "no differential yet" in str(server.requests[1].contents[-1])


def test_a_planner_that_cannot_be_reached_is_one_line_for_the_person(settings: Settings) -> None:
    from agent import UserError

    with GeminiServer([]) as server:
        planner = planner_for(server, attempts=1, timeout_s=2)
    alone = settings.model_copy(update={"planner_fallback": "none"})
    with pytest.raises(UserError) as caught:
        diagnose(Case(history=_HISTORY), agent=build_agent(alone, planner=planner))
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
