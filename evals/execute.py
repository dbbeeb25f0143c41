"""Executing a run: cases through an arm and the matcher, a bounded number at a time."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from agent.case import Case
from evals.arms import Arm, Prediction
from evals.ledger import Item, Key, Line, Status
from evals.match import Synonyms, judge_list
from evals.medpix import MedPixCase
from evals.views import View, show
from tools.errors import ToolFailure, UserError


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What is the same for every case of a run."""

    view: View
    arm_name: str
    arm: Arm
    seed: int
    config: str
    synonyms: Synonyms
    timeout_s: float

    def key(self, case: MedPixCase) -> Key:
        """The ledger's key of that case in this run."""
        return (case.id, self.view, self.arm_name, self.seed, self.config)


_NOTHING = Prediction(diagnoses=())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    status: Status
    prediction: Prediction = _NOTHING
    error: str = ""


async def run_cases(
    cases: Sequence[MedPixCase], run: Run, record: Callable[[Line], None], concurrent: int
) -> None:
    """Ask the arm about every case, at most `concurrent` at a time, and record each as it ends.

    Raises:
        UserError: From the arm: its set-up is wrong, so the other cases would fail as well.
    """
    limit = asyncio.Semaphore(concurrent)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"{run.arm_name}, view {run.view}", total=len(cases))

        async def one(case: MedPixCase) -> None:
            async with limit:
                line = await run_case(case, run)
            record(line)
            progress.advance(bar)

        await asyncio.gather(*(one(case) for case in cases))


async def run_case(case: MedPixCase, run: Run) -> Line:
    """One case through the arm and the matcher.

    Raises:
        UserError: From the arm.
    """
    shown = show(case, run.view)
    started = time.perf_counter()
    outcome = await _ask(run.arm, shown, run.timeout_s)
    latency_s = time.perf_counter() - started

    prediction = outcome.prediction
    names = [diagnosis.name for diagnosis in prediction.diagnoses]
    judged = judge_list(names, case.truth)
    with_kb = judge_list(names, case.truth, run.synonyms)
    counts = outcome.status == "OK"
    return Line(
        case=case.id,
        view=run.view,
        arm=run.arm_name,
        seed=run.seed,
        config=run.config,
        status=outcome.status,
        error=outcome.error,
        abstained=prediction.abstained,
        input=shown,
        predictions=tuple(
            Item(name=d.name, probability=d.probability, level=level, level_with_kb=kb_level)
            for d, level, kb_level in zip(
                prediction.diagnoses, judged.levels, with_kb.levels, strict=True
            )
        ),
        rank=judged.rank if counts else None,
        rank_with_kb=with_kb.rank if counts else None,
        rank_broader=judged.rank_broader if counts else None,
        latency_s=latency_s,
        versions=dict(prediction.versions),
    )


async def _ask(arm: Arm, shown: Case, timeout_s: float) -> _Outcome:
    task = asyncio.create_task(arm.predict(shown))
    await asyncio.wait({task}, timeout=timeout_s)
    if not task.done():
        task.cancel()
        return _Outcome(status="NO_ANSWER", error=f"time-out after {timeout_s:g} s")
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if isinstance(error, UserError):
        raise error
    if error is not None:
        # Any other exception is a bug of the system or the harness. It is read off the task, not
        # caught: the case is a miss, the run fails, and the other cases still get their answers.
        status: Status = (
            "NO_ANSWER" if isinstance(error, ToolFailure | TimeoutError) else "UNSCORED"
        )
        return _Outcome(status=status, error=_where(error))
    prediction = task.result()
    if prediction.abstained or not prediction.diagnoses:
        why = "" if prediction.abstained else "empty list"
        return _Outcome(status="NO_ANSWER", prediction=prediction, error=why)
    return _Outcome(status="OK", prediction=prediction)


def _where(error: BaseException) -> str:
    """The class and the place; the message stays out, since it may hold case text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place
