"""The agent's arms end to end: Gemini and MedGemma are local servers, all the rest is real."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from agent.submission import SUBMIT
from tests.agent.gemini_play import answers, signed, tool
from tests.evals.arms.conftest import Play, Point
from tests.gemini_server import GeminiServer, Json, Request, candidate
from tests.tiny_gemma import build_tiny_gemma
from tests.tools.vision.vision_server import KEY, Asked, VisionServer, says
from tools import TOOLS

GEMINI = ("--planner", "gemini:gemini-2.5-flash", "--limit", "1")
SEES = ("--vision", "openai:google/medgemma-1.5-4b-it", "--vision-base-url")


def turns(request: Request) -> int:
    """How many turns the model has had."""
    return sum(content["role"] == "model" for content in request.contents)


def tools_of(request: Request) -> set[str]:
    return {f["name"] for t in request.body["tools"] for f in t["functionDeclarations"]}


def submits(*names: str, **claims: list[str]) -> Json:
    shares = [0.5 / (n + 1) for n in range(len(names))]
    lines = [
        {"name": name, "probability": share, **claims}
        for name, share in zip(names, shares, strict=True)
    ]
    return candidate(tool(SUBMIT, "s", diagnoses=lines, other_probability=1 - sum(shares)))


def weighs_then_submits(request: Request) -> Json:
    """Two turns: search and weigh, then the ledger's first candidates."""
    if not turns(request):
        search = tool("search_knowledge", "1", query="lung cysts and pneumothorax")
        return candidate(signed(search), tool("weigh_evidence", "2"))
    (weighed,) = [said for said in answers(request) if "candidates" in said]
    return submits(*(c["name"] for c in weighed["candidates"][:3]))


def sees_nothing(asked: Asked) -> Json:
    """MedGemma's side of a look, for a picture: no effusion."""
    line = {
        "term": "pleural-effusion", "present": False, "certainty": "high", "side": "none",
        "place": "none",
    }  # fmt: skip
    return says(json.dumps({"findings": [line], "other": []}))


def test_the_whole_agent_searches_weighs_and_submits(
    play: Play, gemini: Point, cache_dir: Path
) -> None:
    with GeminiServer(weighs_then_submits) as server:
        gemini(server)
        code, by_case = play("--arm", "agent", *GEMINI, "--view", "V3")
    (line,) = by_case.values()
    assert (code, line.status, len(line.predictions)) == (0, "OK", 3)
    assert line.report is not None
    assert line.report.passages
    assert [item.probability for item in line.predictions] == pytest.approx([1 / 2, 1 / 4, 1 / 6])
    assert line.costs["planner_calls"] == 2
    assert (line.costs["tool_calls"], line.costs["failed_tool_calls"]) == (2, 0)
    assert (line.costs["input_tokens"], line.costs["output_tokens"]) == (22, 10)
    assert (line.costs["retries"], line.costs["closed_offline"]) == (0, 0)
    assert tools_of(server.requests[0]) == {*TOOLS, SUBMIT}
    assert line.versions["planner"] == "hoofbeat-gemini gemini-2.5-flash"


def test_a_spent_budget_closes_with_the_ranking_and_the_costs_say_so(
    play: Play, gemini: Point, cache_dir: Path
) -> None:
    with GeminiServer(weighs_then_submits) as server:
        gemini(server)
        more = ("--view", "V3", "--max-planner-calls", "1")
        code, by_case = play("--arm", "agent", *GEMINI, *more)
    (line,) = by_case.values()
    assert (code, line.costs["closed_offline"], line.costs["planner_calls"]) == (0, 1, 1)


def test_without_knowledge_there_is_no_search_no_ledger_and_no_demand_for_them(
    play: Play, gemini: Point, cache_dir: Path
) -> None:
    with GeminiServer([submits("LAM", "sarcoidosis")]) as server:
        gemini(server)
        code, by_case = play("--arm", "agent-no-knowledge", *GEMINI, "--view", "V3")
    (line,) = by_case.values()
    assert (code, line.status) == (0, "OK")
    assert [item.name for item in line.predictions] == ["LAM", "sarcoidosis"]
    (request,) = server.requests
    assert tools_of(request) == {"look", "ask", "measure", SUBMIT}
    instruction = json.dumps(request.body["systemInstruction"])
    assert "search_knowledge" not in instruction
    assert "Search" not in instruction
    assert "weigh_evidence" not in instruction
    report = line.report
    assert report is not None
    assert (report.passages, report.ledger, report.questions) == ((), (), ())
    assert report.differential.considered == ()
    assert "planner_no_knowledge prompt" in line.versions
    assert "knowledge" not in line.versions


