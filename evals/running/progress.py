"""What a person sees while a run goes on: done, rate, cost so far, time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

_PLAIN_EVERY_S = 15.0


class RunProgress:
    """A moving line on a terminal, a line every 15 seconds elsewhere.

    Args:
        console: Where to.
        total: Pieces of work, those done in earlier runs too.
        done: Of them, done already.
        clock: Monotonic, seconds.
    """

    def __init__(
        self,
        console: Console,
        *,
        total: int,
        done: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._total = total
        self._done = self._done_before = done
        self._clock = clock
        self._began = self._told = clock()
        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rest]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("cases", total=total, completed=done, rest="")

    def __enter__(self) -> RunProgress:
        """Begin to show it."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it away."""
        self._bar.stop()

    def step(self, dollars: float, unpriced: int = 0) -> None:
        """One more is done.

        Args:
            dollars: Spent in this folder so far.
            unpriced: Cases of a model whose price nobody knows.
        """
        self._done += 1
        now = self._clock()
        rest = self.rest(dollars, unpriced)
        self._bar.update(self._task, completed=self._done, rest=rest)
        if not self._console.is_terminal and (
            now - self._told >= _PLAIN_EVERY_S or self._done == self._total
        ):
            self._told = now
            self._console.print(
                f"{self._done}/{self._total} {rest}", markup=False, highlight=False, soft_wrap=True
            )

    def rest(self, dollars: float, unpriced: int = 0) -> str:
        """Rate, cost and time left, in words."""
        elapsed_s = self._clock() - self._began
        here = self._done - self._done_before
        per_minute = 60 * here / elapsed_s if elapsed_s > 0 else 0.0
        left_s = (self._total - self._done) * elapsed_s / here if here else 0.0
        unknown = f" and {unpriced} cases without a known price" if unpriced else ""
        return f"{per_minute:.1f}/min, ${dollars:.2f}{unknown}, {in_words(left_s)} left"


def in_words(seconds: float) -> str:
    """Like "45 s", "12 min 5 s", "3 h 20 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
