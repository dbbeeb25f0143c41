"""kill -9 between any two writes of a diagnosis and inside a tool: the thread goes on as if not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.agent.crash import QUERIES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
]
_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The run that nobody killed, one killed in each search, one at each write to the thread."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.agent.crash", str(tmp_path_factory.mktemp("crash"))],
        cwd=_ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _killed(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [run for run in runs if run["signal"] == signal.SIGKILL]


def test_every_step_and_every_tool_call_was_cut_once(runs: list[dict[str, Any]]) -> None:
    whole = runs[0]
    assert whole["signal"] == 0
    points = [run["point"] for run in _killed(runs) if "point" in run]
    # Seven nodes run; each writes what it did and then the step, and each write is cut before
    # and after; so do the input and the three tool calls.
    assert points == list(range(len(points)))
    assert len(points) >= 4 * 7
    assert [run["dies_in"] for run in _killed(runs) if "dies_in" in run] == [*QUERIES.values()]
    seen = {tuple(run["answered"]) for run in _killed(runs)}
    assert {(), ("c1-0", "c1-1"), ("c1-0", "c1-1", "c2-0")} <= seen


def test_the_resumed_thread_ends_in_the_same_report(runs: list[dict[str, Any]]) -> None:
    whole = runs[0]["report"]
    assert whole["differential"]["diagnoses"][0]["disease_id"] == "a-disease-0"
    different = [run for run in _killed(runs) if run["started"] and run["report"] != whole]
    assert different == []
    # Killed before anything was written, there is no thread, and nothing had been done. The first
    # two writes may be under way at once, so the second can be cut before the first has ended.
    unwritten = [run for run in runs if not run["started"]]
    assert [run["point"] for run in unwritten] in ([0], [0, 1])
    assert [run["searches"] for run in unwritten] == [[]] * len(unwritten)


def test_a_call_whose_answer_was_kept_is_not_run_again(runs: list[dict[str, Any]]) -> None:
    for run in _killed(runs):
        if not run["started"]:
            continue
        times = Counter(run["searches"])
        for call, query in QUERIES.items():
            if call in run["answered"]:
                assert times[query] == 1, run
            else:
                assert 1 <= times[query] <= 2, run


def test_of_two_calls_of_a_turn_only_the_unfinished_one_is_run_again(
    runs: list[dict[str, Any]],
) -> None:
    (cut,) = (run for run in runs if run.get("dies_in") == QUERIES["c1-1"])
    assert cut["answered"] == ["c1-0"]
    assert Counter(cut["searches"]) == {
        QUERIES["c1-0"]: 1, QUERIES["c1-1"]: 2, QUERIES["c2-0"]: 1
    }  # fmt: skip