def test_without_knowledge_a_claim_without_a_finding_is_sent_back_then_taken_out(
    play: Play, gemini: Point, cache_dir: Path
) -> None:
    with GeminiServer(lambda _: submits("LAM", evidence_for=["F99"])) as server:
        gemini(server)
        code, by_case = play("--arm", "agent-no-knowledge", *GEMINI, "--view", "V1")
    (line,) = by_case.values()
    assert (code, line.status, line.unsupported) == (0, "OK", 1)
    assert len(server.requests) == 3  # the first, and as often as review sends back


def test_without_knowledge_a_spent_budget_is_no_answer(
    play: Play, gemini: Point, cache_dir: Path
) -> None:
    measure = candidate(signed(tool("measure", "m")))
    with GeminiServer([measure]) as server:
        gemini(server)
        more = ("--view", "V3", "--max-planner-calls", "1")
        code, by_case = play("--arm", "agent-no-knowledge", *GEMINI, *more)
    (line,) = by_case.values()
    assert (code, line.status, line.abstained, line.predictions) == (0, "NO_ANSWER", True, ())
    assert line.costs["failed_tool_calls"] == 1


def test_without_vision_no_image_is_known_of(
    play: Play, gemini: Point, with_pictures: None, cache_dir: Path
) -> None:
    with GeminiServer(weighs_then_submits) as server:
        gemini(server)
        sees = (*SEES, "http://127.0.0.1:9/v1")  # nobody answers there
        code, by_case = play("--arm", "agent-no-vision", *GEMINI, *sees, "--view", "V3")
    (line,) = by_case.values()
    assert (code, line.status) == (0, "OK")
    assert line.input.series
    told = json.loads(server.requests[0].contents[0]["parts"][0]["text"])
    assert (told["case"]["series"], told["vision"]) == ([], "none: look and ask are refused")
    assert line.report is not None
    assert line.report.case.series == ()


def test_without_the_loop_the_planner_has_one_turn_after_a_fixed_look_and_search(
    play: Play, gemini: Point, with_pictures: None, cache_dir: Path, seeing: None
) -> None:
    def once(request: Request) -> Json:
        (weighed,) = [said for said in answers(request) if "candidates" in said]
        return submits(*(c["name"] for c in weighed["candidates"][:3]))

    with GeminiServer(once) as server, VisionServer(sees_nothing) as eyes:
        gemini(server)
        sees = (*SEES, eyes.base_url)
        code, by_case = play("--arm", "agent-no-loop", *GEMINI, *sees, "--view", "V3")
    (line,) = by_case.values()
    assert (code, line.status, len(line.predictions)) == (0, "OK", 3)
    (request,) = server.requests
    calling = request.body["toolConfig"]["functionCallingConfig"]
    assert calling == {"mode": "ANY", "allowedFunctionNames": [SUBMIT]}
    assert turns(request) == 2
    assert len(eyes.asked) == 1
    assert line.costs["planner_calls"] == 1
    assert line.costs["vision_calls"] == 1
    assert line.costs["tool_calls"] == 3  # a look, a search, a weighing
    assert line.report is not None
    assert "One pass" in line.report.planner


def test_without_the_loop_words_instead_of_a_submission_are_no_answer(
    play: Play, gemini: Point, cache_dir: Path
) -> None:
    words = candidate({"text": "It is probably LAM."})
    with GeminiServer([words]) as server:
        gemini(server)
        code, by_case = play("--arm", "agent-no-loop", *GEMINI, "--view", "V3")
    (line,) = by_case.values()
    assert (code, line.status, line.abstained) == (0, "NO_ANSWER", True)
    assert (line.costs["planner_calls"], line.costs["closed_offline"]) == (1, 0)


