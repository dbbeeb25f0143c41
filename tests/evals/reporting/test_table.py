from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from evals.reporting.comparison import compare_runs
from evals.reporting.run_page import render_run
from evals.reporting.stored import read_run
from evals.reporting.table import print_comparison, print_run
from evals.running.ledger import Line
from tests.evals.reporting.pages import Page
from tests.evals.reporting.runs import Asked, manifest, write_run


def _console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=80), out


def _rows(printed: str) -> list[str]:
    return [" ".join(row.split()) for row in printed.splitlines()]


def test_several_arms_stand_in_one_table_of_80_columns(folder: Path) -> None:
    run = read_run(folder)
    console, out = _console()
    print_run(console, run.lines, list(run.manifests.values()))
    rows = _rows(out.getvalue())
    assert rows[0] == (
        "DIRTY TREE cccccccccccc | source ffffffffffff | data dddddddddddd | truth eeeeeeeeeeee"
    )
    assert "shaped all, 24 cases; 1 of the split left out (manifest.json)" in rows
    assert "planner-alone 24 21 1 1 1 1.25 2.29" in rows
    # 6 of 24 at rank 1, 12 of 24 within three; MRR (6 + 6 / 3) / 24.
    assert "offline 6 25.0% 12 50.0% 12 50.0% 12 50.0% 0.333" in rows
    assert any(row.startswith("V3, n 24 12.0-44.9 31.4-68.6") for row in rows)
    assert "1 x KeyError at <b>x.py</b>:3 (planner-alone V3)" in rows
    assert rows[-1] == "Contamination not excluded: the cases are public."
    table = out.getvalue().split("top-1")[1].split("First line")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in out.getvalue()


def test_the_longest_arm_names_and_all_scorings_fit(tmp_path: Path) -> None:
    run = read_run(
        write_run(
            tmp_path / "run",
            [
                Asked("planner-alone-images", "V2x", 1, [1] * 40 + [2] * 60),
                Asked("agent-no-knowledge", "V4", 0, [None] * 100),
            ],
        )
    )
    console, out = _console()
    print_run(console, run.lines, list(run.manifests.values()))
    assert "…" not in out.getvalue()
    assert max(map(len, out.getvalue().split("First line")[0].splitlines()[3:])) <= 80
    assert "planner-alone-images" in out.getvalue()
    assert "100 100.0%" in out.getvalue()


def test_a_single_arm_is_printed_by_scoring_and_reading(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", [Asked("offline", "V3", 0, [1, 2, None, None])]))
    console, out = _console()
    print_run(console, run.lines, [manifest("offline")])
    rows = _rows(out.getvalue())
    assert (
        "shaped all, view V3, arm offline, seed 0; 1 of the split left out (manifest.json)" in rows
    )
    assert "top-1 1/4 25.0% [4.6, 69.9] 1/4 25.0% [4.6, 69.9]" in rows
    assert any(row.startswith("MRR 0.375 [") for row in rows)  # (1 + 1/2) / 4


def _in_batch(line: Line) -> Line:
    return line.model_copy(update={"versions": {"mode": "batch"}, "latency_s": 600.0})


def test_the_time_of_batch_jobs_is_printed_apart(tmp_path: Path) -> None:
    asked = [Asked("offline", "V3", 0, [1, 2]), Asked("planner-alone", "V3", 0, [1, 1])]
    folder = write_run(
        tmp_path / "run",
        asked,
        change=lambda line: _in_batch(line) if line.arm == "planner-alone" else line,
    )
    run = read_run(folder)
    console, out = _console()
    print_run(console, run.lines, list(run.manifests.values()))
    rows = _rows(out.getvalue())
    assert "offline 2 2 0 0 0 0.15 0.20" in rows
    assert "planner-alone 2 2 0 0 0 - -" in rows
    job = "batch jobs p50 600.00 s, p95 600.00 s"
    assert f"planner-alone V3: {job}; a batch job's time is no latency" in rows
    page = Page(render_run(run))
    assert "planner-alone V3 2 – – 600.00 s 600.00 s" in page.words
    assert "offline V3 2 0.15 s 0.20 s – –" in page.words


def test_a_comparison_is_printed_in_short(tmp_path: Path) -> None:
    a, b = (
        read_run(write_run(tmp_path / name, [Asked("offline", "V3", 0, ranks)]))
        for name, ranks in (("a", [1] * 5 + [None] * 5), ("b", [None] * 10))
    )
    console, out = _console()
    print_comparison(console, a, b, compare_runs(a, b))
    rows = _rows(out.getvalue())
    assert rows[0].startswith("A a: clean tree")
    assert any(row.startswith("offline V3, 10 cases in both: right to wrong 5, ") for row in rows)
    # 5 discordant pairs against 0: p is 2 / 2 ** 5.
    assert any(row.startswith("A offline V3 10 5:0 +50.0 0.0625 0.0625") for row in rows)
    assert rows[-1] == "settings that differ: none"
