"""The schedule of a run: which piece of work begins when, bounded by backend and by money."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evals.arms.arm import Arm, Backend
from evals.running.execute import Work
from evals.running.ledger import Ledger, Line
from evals.running.rate import Rates
from tools.errors import UserError

Do = Callable[[Work], Coroutine[Any, Any, Line]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How fast a run may go.

    Attributes:
        concurrent: Cases at a time that keep a backend busy.
        per_minute: As in Rates.
        max_dollars: Of the run's folder; None is no limit.
    """

    concurrent: Mapping[Backend, int]
    per_minute: Mapping[Backend, float] = field(default_factory=dict)
    max_dollars: float | None = None


class Purse:
    """What a run may still spend, counted from the lines of its folder.

    Args:
        ledger: Holds what was spent, in earlier runs too.
        limit: Dollars; None is no limit.
    """

    def __init__(self, ledger: Ledger, limit: float | None) -> None:
        self._ledger = ledger
        self._limit = limit
        self._unpriced = ledger.unpriced

    def allows(self, in_flight: int) -> bool:
        """Whether another case may begin, if those in flight cost what the mean paid one did.

        Raises:
            UserError: When there is a limit, and since the start a case cost nobody knows what.
        """
        if self._limit is None:
            return True
        if self._ledger.unpriced > self._unpriced:
            raise UserError(
                "--max-dollars cannot be kept: the planner's model has no price here; give "
                "--planner-prices FILE, or leave --max-dollars out"
            )
        mean = self._ledger.dollars / max(1, self._ledger.paid)
        return self._ledger.dollars + in_flight * mean < self._limit


class Gate:
    """The places of each backend; a case takes one of each backend that its arm keeps busy.

    All at once or none: a case never holds one place while it waits for another.
    """

    def __init__(self, concurrent: Mapping[Backend, int]) -> None:
        self._free = dict(concurrent)

    def take(self, backends: frozenset[Backend]) -> bool:
        """Take the places of a case; False when one is missing."""
        if any(self._free[backend] < 1 for backend in backends):
            return False
        for backend in backends:
            self._free[backend] -= 1
        return True

    def give(self, backends: frozenset[Backend]) -> None:
        """Give them back."""
        for backend in backends:
            self._free[backend] += 1


class Schedule:
    """Begins work as places and money allow.

    Arms that keep the same backends busy run one after the other, others side by side.
    """

    def __init__(self, arms: Mapping[str, Arm], pace: Pace, purse: Purse) -> None:
        self._backends = {name: arm.backends for name, arm in arms.items()}
        self._gate = Gate(pace.concurrent)
        self._rates = Rates(pace.per_minute)
        self._purse = purse

    async def run(self, todo: Iterable[Work], do: Do, record: Callable[[Line], None]) -> None:
        """Do the work and record each line as it ends; returns early when the money is spent.

        Raises:
            UserError: From an arm: its set-up is wrong, so the other cases would fail as well. From
                the purse: what is spent is not known.
                What is in flight is cancelled then, and when this is cancelled; lines stay.
        """
        queues: dict[frozenset[Backend], deque[Work]] = {}
        for work in todo:
            queues.setdefault(self._backends[work.arm], deque()).append(work)
        running: dict[asyncio.Task[Line], frozenset[Backend]] = {}
        try:
            while True:
                for backends, queue in queues.items():
                    while queue and self._purse.allows(len(running)) and self._gate.take(backends):
                        task = asyncio.create_task(self._one(queue.popleft(), do))
                        running[task] = backends
                if not running:
                    return
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                ended = [task for task in running if task.done()]  # as they began
                for task in ended:
                    self._gate.give(running.pop(task))
                failed = [task for task in ended if task.cancelled() or task.exception()]
                for task in ended:
                    if task not in failed:
                        record(task.result())
                for task in failed:
                    task.result()  # raises what it met
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _one(self, work: Work, do: Do) -> Line:
        await self._rates.turn(self._backends[work.arm])
        return await do(work)
