"""The command from end to end, against a local server that speaks Gemini's protocol."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.case import Case
from evals.judge import main
from evals.matching.levels import judge_list
from evals.running.ledger import Item, Ledger, Line, read_lines
from evals.truth import Truth
from tests.gemini_server import KEY, GeminiServer, Json, text

SAME: Json = text('{"verdict": "same"}')


@pytest.fixture
def run(tmp_path: Path) -> Path:
    truth = Truth(primary="mumblegland")
    names = ("Mumble sickness", "no mumblegland")
    line = Line(
        case="c", patient="c", view="V3", arm="a", seed=0, config="", status="OK", input=Case(),
        truth=truth, predictions=tuple(Item(name=name, probability=None) for name in names),
        scores={"curated": judge_list(names, truth)}, latency_s=0.0,
    )  # fmt: skip
    with Ledger(tmp_path / "results.jsonl") as ledger:
        ledger.append(line)
    return tmp_path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> GeminiServer:
    server = GeminiServer(lambda request: SAME)
    monkeypatch.setenv("HOOFBEAT_GEMINI_API_KEY", KEY)
    monkeypatch.setenv("HOOFBEAT_GEMINI_BASE_URL", server.base_url)
    return server


@pytest.mark.slow
def test_a_run_is_shown_without_and_with_the_judge_and_its_cost_apart(
    run: Path, server: GeminiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with server:
        assert main([str(run), "--planner", "gemini:gemini-2.5-flash"]) == 0
    assert len(server.requests) == 1  # the denied one is decided
    assert "mumblegland" in str(server.requests[0].body)
    printed = capsys.readouterr().out
    assert "1 undecided pairs | ruled on 1 | of these now 1" in printed
    assert "11 tokens in, 5 out" in printed
    assert "0/1 0.0% [0.0, 79.3]" in printed
    assert "1/1 100.0% [20.7, 100.0]" in printed
    assert (run / "judge.jsonl").read_text().count("\n") == 1


@pytest.mark.slow
def test_neither_seeds_nor_configurations_are_pooled(
    run: Path, server: GeminiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (old,) = read_lines(run / "results.jsonl")
    with Ledger(run / "results.jsonl") as ledger:
        for seed in (0, 1):
            ledger.append(old.model_copy(update={"config": "new", "seed": seed}))
    with server:
        assert main([str(run), "--planner", "gemini:gemini-2.5-flash"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("0/1 0.0%") == 8  # top-1, 3, 5 and 10 of two seeds, of the new alone
    assert "V3 a seed 1" in printed


@pytest.mark.slow
def test_it_is_calibrated_on_labelled_pairs(
    tmp_path: Path, server: GeminiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = tmp_path / "pairs.jsonl"
    labelled = [("Mumble sickness", "same"), ("mumblegland", "same"), ("goat", "different")]
    lines = [{"prediction": p, "truth": "mumblegland", "label": label} for p, label in labelled]
    pairs.write_text("\n".join(map(json.dumps, lines)))
    with server:
        argv = ["--calibrate", str(pairs), "--planner", "gemini:x", "--out", str(tmp_path / "out")]
        assert main(argv) == 0
    assert len(server.requests) == 2
    printed = capsys.readouterr().out
    before, after = printed.split("both halves, with the judge")
    assert "same, accepted as right                  1/2" in before
    assert "same, accepted as right                  2/2" in after
    assert "different, accepted as right             1/1" in after  # a judge that always agrees


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["/nowhere", "--planner", "gemini"], "results.jsonl is missing"),
        (["--calibrate", "/nowhere", "--planner", "gemini"], "is missing"),
    ],
)
def test_what_the_person_can_mend_is_one_line_and_code_2(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert message in capsys.readouterr().err
