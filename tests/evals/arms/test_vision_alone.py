"""MedGemma asked outright: against a local server, and a tiny real Gemma 3 in this process."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.evals.arms.conftest import Play
from tests.tiny_gemma import build_tiny_gemma
from tests.tools.vision.vision_server import Asked, Json, Scripted, VisionServer, error, says

ALONE = ("--arm", "vision-alone", "--view", "V3")
SERVED = (*ALONE, "--vision", "openai:google/medgemma-1.5-4b-it", "--vision-base-url")


def lists(*names: str) -> str:
    return json.dumps({"diagnoses": names})


def test_the_pictures_and_the_words_are_asked_about_in_one_turn(
    play: Play, with_pictures: None, seeing: None
) -> None:
    def answers(asked: Asked) -> Json:
        return says(lists("sarcoidosis", "LAM") if "cysts" in asked.text else lists("PAP"))

    with VisionServer(answers) as eyes:
        code, by_case = play(*SERVED, eyes.base_url)
    line = by_case["SYN0001"]
    assert (code, line.rank()) == (0, 2)
    assert [(i.name, i.probability) for i in line.predictions] == [
        ("sarcoidosis", None),
        ("LAM", None),
    ]
    assert (line.costs["vision_calls"], line.costs["planner_calls"]) == (1, 0)
    assert "dollars" not in line.costs  # nobody knows what the server costs
    assert json.loads(line.reply) == {"diagnoses": ["sarcoidosis", "LAM"]}
    assert "openai google/medgemma-1.5-4b-it" in line.versions["vision"]
    assert len(eyes.asked) == 4
    for asked in eyes.asked:
        assert [part["type"] for part in asked.parts] == ["text", "image_url"]
        assert asked.body["temperature"] == 0
        schema = json.dumps(asked.body["response_format"])
        assert '"maxItems": 10' in schema
    told = next(asked.text for asked in eyes.asked if "cysts" in asked.text)
    assert "1 CT picture(s), shown as displayed" in told
    assert "What is the diagnosis?" in told


def test_an_answer_of_another_form_is_asked_for_again_and_then_is_no_answer(
    play: Play, with_pictures: None, seeing: None
) -> None:
    def answers(asked: Asked) -> Json:
        is_repair = "could not be used" in asked.text
        if "cysts" in asked.text:
            return says("It looks like LAM.")
        if "Geographic" in asked.text and not is_repair:
            return says('{"diagnoses": ["PA', finish="length")
        if "segment 7" in asked.text and not is_repair:
            return says("{}")
        return says(f"```json\n{lists('PAP')}\n```")

    with VisionServer(answers, guided=False) as eyes:
        code, by_case = play(*SERVED, eyes.base_url)
    assert code == 0
    assert [by_case[f"SYN000{n}"].status for n in (1, 2, 3, 4)] == ["NO_ANSWER", *["OK"] * 3]
    assert by_case["SYN0001"].error.startswith("AnswerUnusable at ")
    calls = [by_case[f"SYN000{n}"].costs.get("vision_calls") for n in (2, 3, 4)]
    retries = [by_case[f"SYN000{n}"].costs.get("retries") for n in (2, 3, 4)]
    assert (calls, retries) == ([2, 2, 1], [1, 1, 0])
    assert all("response_format" not in asked.body for asked in eyes.asked)


def test_a_case_without_pictures_is_no_answer(play: Play, seeing: None) -> None:
    with VisionServer() as eyes:
        code, by_case = play(*SERVED, eyes.base_url)
    assert code == 0
    assert {line.error.partition(" ")[0] for line in by_case.values()} == {"NothingToSee"}
    assert {line.status for line in by_case.values()} == {"NO_ANSWER"}


def test_a_server_that_refuses_the_key_stops_the_run(
    play: Play, with_pictures: None, seeing: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuses(asked: Asked) -> Scripted:
        return error(401, "no")

    with VisionServer(refuses) as eyes:
        assert play(*SERVED, eyes.base_url) == (2, {})
    assert "HOOFBEAT_VISION_API_KEY" in capsys.readouterr().err


@pytest.mark.parametrize("vision", ["none", "medsiglip:google/medsiglip-448"])
def test_a_model_that_does_not_write_is_refused_before_the_run(
    play: Play, capsys: pytest.CaptureFixture[str], vision: str
) -> None:
    assert play(*ALONE, "--vision", vision) == (2, {})
    assert "needs a vision model that writes" in capsys.readouterr().err


@pytest.mark.slow
def test_a_real_gemma_in_this_process_is_held_to_the_form(
    play: Play, with_pictures: None, tmp_path: Path
) -> None:
    folder = build_tiny_gemma(tmp_path / "tiny-gemma")
    model = ("--vision", f"transformers:{os.fspath(folder)}", "--vision-dtype", "float32")
    code, by_case = play(*ALONE, *model, "--limit", "1")
    (line,) = by_case.values()
    assert code == 0
    # Random weights name nothing that there is, but nothing outside the form either.
    assert line.status == "OK"
    named = json.loads(line.reply)["diagnoses"]
    assert 1 <= len(named) <= 10
    assert all(2 <= len(name) <= 80 for name in named)
    assert line.versions["vision"].startswith("transformers tiny-gemma")
