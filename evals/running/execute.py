"""Executing one piece of work: a case through an arm and the matcher, into a line."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.case import Case
from evals.arms.arm import Arm, Prediction
from evals.arms.failures import ServiceUnavailable
from evals.data.dataset import EvalCase
from evals.matching.levels import Judged
from evals.matching.scoring import Scorer, Scoring
from evals.running.ledger import Item, Key, Line, Status
from evals.running.rate import held_s
from evals.truth import Truth
from evals.views.show import View
from evals.views.viewer import Viewer
from tools.errors import ToolFailure, UserError
from tools.vision.endpoint_errors import Transient


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


class _Watch:
    """Seconds since it was made, without those for which the run's rate limit held calls back."""

    def __init__(self) -> None:
        self._began = time.perf_counter() - held_s()

    @property
    def seconds(self) -> float:
        """Up to now."""
        return time.perf_counter() - held_s() - self._began


_NOTHING = Prediction(diagnoses=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How one piece of work ended, before it is scored.

    Attributes:
        may_pass: As in a Line.
    """

    status: Status
    prediction: Prediction = _NOTHING
    error: str = ""
    may_pass: bool = False


async def run_one(work: Work, bench: Bench) -> Line:
    """One case through the arm and the matcher.

    Raises:
        UserError: From the arm or the view.
    """
    showing = asyncio.create_task(bench.viewer.show(work.case, work.view))
    if error := await _error_of(showing):
        fault = outcome_of_error(error)
        return line_of(work, Case(), replace(fault, status="UNSCORED"), 0.0, bench)
    shown = showing.result()
    watch = _Watch()
    answer = bench.arms[work.arm].predict(shown, work.seed)
    outcome = await outcome_of(answer, bench.timeout_s)
    return line_of(work, shown, outcome, watch.seconds, bench)


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
        may_pass=outcome.may_pass,
        abstained=prediction.abstained,
        input=shown,
        truth=case.truth,
        predictions=tuple(
            Item(name=d.name, probability=d.probability) for d in prediction.diagnoses
        ),
        scores=scores_of(names, case.truth, bench.scorers),
        latency_s=latency_s,
        costs=dict(prediction.costs),
        unsupported=prediction.unsupported,
        reply=prediction.reply,
        report=prediction.report,
        versions=dict(prediction.versions),
    )


def scores_of(
    names: Sequence[str], truth: Truth, scorers: Mapping[Scoring, Scorer]
) -> dict[Scoring, Judged]:
    """A list judged in every way there is."""
    return {scoring: score(names, truth) for scoring, score in scorers.items()}


async def outcome_of(answer: Coroutine[Any, Any, Prediction], timeout_s: float) -> Outcome:
    """How an answer ended that is waited for so many seconds; cancelled when it took longer.

    Time in which the run's own rate limit held its calls back does not count.

    Raises:
        UserError: From the arm.
    """
    task = asyncio.create_task(answer)
    error = await _error_of(task, timeout_s)
    if not task.done():
        return Outcome(status="NO_ANSWER", error=f"time-out after {timeout_s:g} s", may_pass=True)
    return outcome_of_prediction(task.result()) if error is None else outcome_of_error(error)


def outcome_of_error(error: BaseException) -> Outcome:
    """A miss; a fault of the system or the harness when it is none that an arm may raise.

    Raises:
        UserError: When it is one.
    """
    if isinstance(error, UserError):
        raise error
    is_miss = isinstance(error, ToolFailure | TimeoutError)
    gone = isinstance(error, ServiceUnavailable | TimeoutError)
    return Outcome(
        status="NO_ANSWER" if is_miss else "UNSCORED",
        error=_where(error),
        may_pass=gone or isinstance(error.__cause__, Transient),
    )


def outcome_of_prediction(prediction: Prediction) -> Outcome:
    """An answer, or a miss when the arm abstained or its list is empty."""
    if prediction.abstained or not prediction.diagnoses:
        why = "" if prediction.abstained else "empty list"
        return Outcome(status="NO_ANSWER", prediction=prediction, error=why)
    return Outcome(status="OK", prediction=prediction)


async def _error_of(
    task: asyncio.Task[Any], timeout_s: float | None = None
) -> BaseException | None:
    """What a task raised; None when it did not, and when it was not done in time.

    Any exception is read off the task, not caught: the case is a miss, a fault fails the run, and
    the other cases still get their answers.
    """
    try:
        watch, left_s = _Watch(), timeout_s
        while not task.done() and (left_s is None or left_s > 0):
            await asyncio.wait({task}, timeout=left_s)
            left_s = None if timeout_s is None else timeout_s - watch.seconds
    finally:
        is_done = task.done()
        task.cancel()  # nothing happens to one that is done
    if not is_done:
        return None
    return asyncio.CancelledError() if task.cancelled() else task.exception()


def _where(error: BaseException) -> str:
    """The class and the place; the message stays out, since it may hold case text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place
