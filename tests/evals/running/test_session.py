"""Runs that are stopped, tried again, repeated and paid for, through the real command line."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from agent.case import Case
from evals.arms.arm import Arm, Named, Prediction
from evals.arms.failures import AnswerBlocked, ServiceUnavailable
from evals.run import main
from evals.running.ledger import Line, read_lines
from evals.running.plan import read_plans
from evals.views.viewer import Viewer
from tests.evals.medpix_shaped import write_medpix_shaped
from tools.errors import ToolFailure, UserError
from tools.vision.endpoint_errors import Transient, unavailable

Predict = Callable[[Case, int], Coroutine[Any, Any, Prediction]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_medpix_shaped(tmp_path / "set")


def run(data: Path, out: Path, predict: Predict, *more: str) -> int:
    argv = ["--data", str(data), "--out", str(out), "--arm", "test", "--view", "V3", *more]
    return main(argv, {"test": lambda _: Arm(predict=predict, config={})})


def lines(out: Path) -> list[Line]:
    return list(read_lines(out / "results.jsonl"))


def lam(dollars: float = 0.0) -> Prediction:
    return Prediction(diagnoses=(Named(name="LAM"),), costs={"dollars": dollars})


def test_what_failed_may_be_tried_again_and_what_was_answered_stands(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    async def predict(case: Case, seed: int) -> Prediction:
        asked.append(case.findings_text)
        if "cysts" in case.findings_text:
            raise ServiceUnavailable("quota")
        if "Geographic" in case.findings_text:
            raise unavailable("HTTP 503") from Transient(unavailable("HTTP 503"))
        if "segment 7" in case.findings_text:
            raise AnswerBlocked("SAFETY")
        return Prediction(diagnoses=(Named(name="LAM"),), abstained=True)

    out = tmp_path / "out"
    assert run(data, out, predict) == 0
    by_case = {line.case: line for line in lines(out)}
    assert {line.status for line in by_case.values()} == {"NO_ANSWER"}
    assert [case for case, line in by_case.items() if line.may_pass] == ["SYN0001", "SYN0002"]

    asked.clear()
    assert run(data, out, predict) == 0
    assert asked == []  # not without being asked to
    capsys.readouterr()
    assert run(data, out, predict, "--retry-failed") == 0
    assert len(asked) == 2
    assert "2 of 4 stand already; 2 to do" in capsys.readouterr().err
    assert len(lines(out)) == 6


def test_a_time_out_may_be_tried_again(data: Path, tmp_path: Path) -> None:
    async def predict(case: Case, seed: int) -> Prediction:
        raise TimeoutError

    async def quick(case: Case, seed: int) -> Prediction:
        return lam()

    assert run(data, tmp_path / "out", predict) == 0
    assert run(data, tmp_path / "out", quick, "--retry-failed") == 0
    assert [line.status for line in lines(tmp_path / "out")] == ["NO_ANSWER"] * 4 + ["OK"] * 4


def test_a_run_stops_when_its_money_is_spent_and_goes_on_with_more(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def predict(case: Case, seed: int) -> Prediction:
        return lam(dollars=0.5)

    out = tmp_path / "out"
    one_by_one = ("--concurrent", "1", "--max-dollars")
    assert run(data, out, predict, *one_by_one, "1") == 4
    said = capsys.readouterr()
    assert len(lines(out)) == 2
    assert "$1.00 spent of $1.00: 2 of 4 left, so no figures" in said.err
    assert "top-1" not in said.out
    assert run(data, out, predict, *one_by_one, "1") == 4
    assert len(lines(out)) == 2  # not a cent more
    assert run(data, out, predict, *one_by_one, "10") == 0
    assert sorted(line.case for line in lines(out)) == [f"SYN000{n}" for n in (1, 2, 3, 4)]
    assert "top-1" in capsys.readouterr().out


def test_repeats_have_seeds_of_their_own_and_a_longer_run_adds_only_what_is_new(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds: list[int] = []

    async def predict(case: Case, seed: int) -> Prediction:
        seeds.append(seed)
        return lam()

    out = tmp_path / "out"
    assert run(data, out, predict, "--repeat", "2", "--seed", "7") == 0
    assert sorted(seeds) == [7] * 4 + [8] * 4
    seeds.clear()
    assert run(data, out, predict, "--repeat", "3", "--seed", "7") == 0
    assert seeds == [9] * 4
    printed = capsys.readouterr().out
    assert all(f"V3 seed {seed}, n 4" in printed for seed in (7, 8, 9))
    assert "test V3 over seeds 7, 8, 9: top-1 25.0%" in printed


def test_every_start_keeps_its_plan(data: Path, tmp_path: Path) -> None:
    async def predict(case: Case, seed: int) -> Prediction:
        return lam()

    out = tmp_path / "out"
    assert run(data, out, predict, "--view", "V1", "V3") == 0
    assert run(data, out, predict, "--limit", "1") == 0
    whole, one = read_plans(out / "plans.jsonl")
    assert (len(list(whole.keys)), len(list(one.keys))) == (8, 1)
    assert set(one.keys) <= {line.key for line in lines(out)}


def test_a_torn_plan_never_began_and_one_of_another_version_is_an_error(
    data: Path, tmp_path: Path
) -> None:
    async def predict(case: Case, seed: int) -> Prediction:
        return lam()

    out = tmp_path / "out"
    assert run(data, out, predict) == 0
    plans = out / "plans.jsonl"
    plans.write_bytes(plans.read_bytes() + b'{"began": "20')
    assert run(data, out, predict) == 0
    assert len(read_plans(plans)) == 2
    plans.write_text('{"cases": []}\n')
    with pytest.raises(UserError, match="no plan of this version"):
        read_plans(plans)


def test_the_first_line_says_of_what_the_run_is_and_a_changed_truth_begins_anew(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def predict(case: Case, seed: int) -> Prediction:
        return lam()

    out = tmp_path / "out"
    assert run(data, out, predict) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert "OTHER DATA than the project's documented figures are of" in first
    assert "this folder began with" not in first
    truth = data / "truth.jsonl"
    truth.write_text(truth.read_text() + "\n")
    assert run(data, out, predict) == 0
    said = capsys.readouterr()
    assert "OTHER TRUTH than this folder began with" in said.out.splitlines()[0]
    assert "test: new configuration, because of another truth; earlier answers" in said.err


def test_a_case_that_cannot_be_shown_is_a_counted_fault_of_the_harness(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def predict(case: Case, seed: int) -> Prediction:
        return lam()

    show = Viewer.show

    async def fails(viewer: Viewer, case: Any, view: Any) -> Case:
        if case.id == "SYN0002":
            raise ToolFailure("patient text")
        return await show(viewer, case, view)

    monkeypatch.setattr(Viewer, "show", fails)
    assert run(data, tmp_path / "out", predict) == 3
    (fault,) = [line for line in lines(tmp_path / "out") if line.status == "UNSCORED"]
    assert (fault.case, fault.error.split(":")[0]) == ("SYN0002", "ToolFailure at test_session.py")
    assert "patient text" not in (tmp_path / "out" / "results.jsonl").read_text()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--batch", "--max-dollars", "1"], "--max-dollars cannot stop a batch job"),
        (["--batch"], "--batch is for arms of one request"),
        (["--concurrent", "gpu=1"], "the backends are cpu, planner, vision"),
    ],
)
def test_what_cannot_be_done_together_is_said_before_the_first_case(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    message: str,
) -> None:
    async def predict(case: Case, seed: int) -> Prediction:
        raise AssertionError

    assert run(data, tmp_path / "out", predict, *more) == 2
    assert message in capsys.readouterr().err


def test_a_folder_of_another_version_is_told_before_the_first_case(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def predict(case: Case, seed: int) -> Prediction:
        raise AssertionError

    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text('{"0": {"arm": "test"}}')
    assert run(data, out, predict) == 2
    assert "no manifest of this version of Hoofbeat; give another --out" in capsys.readouterr().err
