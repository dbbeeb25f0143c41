"""The planner asked outright: the real google-genai client against the local server."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.evals.arms.conftest import Play, Point
from tests.gemini_server import (
    KEY,
    GeminiServer,
    Json,
    Request,
    Scripted,
    candidate,
    refused,
    text,
)

TEXT = ("--arm", "planner-alone", "--planner", "gemini:gemini-2.5-flash", "--view", "V3")
IMAGES = ("--arm", "planner-alone-images", *TEXT[2:])


def listed(*names: str) -> Json:
    lines = [{"name": name, "probability": 0.5 / (n + 1)} for n, name in enumerate(names)]
    return text(json.dumps({"diagnoses": lines}))


def pictures(request: Request) -> list[Image.Image]:
    parts = request.contents[0]["parts"]
    data = [p["inlineData"]["data"] for p in parts if "inlineData" in p]
    return [Image.open(io.BytesIO(base64.urlsafe_b64decode(d))) for d in data]


def test_the_words_alone_go_to_the_planner_and_its_list_is_scored(
    play: Play, gemini: Point, with_pictures: None
) -> None:
    def answers(request: Request) -> Json:
        return listed("sarcoidosis", "LAM") if "cysts" in str(request.contents) else listed("PAP")

    with GeminiServer(answers) as server:
        gemini(server)
        code, by_case = play(*TEXT)
    assert code == 0
    first = by_case["SYN0001"]
    assert [item.name for item in first.predictions] == ["sarcoidosis", "LAM"]
    assert [item.probability for item in first.predictions] == [0.5, 0.25]
    assert first.rank() == 2
    assert first.costs["planner_calls"] == 1
    assert (first.costs["input_tokens"], first.costs["output_tokens"]) == (11, 5)
    assert first.versions["planner"] == "hoofbeat-gemini gemini-test-001"
    assert json.loads(first.reply)["diagnoses"][1]["name"] == "LAM"
    assert len(server.requests) == 4
    for request in server.requests:
        assert "inlineData" not in str(request.body)
        assert "tools" not in request.body
        assert request.body["generationConfig"]["responseMimeType"] == "application/json"
    told = next(r for r in server.requests if "cysts" in str(r.contents)).contents[0]["parts"]
    assert json.loads(told[0]["text"])["history"].startswith("34-year-old woman")


def test_the_pictures_go_along_when_pixels_may_leave(
    play: Play, gemini: Point, with_pictures: None
) -> None:
    with GeminiServer(lambda _: listed("LAM")) as server:
        gemini(server)
        code, by_case = play(*IMAGES, "--pixels-may-leave")
    assert (code, by_case["SYN0001"].rank()) == (0, 1)
    shown = [picture for request in server.requests for picture in pictures(request)]
    assert [picture.size for picture in shown] == [(128, 128)] * 4
    assert {int(np.asarray(picture)[64, 64].max()) for picture in shown} <= {150, 230}


def test_pictures_are_refused_before_the_run_begins_unless_pixels_may_leave(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play(*IMAGES) == (2, {})
    assert "give --pixels-may-leave" in capsys.readouterr().err


def test_what_the_model_answers_badly_is_no_answer_and_the_run_goes_on(
    play: Play, gemini: Point
) -> None:
    def answers(request: Request) -> Json:
        case = str(request.contents)
        if "cysts" in case:
            return candidate(finish="SAFETY")
        if "Geographic" in case:
            return text("It may be pneumonia.")
        if "segment 7" in case:
            return listed()
        return listed(*(f"disease {n}" for n in range(12)))

    with GeminiServer(answers) as server:
        gemini(server)
        code, by_case = play(*TEXT)
    assert code == 0
    assert [by_case[f"SYN000{n}"].status for n in (1, 2, 3, 4)] == [*["NO_ANSWER"] * 3, "OK"]
    assert by_case["SYN0001"].error.startswith("AnswerBlocked at ")
    assert by_case["SYN0002"].error.startswith("AnswerUnusable at ")
    assert by_case["SYN0003"].error == "empty list"
    assert len(by_case["SYN0004"].predictions) == 10
    assert len(server.requests) == 5  # the answer without a schema was asked for once more


def test_a_service_that_stays_away_is_no_answer_of_its_own_class(
    play: Play, gemini: Point, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    busy = refused(503, "UNAVAILABLE")
    with GeminiServer(lambda _: busy) as server:
        gemini(server)
        code, by_case = play(*TEXT, "--limit", "1")
    (line,) = by_case.values()
    assert (code, line.status) == (0, "NO_ANSWER")
    assert line.error.startswith("ServiceUnavailable at ")
    assert len(server.requests) == 4


def test_tries_and_dollars_are_counted(
    play: Play, gemini: Point, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    prices = {"as_of": "2031-05-01", "models": {"gemini-test": {"input": 1, "output": 2}}}
    (tmp_path / "prices.json").write_text(json.dumps(prices))
    with GeminiServer([refused(503, "UNAVAILABLE"), text("LAM"), listed("LAM")]) as server:
        gemini(server)
        priced = ("--planner-prices", str(tmp_path / "prices.json"), "--limit", "1")
        code, by_case = play(*TEXT, *priced)
    (line,) = by_case.values()
    assert (code, line.status, line.costs["retries"]) == (0, "OK", 2)
    # Both answers are paid for, at 11 tokens in and 5 out.
    assert line.costs["dollars"] == pytest.approx(2 * (11 * 1 + 5 * 2) / 1e6)


def test_a_model_that_does_not_exist_stops_the_run(
    play: Play, gemini: Point, capsys: pytest.CaptureFixture[str]
) -> None:
    with GeminiServer(lambda _: refused(404, "NOT_FOUND")) as server:
        gemini(server)
        assert play(*TEXT) == (2, {})
    said = capsys.readouterr().err
    assert "Gemini has no model 'gemini-2.5-flash'" in said
    assert KEY not in said


def test_a_request_refused_for_what_it_holds_is_no_answer_and_the_run_goes_on(
    play: Play, gemini: Point
) -> None:
    def answers(request: Request) -> Json | Scripted:
        is_long = "cysts" in str(request.contents)
        return refused(400, "INVALID_ARGUMENT") if is_long else listed("LAM")

    with GeminiServer(answers) as server:
        gemini(server)
        code, by_case = play(*TEXT, "--concurrent", "1")
        assert code == 0
        assert [by_case[f"SYN000{n}"].status for n in (1, 2, 3, 4)] == ["NO_ANSWER", *["OK"] * 3]
        assert by_case["SYN0001"].error.startswith("ServiceRefused at ")
        assert not by_case["SYN0001"].may_pass
        play(*TEXT, "--retry-failed")
    assert len(server.requests) == 4  # it stands: the same request would be refused again


def test_a_service_that_refuses_every_request_stops_the_run(
    play: Play, gemini: Point, capsys: pytest.CaptureFixture[str]
) -> None:
    with GeminiServer(lambda _: refused(400, "INVALID_ARGUMENT")) as server:
        gemini(server)
        code, by_case = play(*TEXT, "--concurrent", "1")
    assert (code, len(by_case), len(server.requests)) == (2, 2, 3)
    assert "Gemini refused the request" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "status"), [(400, "FAILED_PRECONDITION"), (403, "PERMISSION_DENIED")]
)
def test_what_is_wrong_with_the_account_stops_the_run_at_once(
    play: Play, gemini: Point, code: int, status: str
) -> None:
    with GeminiServer(lambda _: refused(code, status)) as server:
        gemini(server)
        assert play(*TEXT, "--concurrent", "1") == (2, {})
    assert len(server.requests) == 1


def test_the_offline_planner_cannot_be_asked_outright(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play("--arm", "planner-alone") == (2, {})
    assert "give --planner" in capsys.readouterr().err
