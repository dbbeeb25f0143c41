"""The probes end to end: the real google-genai client against local servers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.probe import main
from evals.running.ledger import Ledger, Line, read_lines
from tests.evals.medpix_shaped import LEAK, Invented, write_medpix_shaped
from tests.gemini_batch_server import GeminiBatchServer
from tests.gemini_server import KEY, GeminiServer, Json, Request, candidate, refused, text

FIRST = "Thirty four year old woman who breathes very badly ever since her second collapsed lung,"
SECOND = "fainted twice at work last month and has since coughed up small amounts of blood daily."
WOMAN = Invented(
    id="SYN0001", split="dev", title="Lymphangioleiomyomatosis", age="34", sex="female",
    history=f"{FIRST} {SECOND}", findings="Cysts.", mask=("fainted",),
)  # fmt: skip
MAN = Invented(
    id="SYN0002", split="dev", title="Pulmonary alveolar proteinosis", age="46", sex="male",
    history="Forty six year old man who smokes and works in a quarry where he was never given a "
    "mask, breathless for a year and now unable to climb even one flight of stairs.",
    findings="Crazy paving.",
)  # fmt: skip
CHILD = Invented(
    id="SYN0003", split="dev", title="Horseshoe kidney", age="9", sex="male",
    history="Flank pain.", findings="Fused kidneys.",
)  # fmt: skip

Point = Callable[[str], None]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_medpix_shaped(tmp_path / "set", (WOMAN, MAN, CHILD))


@pytest.fixture
def point(monkeypatch: pytest.MonkeyPatch) -> Point:
    """Point Gemini's real client at a local server."""

    def to(base_url: str) -> None:
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        monkeypatch.setenv("HOOFBEAT_GEMINI_BASE_URL", base_url)

    return to


def probe(data: Path, out: Path, *more: str) -> int:
    argv = ["--data", str(data), "--out", str(out), "--planner", "gemini:gemini-2.5-flash"]
    return main([*argv, *more])


def remembers_the_woman(body: Json) -> Json:
    """A model that knows the first case by heart and guesses at the others."""
    system, told = str(body["systemInstruction"]), body["contents"][0]["parts"][0]["text"]
    is_she = "SYN0001" in told or "collapsed lung" in told
    if "is_remembered" in system:
        name = "lymphangioleiomyomatosis" if is_she else "pneumonia"
        return _said({"title": name, "is_remembered": is_she})
    if '"continuation"' in system:
        return _said({"continuation": SECOND if is_she else "and has had a fever for some days"})
    if "You reword" in system:
        return _said({"text": "Woman, 34. Breathing trouble. [...] She fainted. Blood in sputum."})
    right = "lymphangioleiomyomatosis" if is_she else "pneumonia"
    return _said({"diagnoses": [{"name": right, "probability": 0.6}]})


def _said(answer: Json) -> Json:
    usage = {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100}
    return {
        **text(json.dumps(answer)),
        "usageMetadata": usage,
        "modelVersion": "gemini-2.5-flash-001",
    }


def live(request: Request) -> Json:
    return remembers_the_woman(request.body)


def by_step(out: Path) -> dict[str, dict[str, Line]]:
    found: dict[str, dict[str, Line]] = {}
    for line in read_lines(out / "results.jsonl"):
        found.setdefault(line.arm, {})[line.case] = line
    return found


def test_all_probes_ask_every_case_and_print_their_figures(
    data: Path, tmp_path: Path, point: Point, capsys: pytest.CaptureFixture[str]
) -> None:
    with GeminiServer(live) as server:
        point(server.base_url)
        assert probe(data, tmp_path / "out") == 0
    steps = by_step(tmp_path / "out")
    assert {step: len(lines) for step, lines in steps.items()} == {
        "case-id-to-title": 3, "history-completion": 2, "paraphrase": 3, "as-written": 3,
        "paraphrased": 3,
    }  # fmt: skip
    assert len(server.requests) == 14
    assert LEAK not in str([request.body for request in server.requests])
    said = capsys.readouterr().out
    assert "case id to title: right 1/3 33.3% [6.1, 79.2]" in said
    assert "said to be remembered 1/3 33.3% [6.1, 79.2]; of these right 1/1" in said
    assert "history completion: recognised 1/2 50.0% [9.5, 90.5]" in said
    assert "1 cases not asked" in said
    assert "top-1 as written 1/3" in said
    assert "paraphrased 0/3" in said
    assert "exact McNemar 1 against 0, p 1" in said
    assert "cost $0.0077" in said  # 14 answers of 0.00055 dollars
    assert "Contamination not excluded" in said
    assert "unseen" not in said


def test_only_the_first_half_is_told_and_a_paraphrase_cannot_give_the_answer_away(
    data: Path, tmp_path: Path, point: Point
) -> None:
    with GeminiServer(live) as server:
        point(server.base_url)
        assert probe(data, tmp_path / "out") == 0
    steps = by_step(tmp_path / "out")
    assert steps["history-completion"]["SYN0001"].input.history == FIRST
    assert "quarry" in steps["history-completion"]["SYN0002"].input.history
    assert "stairs" not in steps["history-completion"]["SYN0002"].input.history
    assert "fainted" not in steps["as-written"]["SYN0001"].input.history
    # The model put the masked word back in.
    assert steps["paraphrase"]["SYN0001"].predictions[0].name.endswith("Blood in sputum.")
    assert "She [...]. Blood" in steps["paraphrased"]["SYN0001"].input.history


