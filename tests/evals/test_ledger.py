from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.case import Case
from evals.ledger import Ledger, Line
from tests.evals.medpix_shaped import write_medpix_shaped
from tools.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
# The real command line with one more arm, which takes its time. The hash of the source is pinned:
# a file saved while the test runs would rightly make the second run begin anew.
SLOW_RUN = """
import asyncio, sys
import evals.run
from evals.arms import ARMS, Arm, Named, Prediction
from evals.run import main

evals.run.source_sha256 = lambda: "0" * 64

async def predict(case):
    await asyncio.sleep(float(sys.argv[1]))
    return Prediction(diagnoses=(Named(name="sarcoidosis"), Named(name="LAM")))

sys.exit(main(sys.argv[2:], {**ARMS, "slow": lambda: Arm(predict=predict, config={})}))
"""


def line(case: str) -> Line:
    return Line(
        case=case, view="V1", arm="a", seed=0, config="c", status="OK", input=Case(), latency_s=0
    )


def slow_run(data: Path, out: Path, seconds_a_case: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SLOW_RUN, str(seconds_a_case), "--data", str(data), "--out",
         str(out), "--arm", "slow", "--split", "all", "--concurrent", "1"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def stop_in_the_middle(data: Path, out: Path, how: signal.Signals) -> int:
    process = slow_run(data, out, 0.2)
    results = out / "results.jsonl"
    deadline = time.monotonic() + 30
    while not results.is_file() or results.read_bytes().count(b"\n") < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(how)
    process.communicate(timeout=30)
    assert 2 <= results.read_bytes().count(b"\n") < 7
    return process.returncode


def figures_of(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if line.strip().startswith(("top-", "MRR"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)], ids=["kill -9", "Ctrl-C"]
)
def test_a_stopped_run_resumes_to_the_same_figures_with_each_case_once(
    tmp_path: Path, how: signal.Signals, code: int
) -> None:
    data = write_medpix_shaped(tmp_path / "set")
    assert stop_in_the_middle(data, tmp_path / "stopped", how) == code
    resumed, _ = slow_run(data, tmp_path / "stopped", 0).communicate(timeout=60)
    whole, _ = slow_run(data, tmp_path / "whole", 0).communicate(timeout=60)
    with Ledger(tmp_path / "stopped" / "results.jsonl") as ledger:
        cases = sorted(found.case for found in ledger.lines())
    assert cases == [f"SYN000{n}" for n in (1, 2, 3, 4, 6, 7, 8)]
    assert len(figures_of(whole)) == 9
    assert figures_of(resumed) == figures_of(whole)


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
    with Ledger(path) as ledger, pytest.raises(UserError, match="line 1"):
        list(ledger.lines())
    assert path.read_bytes() == b"not json\n"


def test_two_runs_cannot_write_to_one_file_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with Ledger(path), pytest.raises(UserError, match="another run is writing"):
        Ledger(path)
    Ledger(path).__exit__()


def test_the_last_line_of_a_key_counts(tmp_path: Path) -> None:
    with Ledger(tmp_path / "results.jsonl") as ledger:
        fault = line("A").model_copy(update={"status": "UNSCORED"})
        ledger.append(fault)
        ledger.append(line("A"))
        assert [found.status for found in ledger.by_key().values()] == ["OK"]
