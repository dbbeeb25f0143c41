from __future__ import annotations

import io

import pytest
from rich.console import Console

from evals.running.progress import RunProgress, in_words


def test_plain_lines_say_how_far_how_fast_for_how_much_and_how_long() -> None:
    now = 100.0
    said = io.StringIO()
    console = Console(file=said, force_terminal=False, width=80)
    with RunProgress(console, total=292, done=100, clock=lambda: now) as progress:
        for step in range(1, 97):
            now += 0.625
            progress.step(dollars=0.01 * step, unpriced=0)
    lines = said.getvalue().splitlines()
    # 96 here in 60 s; the 96 left take another minute.
    assert lines[-1] == "196/292 96.0/min, $0.96, 1 min 0 s left"
    assert len(lines) == 4  # one every 15 s


def test_the_last_one_is_told_at_once_and_unknown_prices_are_said() -> None:
    now = 0.0
    said = io.StringIO()
    console = Console(file=said, force_terminal=False)
    with RunProgress(console, total=1, done=0, clock=lambda: now) as progress:
        now = 2.0
        progress.step(dollars=0.0, unpriced=1)
    assert said.getvalue() == ("1/1 30.0/min, $0.00 and 1 cases without a known price, 0 s left\n")


def test_a_terminal_gets_a_bar_that_goes_away() -> None:
    said = io.StringIO()
    console = Console(file=said, force_terminal=True, width=100)
    with RunProgress(console, total=2, done=0) as progress:
        progress.step(dollars=0.5)
    assert "$0.50" in said.getvalue()
    assert "\n" not in said.getvalue().replace("\r", "")[-5:]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (7260, "2 h 1 min")],
)
def test_times_are_told_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