def test_a_second_command_pays_nothing_again_and_splits_a_run(
    data: Path, tmp_path: Path, point: Point, capsys: pytest.CaptureFixture[str]
) -> None:
    two = ("--probe", "case-id-to-title", "history-completion")
    with GeminiServer(live) as server:
        point(server.base_url)
        assert probe(data, tmp_path / "out", *two) == 0
        asked = len(server.requests)
        run = tmp_path / "run"
        with Ledger(run / "results.jsonl") as ledger:
            for line in by_step(tmp_path / "out")["case-id-to-title"].values():
                ledger.append(line.model_copy(update={"arm": "agent", "view": "V3"}))
        capsys.readouterr()
        assert probe(data, tmp_path / "out", *two, "--run", str(run)) == 0
        assert len(server.requests) == asked
    said = capsys.readouterr().out
    for probed in ("case-id-to-title", "history-completion", "either"):
        assert f"agent, V3, by {probed}: top-1 of recognised cases 1/1 100.0%" in said
    assert "of others 0/2 0.0% [0.0, 65.8]" in said
    # Fisher: 1 of the 3 ways to place the one right answer.
    assert "difference 100.0 points" in said
    assert "Fisher's exact p 0.333" in said
    assert "1 cases of the run were not probed" in said  # by history completion


def test_a_refusal_is_a_miss_and_the_case_stays_in(
    data: Path, tmp_path: Path, point: Point, capsys: pytest.CaptureFixture[str]
) -> None:
    def answers(request: Request) -> Json:
        if "SYN0002" in str(request.contents):
            return candidate({"text": ""}, finish="SAFETY")
        return live(request)

    with GeminiServer(answers) as server:
        point(server.base_url)
        assert probe(data, tmp_path / "out", "--probe", "case-id-to-title") == 0
    said = capsys.readouterr().out
    assert "asked 3, answered 2, no answer 1, unscored 0" in said
    assert "1 x AnswerBlocked" in said
    assert "right 1/3" in said


def test_a_retry_that_the_money_did_not_suffice_for_is_left_and_gives_no_figures(
    data: Path,
    tmp_path: Path,
    point: Point,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    title = ("--probe", "case-id-to-title", "--concurrent", "1")
    with GeminiServer(lambda _: refused(503, "UNAVAILABLE")) as server:
        point(server.base_url)
        assert probe(data, tmp_path / "out", *title) == 0
    capsys.readouterr()
    with GeminiServer(live) as server:
        point(server.base_url)
        more = ("--retry-failed", "--max-dollars", "0.0001")
        assert probe(data, tmp_path / "out", *title, *more) == 2
    assert len(server.requests) == 1
    told = capsys.readouterr()
    assert "2 of 3 left in case-id-to-title" in told.err
    assert "right" not in told.out


def test_paraphrases_of_ones_own_are_not_asked_for(
    data: Path, tmp_path: Path, point: Point, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text(
        json.dumps(
            {"case": "SYN0002", "history": "A quarryman\u2028short of breath."}, ensure_ascii=False
        )
    )
    with GeminiServer(live) as server:
        point(server.base_url)
        more = ("--probe", "history-paraphrased", "--paraphrases", str(own))
        assert probe(data, tmp_path / "out", *more) == 0
    steps = by_step(tmp_path / "out")
    assert "paraphrase" not in steps
    assert {c: line.input.history for c, line in steps["paraphrased"].items()} == {
        "SYN0002": "A quarryman\u2028short of breath."
    }
    assert "2 cases have none and are in neither figure" in capsys.readouterr().out


def test_probes_run_in_batch_mode_at_half_the_price(
    data: Path, tmp_path: Path, point: Point, capsys: pytest.CaptureFixture[str]
) -> None:
    with GeminiBatchServer(lambda body: {"response": remembers_the_woman(body)}, looks=0) as server:
        point(server.base_url)
        assert probe(data, tmp_path / "out", "--batch", "--probe", "case-id-to-title") == 0
    assert [len(job.entries) for job in server.jobs] == [3]
    said = capsys.readouterr().out
    assert "right 1/3" in said
    assert "cost $0.0008" in said  # 3 of 0.000275


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--planner", "offline"], "the offline planner has no memory to probe"),
        (["--paraphrases", "/nowhere.jsonl"], "/nowhere.jsonl is missing"),
        (["--run", "/nowhere"], "results.jsonl is missing"),
    ],
)
def test_what_the_person_can_mend_is_one_line_and_nothing_is_asked(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    message: str,
) -> None:
    assert probe(data, tmp_path / "out", *more) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_a_line_that_is_no_paraphrase_is_named_and_not_quoted(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text('{"case": "SYN0001", "history": "x"}\n{"case": "SYN0002", "text": "secret"}\n')
    assert probe(data, tmp_path / "out", "--paraphrases", str(own)) == 2
    said = capsys.readouterr().err
    assert "line 2" in said
    assert "secret" not in said


def test_two_paraphrases_of_one_case_are_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text('{"case": "SYN0001", "history": "x"}\n{"case": "SYN0001", "history": "y"}\n')
    assert probe(data, tmp_path / "out", "--paraphrases", str(own)) == 2
    assert "line 2: case: a second line" in capsys.readouterr().err


def test_probe_and_run_do_not_share_a_folder(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert probe(data, tmp_path / "out", "--run", str(tmp_path / "out")) == 2
    assert "give the probe another --out" in capsys.readouterr().err