def test_the_agent_looks_with_the_vision_server_and_pixels_stay_away_from_the_planner(
    play: Play, gemini: Point, with_pictures: None, cache_dir: Path, seeing: None
) -> None:
    def looks(request: Request) -> Json:
        if not turns(request):
            return candidate(signed(tool("look", "l", windows=["as displayed"])))
        return submits("LAM")

    with GeminiServer(looks) as server, VisionServer(sees_nothing) as eyes:
        gemini(server)
        code, by_case = play("--arm", "agent", *GEMINI, *SEES, eyes.base_url, "--view", "V3")
    (line,) = by_case.values()
    assert (code, line.status) == (0, "OK")
    assert line.report is not None
    assert [f.source for f in line.report.findings].count("vision") == 1
    assert line.costs["vision_calls"] == 1
    assert "inlineData" not in json.dumps([r.body for r in server.requests])
    assert sum(part["type"] == "image_url" for part in eyes.asked[0].parts) == 1


@pytest.mark.parametrize("arm", ["agent", "agent-no-loop", "vision-alone", "planner-alone-images"])
def test_composites_of_hu_cannot_be_made_of_screenshots(
    play: Play,
    gemini: Point,
    with_pictures: None,
    seeing: None,
    capsys: pytest.CaptureFixture[str],
    arm: str,
) -> None:
    with GeminiServer([]) as server, VisionServer() as eyes:
        gemini(server)
        more = ("--windows", "medgemma", "--view", "V3", "--pixels-may-leave")
        assert play("--arm", arm, *GEMINI, *SEES, eyes.base_url, *more) == (2, {})
    said = capsys.readouterr().err
    assert "--windows medgemma needs data in HU" in said
    assert "leave --windows out or give as-displayed" in said
    assert server.requests == []
    assert eyes.asked == []


@pytest.mark.parametrize("arm", ["agent", "planner-alone-images"])
def test_windows_that_no_case_can_be_shown_in_are_refused_before_the_first_case(
    play: Play, gemini: Point, seeing: None, capsys: pytest.CaptureFixture[str], arm: str
) -> None:
    with GeminiServer([]) as server, VisionServer() as eyes:
        gemini(server)
        more = ("--windows", "medgemma", "--view", "V1", "V2", "--pixels-may-leave")
        assert play("--arm", arm, *GEMINI, *SEES, eyes.base_url, *more) == (2, {})
    assert "and 1 of the 1 cases have only pictures" in capsys.readouterr().err
    assert (server.requests, eyes.asked) == ([], [])


def test_the_offline_planner_cannot_go_without_knowledge(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play("--arm", "agent-no-knowledge", "--view", "V3") == (2, {})
    assert "name a planner that is a language model" in capsys.readouterr().err


def test_the_offline_agent_has_one_pass_as_well(
    play: Play, with_pictures: None, cache_dir: Path, seeing: None
) -> None:
    with VisionServer(sees_nothing) as eyes:
        more = ("--limit", "1", "--view", "V3")
        code, by_case = play("--arm", "agent-no-loop", *SEES, eyes.base_url, *more)
    (line,) = by_case.values()
    assert (code, line.status) == (0, "OK")
    assert (line.costs["planner_calls"], line.costs["vision_calls"]) == (0, 1)
    assert len(eyes.asked) == 1


def test_the_key_of_the_vision_server_stands_nowhere_in_the_run(
    play: Play, with_pictures: None, cache_dir: Path, tmp_path: Path, seeing: None
) -> None:
    with VisionServer(sees_nothing) as eyes:
        play("--arm", "agent", *SEES, eyes.base_url, "--limit", "1", "--view", "V3")
    written = [path.read_text() for path in (tmp_path / "out").glob("*.json*")]
    assert written
    assert not any(KEY in text for text in written)


@pytest.mark.slow
def test_the_agent_looks_with_a_real_gemma_in_this_process(
    play: Play, with_pictures: None, cache_dir: Path, tmp_path: Path
) -> None:
    words = tuple(f"{gap}{word}" for gap in ("", " ") for word in ("yes", "Yes", "no", "No"))
    folder = build_tiny_gemma(tmp_path / "tiny-gemma", words=words)
    model = ("--vision", f"transformers:{os.fspath(folder)}", "--vision-dtype", "float32")
    code, by_case = play("--arm", "agent", *model, "--limit", "1", "--view", "V1")
    (line,) = by_case.values()
    assert code == 0
    assert line.report is not None
    assert "vision" in {finding.source for finding in line.report.findings}
    assert line.versions["vision"].startswith("transformers tiny-gemma")
    assert line.costs["vision_calls"] >= 1
