"""What the evaluation's harness costs: `python -m benchmarks.evals`.

The harness alone: an arm that answers at once with ten names, so that a case is shown, judged and
written to the disk, beside the bare writing of the same bytes. The offline arm: 300 cases in V3
through the command line, start included, on MedPix when HOOFBEAT_DATA names its folder and on
invented cases otherwise; its figures are thrown away. Starting again: its lines, seven times over,
opened as a run that resumes opens them. Exit code 1 when a figure is over its limit. `--quick`
leaves the offline arm out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import psutil

from agent.case import Case
from agent.settings import Settings
from benchmarks.knowledge import Line as Figure
from evals.arms.arm import Arm, Named, Prediction
from evals.data.dataset import Dataset
from evals.data.medpix import load_medpix
from evals.matching.scoring import build_scorers
from evals.running.execute import Bench, Work, run_one
from evals.running.ledger import Ledger, read_lines
from evals.running.schedule import Pace, Purse, Schedule
from evals.views.viewer import Viewer
from knowledge.entry import load_entries
from tests.evals.many import write_many

_CASES = 300
_TIMES = 7
_NAMES = (
    "sarcoidosis", "lymphangioleiomyomatosis", "pulmonary alveolar proteinosis", "lung cancer",
    "Langerhans cell histiocytosis", "idiopathic pulmonary fibrosis", "lymphoma",
    "pulmonary tuberculosis", "Birt-Hogg-Dube syndrome", "lymphoid interstitial pneumonia",
)  # fmt: skip


def main() -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evals", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the offline arm")
    quick = parser.parse_args().quick
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="hoofbeat-benchmark-") as name:
        folder = Path(name)
        invented = write_many(folder / "invented", _CASES)
        figures += _harness(folder, invented)
        for figure in figures:
            print(figure, flush=True)
        if not quick:
            for figure in (_offline(folder, invented), *_reopen(folder)):
                print(figure, flush=True)
                figures.append(figure)
    return int(any(figure.is_over for figure in figures))


def _harness(folder: Path, invented: Path) -> list[Figure]:
    dataset = load_medpix(invented, "all", None)
    bench = Bench(
        arms={"now": Arm(predict=_answer_at_once, config={})},
        viewer=Viewer(dataset, folder, Settings(cache_dir=folder / "cache")),
        scorers=build_scorers(load_entries()),
        timeout_s=600,
    )
    results = folder / "results.jsonl"
    _run(dataset, bench, folder / "warm.jsonl")
    per_case_ms = _run(dataset, bench, results) / _CASES
    bare_ms = _write_bare(results, folder / "bare")
    return [
        Figure(what="harness for a case", value=per_case_ms, unit="ms", limit=15),
        Figure(what="bare write of its line, to the disk", value=bare_ms, unit="ms"),
        Figure(what="harness to bare write", value=per_case_ms / bare_ms, unit="x"),
    ]


async def _answer_at_once(case: Case, seed: int) -> Prediction:
    return Prediction(diagnoses=tuple(Named(name=name) for name in _NAMES))


def _run(dataset: Dataset, bench: Bench, path: Path) -> float:
    """Milliseconds for all cases."""
    todo = [Work(case=case, view="V3", arm="now", seed=0, config="c") for case in dataset.cases]
    with Ledger(path) as ledger:
        schedule = Schedule(bench.arms, Pace(concurrent={"cpu": 2}), Purse(ledger, None))
        started = time.perf_counter()
        asyncio.run(schedule.run(todo, partial(run_one, bench=bench), ledger.append))
        return 1e3 * (time.perf_counter() - started)


def _write_bare(results: Path, path: Path) -> float:
    """Milliseconds a line."""
    lines = results.read_bytes().splitlines(keepends=True)
    with path.open("ab", buffering=0) as file:
        started = time.perf_counter()
        for line in lines:
            file.write(line)
            os.fdatasync(file.fileno())
        return 1e3 * (time.perf_counter() - started) / len(lines)


def _reopen(folder: Path) -> list[Figure]:
    path = folder / "many.jsonl"
    once = (folder / "offline" / "results.jsonl").read_bytes()
    with path.open("wb") as file:
        for seed in range(_TIMES):
            file.write(once.replace(b'"seed":0,', b'"seed":%d,' % seed))
    process = psutil.Process()
    before = process.memory_info().rss
    started = time.perf_counter()
    with Ledger(path) as ledger:
        opened_s = time.perf_counter() - started
        taken_mib = (process.memory_info().rss - before) / 2**20
        started = time.perf_counter()
        lines = list(ledger.read(ledger.marks))
        read_s = time.perf_counter() - started
        kept_mib = (process.memory_info().rss - before) / 2**20
    if len(lines) != _TIMES * _CASES:
        raise RuntimeError(f"{len(lines)} lines were read, {_TIMES * _CASES} were written")
    what = f"{len(lines)} lines, {path.stat().st_size / 2**20:.0f} MiB"
    return [
        Figure(what=f"open {what}, to resume", value=opened_s, unit="s"),
        Figure(what="  memory it takes", value=taken_mib, unit="MiB"),
        Figure(what="  read all of them for the figures", value=read_s, unit="s"),
        Figure(what="  memory with those", value=kept_mib, unit="MiB"),
    ]


def _offline(folder: Path, invented: Path) -> Figure:
    shared = Path(os.environ.get("HOOFBEAT_DATA", "")) / "medpix"
    data = shared if shared.is_dir() else invented
    name = "MedPix" if data == shared else "invented"
    started = time.perf_counter()
    subprocess.run(
        [
            *(sys.executable, "-m", "evals.run", "--data", str(data), "--split", "all"),
            *("--view", "V3", "--arm", "offline", "--limit", str(_CASES)),
            *("--out", str(folder / "offline")),
        ],
        check=True,
        capture_output=True,
    )
    seconds = time.perf_counter() - started
    done = sum(1 for _ in read_lines(folder / "offline" / "results.jsonl", brief=True))
    if done != _CASES:
        raise RuntimeError(f"{done} cases ran, {_CASES} were meant to")
    return Figure(what=f"{_CASES} {name} cases offline", value=seconds, unit="s", limit=90)


if __name__ == "__main__":
    sys.exit(main())
