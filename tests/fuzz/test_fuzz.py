"""No file, however broken, crashes the loader, stops it or fills the memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fuzz.mutate import mutant
from tests.fuzz.run import Worker, fuzz


@pytest.mark.slow
def test_three_hundred_mutants_of_real_files_are_loaded_or_refused() -> None:
    outcomes = fuzz(300, seed=2026)
    assert [o for o in outcomes if o.is_fault] == []
    assert len(outcomes) == 300
    # Mutants that were all refused, or all loaded, would test nothing.
    assert {o.what for o in outcomes} == {"loaded", "refused"}


@pytest.mark.parametrize("hang", ["while True: pass", "import time; time.sleep(60)"])
def test_a_process_that_computes_or_waits_without_end_is_a_fault(hang: str, tmp_path: Path) -> None:
    worker = Worker(tmp_path, [sys.executable, "-c", hang], most_cpu_s=0.5, most_wait_s=2)
    try:
        outcome = worker.load(3, b"DICM")
    finally:
        worker.close()
    assert (outcome.number, outcome.what, outcome.is_fault) == (3, "hang", True)


def test_a_process_that_waits_long_for_its_turn_is_none(tmp_path: Path) -> None:
    answer = (
        "import sys, time; sys.stdin.readline(); time.sleep(1.5); print('9 loaded', flush=True)"
    )
    worker = Worker(tmp_path, [sys.executable, "-c", answer], most_cpu_s=1, most_wait_s=60)
    try:
        assert worker.load(3, b"DICM").what == "loaded"
    finally:
        worker.close()


def test_the_same_seed_and_number_give_the_same_mutant() -> None:
    files = [bytes(range(256)) * 4, b"DICM" * 300]
    assert mutant(files, 1, 7) == mutant(files, 1, 7)
    assert len({mutant(files, 1, n) for n in range(50)}) > 40
