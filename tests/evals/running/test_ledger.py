from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.case import Case
from evals.arms.arm import Arm, Named, Prediction
from evals.arms.table import ARMS
from evals.matching.levels import judge_list
from evals.run import main
from evals.running.ledger import Ledger, Line, latest_lines
from evals.truth import Truth
from tests.evals.medpix_shaped import write_medpix_shaped
from tests.evals.running.starter import Starter
from tools.errors import UserError

SCORINGS = ("curated", "kb")


def line(case: str) -> Line:
    return Line(
        case=case,
        patient=case,
        view="V1",
        arm="a",
        seed=0,
        config="c",
        status="OK",
        input=Case(),
        truth=Truth(primary="LAM"),
        latency_s=0,
    )


def run(data: str, out: str, *, stuck_at: int = 0) -> int:
    """The real command line with one more arm."""
    asked: list[Case] = []

    async def predict(case: Case, seed: int) -> Prediction:
        asked.append(case)
        if len(asked) == stuck_at:
            await asyncio.sleep(600)
        return Prediction(diagnoses=(Named(name="sarcoidosis"), Named(name="LAM")))

    argv = ["--data", data, "--out", out, "--arm", "two", "--split", "all", "--concurrent", "1"]
    with pytest.MonkeyPatch.context() as patch:
        # A file saved while the test runs would rightly make the second run begin anew.
        patch.setattr("evals.run.source_sha256", lambda: "0" * 64)
        # Reading the knowledge base's names takes most of a start, and is not what is tested.
        patch.setattr("evals.run.load_compiled", lambda _: SimpleNamespace(entries={}))
        patch.setattr("evals.run.build_scorers", lambda *_: dict.fromkeys(SCORINGS, judge_list))
        return main(argv, {**ARMS, "two": lambda _: Arm(predict=predict, config={})})


def stuck_run(data: str, out: str) -> int:
    """The same with the arm stuck at its third case."""
    return run(data, out, stuck_at=3)


def stop_in_the_middle(starter: Starter, data: Path, out: Path, how: signal.Signals) -> int:
    process = starter.start(f"{__name__}:stuck_run", str(data), str(out))
    results = out / "results.jsonl"
    deadline = time.monotonic() + 120
    while not results.is_file() or results.read_bytes().count(b"\n") < 2:
        assert process.poll() is None, process.said()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(how)
    code = process.wait(120)
    assert results.read_bytes().count(b"\n") == 2
    return code


def figures_of(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if line.strip().startswith(("top-", "MRR"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)], ids=["kill -9", "Ctrl-C"]
)
def test_a_stopped_run_resumes_to_the_same_figures_with_each_case_once(
    tmp_path: Path,
    starter: Starter,
    capsys: pytest.CaptureFixture[str],
    how: signal.Signals,
    code: int,
) -> None:
    data = write_medpix_shaped(tmp_path / "set")
    assert stop_in_the_middle(starter, data, tmp_path / "stopped", how) == code
    assert run(str(data), str(tmp_path / "stopped")) == 0
    resumed = figures_of(capsys.readouterr().out)
    assert run(str(data), str(tmp_path / "whole")) == 0
    whole = figures_of(capsys.readouterr().out)
    with Ledger(tmp_path / "stopped" / "results.jsonl") as ledger:
        cases = sorted(found.case for found in ledger.lines())
    assert cases == [f"SYN000{n}" for n in (1, 2, 3, 4, 6, 7, 8)]
    assert len(whole) == 10
    assert resumed == whole


def test_a_torn_last_line_is_cut_off_and_the_whole_ones_stay(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with Ledger(path) as ledger:
        ledger.append(line("A"))
        ledger.append(line("B"))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    with Ledger(path) as ledger:
        ledger.append(line("C"))
        assert [found.case for found in ledger.lines()] == ["A", "B", "C"]
    assert path.read_bytes().startswith(whole)


def test_a_file_that_holds_only_a_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(b'{"case": "A"')
    with Ledger(path) as ledger:
        assert list(ledger.lines()) == []
    assert path.read_bytes() == b""


def test_a_whole_line_that_is_none_of_ours_is_named_and_not_repaired(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(b"not json\n")
    with pytest.raises(UserError, match="line 1"):
        Ledger(path)
    with pytest.raises(UserError, match="line 1"):  # and not that another run is writing
        Ledger(path)
    assert path.read_bytes() == b"not json\n"


def test_two_runs_cannot_write_to_one_file_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with Ledger(path), pytest.raises(UserError, match="another run is writing"):
        Ledger(path)
    Ledger(path).__exit__()


def test_the_last_line_of_a_key_counts(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with Ledger(path) as ledger:
        fault = line("A").model_copy(update={"status": "UNSCORED"})
        ledger.append(fault)
        ledger.append(line("A"))
        assert [found.status for found in ledger.read([fault.key])] == ["OK"]
    assert [found.status for found in latest_lines(path).values()] == ["OK"]
