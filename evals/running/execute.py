"""Executing a run: cases through arms and the matcher, a bounded number at a time."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from agent.case import Case
from evals.arms.arm import Arm, Prediction
from evals.data.dataset import EvalCase
from evals.matching.scoring import Scorer, Scoring
from evals.running.ledger import Item, Key, Line, Status
from evals.views.show import View
from evals.views.viewer import Viewer
from tools.errors import ToolFailure, UserError


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One piece of work: one case in one view through one arm, once.

    Attributes:
        config: Hash of all that the answer and its score depend on.
    """

    case: EvalCase
    view: View
    arm: str
    seed: int
    config: str

    @property
    def key(self) -> Key:
        """Its line's key."""
        return (self.case.id, self.view, self.arm, self.seed, self.config)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What work is done with."""

    arms: Mapping[str, Arm]
    viewer: Viewer
    scorers: Mapping[Scoring, Scorer]
    timeout_s: float


_NOTHING = Prediction(diagnoses=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How one piece of work ended, before it is scored."""

    status: Status
    prediction: Prediction = _NOTHING
    error: str = ""


async def run_all(
    todo: Sequence[Work], bench: Bench, record: Callable[[Line], None], concurrent: int
) -> None:
    """Do all the work, at most `concurrent` at a time, and record each line as it ends.

    Raises:
        UserError: From an arm: its set-up is wrong, so the other cases would fail as well.
    """
    limit = asyncio.Semaphore(concurrent)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("cases", total=len(todo))

        async def one(work: Work) -> None:
            async with limit:
                line = await run_one(work, bench)
            record(line)
            progress.advance(bar)

        await asyncio.gather(*(one(work) for work in todo))


async def run_one(work: Work, bench: Bench) -> Line:
    """One case through the arm and the matcher.

    Raises:
        UserError: From the arm.
    """
    shown = await bench.viewer.show(work.case, work.view)
    started = time.perf_counter()
    outcome = await _ask(bench.arms[work.arm], shown, work.seed, bench.timeout_s)
    latency_s = time.perf_counter() - started
    return line_of(work, shown, outcome, latency_s, bench)


def line_of(work: Work, shown: Case, outcome: Outcome, latency_s: float, bench: Bench) -> Line:
    """The scored line of a piece of work, however its answer was come by.

    Args:
        shown: What the arm was handed.
        latency_s: From asking to the answer, seconds.
    """
    case, prediction = work.case, outcome.prediction
    names = [diagnosis.name for diagnosis in prediction.diagnoses]
    return Line(
        case=case.id,
        patient=case.patient,
        view=work.view,
        arm=work.arm,
        seed=work.seed,
        config=work.config,
        status=outcome.status,
        error=outcome.error,
        abstained=prediction.abstained,
        input=shown,
        truth=case.truth,
        predictions=tuple(
            Item(name=d.name, probability=d.probability) for d in prediction.diagnoses
        ),
        scores={name: score(names, case.truth) for name, score in bench.scorers.items()},
        latency_s=latency_s,
        costs=dict(prediction.costs),
        unsupported=prediction.unsupported,
        reply=prediction.reply,
        report=prediction.report,
        versions=dict(prediction.versions),
    )


async def _ask(arm: Arm, shown: Case, seed: int, timeout_s: float) -> Outcome:
    task = asyncio.create_task(arm.predict(shown, seed))
    await asyncio.wait({task}, timeout=timeout_s)
    if not task.done():
        task.cancel()
        return Outcome(status="NO_ANSWER", error=f"time-out after {timeout_s:g} s")
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    return outcome_of_prediction(task.result()) if error is None else outcome_of_error(error)


def outcome_of_error(error: BaseException) -> Outcome:
    """A miss; a fault of the system or the harness when it is none that an arm may raise.

    Raises:
        UserError: When it is one.
    """
    if isinstance(error, UserError):
        raise error
    # Any exception an arm may not raise is a bug of the system or the harness. It is read off the
    # task, not caught: the case is a miss, the run fails, and the other cases still get answers.
    status: Status = "NO_ANSWER" if isinstance(error, ToolFailure | TimeoutError) else "UNSCORED"
    return Outcome(status=status, error=_where(error))


def outcome_of_prediction(prediction: Prediction) -> Outcome:
    """An answer, or a miss when the arm abstained or its list is empty."""
    if prediction.abstained or not prediction.diagnoses:
        why = "" if prediction.abstained else "empty list"
        return Outcome(status="NO_ANSWER", prediction=prediction, error=why)
    return Outcome(status="OK", prediction=prediction)


def _where(error: BaseException) -> str:
    """The class and the place; the message stays out, since it may hold case text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place
