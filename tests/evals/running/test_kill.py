"""kill -9 ten times in a run of 300, and Ctrl-C while a thread hangs, on the real command line."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.case import Case
from evals.arms.arm import Arm, Named, Prediction
from evals.matching.levels import judge_list
from evals.run import main
from evals.running.ledger import read_lines
from tests.evals.many import write_many
from tests.evals.running.starter import Starter
from tests.evals.running.test_ledger import SCORINGS, figures_of

ROOT = Path(__file__).resolve().parents[3]
CODE = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from tests.evals.running.test_kill import hanging_run; sys.exit(hanging_run(*sys.argv[1:]))"
)
CASES, KILLS = 300, 10
MOST_IN_FLIGHT = 4


def slow_run(data: str, out: str) -> int:
    """An arm of 20 ms whose answer depends on the case alone."""

    async def predict(case: Case, seed: int) -> Prediction:
        await asyncio.sleep(0.02)
        place = sum(case.history.encode()) % 12
        names = ["sarcoidosis", "IPF", "LAM", "PAP", "Chiari II malformation", "horseshoe kidney"]
        turned = names[place % 6 :] + names[: place % 6]
        return Prediction(diagnoses=tuple(Named(name=name) for name in turned))

    return _main(data, out, Arm(predict=predict, config={}))


def hanging_run(data: str, out: str) -> int:
    """An arm whose call hangs in a thread, as one to a server that says nothing does."""

    async def predict(case: Case, seed: int) -> Prediction:
        await asyncio.to_thread(time.sleep, 60)
        raise AssertionError

    return _main(data, out, Arm(predict=predict, config={}))


def _main(data: str, out: str, arm: Arm) -> int:
    argv = ["--data", data, "--out", out, "--arm", "slow", "--split", "all"]
    with pytest.MonkeyPatch.context() as patch:
        # A file saved while the test runs would rightly make the next start begin anew.
        patch.setattr("evals.run.source_sha256", lambda: "0" * 64)
        # Reading the knowledge base's names takes most of a start, and is not what is tested.
        patch.setattr("evals.run.load_compiled", lambda _: SimpleNamespace(entries={}))
        patch.setattr("evals.run.build_scorers", lambda *_: dict.fromkeys(SCORINGS, judge_list))
        return main([*argv, "--concurrent", str(MOST_IN_FLIGHT)], {"slow": lambda _: arm})


def written(out: Path) -> int:
    results = out / "results.jsonl"
    return results.read_bytes().count(b"\n") if results.is_file() else 0


@pytest.mark.slow
def test_ten_kills_lose_no_case_double_none_and_change_no_figure(
    tmp_path: Path, starter: Starter, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_many(tmp_path / "set", CASES)
    out = tmp_path / "killed"
    counts = [0]
    for _ in range(KILLS):
        process = starter.start(f"{__name__}:slow_run", str(data), str(out))
        while written(out) < counts[-1] + 20:
            assert process.poll() is None, process.said()
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
        counts.append(written(out))
    assert all(before < after < CASES for before, after in pairwise(counts))

    assert slow_run(str(data), str(out)) == 0
    resumed = figures_of(capsys.readouterr().out)
    assert slow_run(str(data), str(tmp_path / "whole")) == 0
    assert resumed == figures_of(capsys.readouterr().out)
    assert len(resumed) == 10
    lines = list(read_lines(out / "results.jsonl"))
    assert sorted(line.case for line in lines) == [f"SYN{n:04}" for n in range(1, CASES + 1)]
    assert {line.status for line in lines} == {"OK"}


@pytest.mark.slow
def test_the_second_ctrl_c_ends_a_run_at_once_though_a_call_hangs(tmp_path: Path) -> None:
    data = write_many(tmp_path / "set", 7)
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, str(data), str(tmp_path / "out")],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    while not (tmp_path / "out" / "plans.jsonl").is_file():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert "Ctrl-C again ends at once" in process.stderr.readline()
    assert "the same command goes on" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert process.wait(20) == -signal.SIGINT  # a shell says 130
    assert time.monotonic() - began < 5
    assert written(tmp_path / "out") == 0
    process.communicate()
