"""Gemini's batch mode, for arms that are one request without tools: slower, at the batch price.

The requests are the JSON that the live arm sends, and the lines are made and scored by the same
function. A line's latency is that of its job. Which jobs there are stands in batches.json, so that
the same command takes them up again after a kill. A run's time-out and rate do not apply to jobs.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage
from rich.console import Console

from agent.case import Case
from agent.costs import IN_BATCH
from agent.planner.gemini_errors import REQUEST_CODES, PlannerRefused
from agent.planner.gemini_messages import used_text
from evals.arms.arm import Arm, Prediction, SingleTurn
from evals.arms.failures import (
    ALL_REFUSED,
    ServiceRefused,
    ServiceUnavailable,
    planner_failures,
)
from evals.running.batch_jobs import BatchBook, BatchEntry
from evals.running.execute import Bench, Outcome, Work, line_of, outcome_of, outcome_of_error
from evals.running.ledger import Line
from tools.errors import ToolFailure, UserError

if TYPE_CHECKING:
    from google.genai.types import GenerateContentResponse

    from agent.planner.gemini import GeminiPlanner
    from agent.planner.gemini_batch import BatchAnswer, BatchService, Job
    from agent.planner.gemini_turn import Turn

POLL_S = 5.0
_LONGEST_POLL_S = 60.0
_OF_REQUEST = REQUEST_CODES | {3, 11}  # google.rpc.Code: INVALID_ARGUMENT, OUT_OF_RANGE
_MOST_LOST = 2  # jobs that may lose a request before it is given up

Record = Callable[[Line], None]


def is_batchable(arm: Arm) -> bool:
    """Whether an arm can run in batch mode: one request without tools, to Gemini by key."""
    from agent.planner.gemini import GeminiPlanner

    planner = arm.single_turn.planner if arm.single_turn else None
    return isinstance(planner, GeminiPlanner) and not planner.vertexai


async def run_batch(
    todo: Sequence[Work], bench: Bench, record: Record, folder: Path, *, poll_s: float = POLL_S
) -> None:
    """Do the work in batch jobs and record each line when its job has ended.

    A request that a job lost (expired, cancelled, failed, or a passing fault of its own) goes into
    another job once. An answer that does not fit its schema is asked for once more, as live. A
    request that is refused for what it holds is a miss, unless all of the job's are refused.

    Args:
        todo: Of arms that `is_batchable` says yes to.
        folder: The run's, for batches.json.
        poll_s: First wait between two looks at a job, seconds; grows to a minute.

    Raises:
        UserError: From the service or an arm. Jobs go on; the same command takes them up again.
    """
    for name in sorted({work.arm for work in todo}):
        if not is_batchable(bench.arms[name]):
            raise UserError(
                f"the arm {name!r} cannot run in batch mode, which is for arms of one request to "
                "Gemini by key: run it without --batch"
            )
    book = BatchBook(folder)
    try:
        for name in dict.fromkeys(work.arm for work in todo):
            arm = _ArmInBatch(name, bench, record, book)
            try:
                await arm.run([work for work in todo if work.arm == name], poll_s)
            finally:
                arm.service.close()
    except asyncio.CancelledError:
        _say("stopped; batch jobs go on at the service, and the same command takes them up again")
        raise


@dataclass(kw_only=True, slots=True)
class _Piece:
    """One request: what it is of, and what the jobs so far have said to it."""

    work: Work
    shown: Case
    responses: list[GenerateContentResponse] = field(default_factory=list)
    lost: int = 0
    is_open: bool = True


class _ArmInBatch:
    """One arm's work in jobs."""

    def __init__(self, name: str, bench: Bench, record: Record, book: BatchBook) -> None:
        from agent.planner.gemini import GeminiPlanner
        from agent.planner.gemini_batch import BatchService

        turn = bench.arms[name].single_turn
        if turn is None or not isinstance(turn.planner, GeminiPlanner):
            raise ValueError(f"the arm {name!r} is not one request to Gemini")
        self._name, self._bench, self._record, self._book = name, bench, record, book
        self._turn: SingleTurn = turn
        self._planner: GeminiPlanner = turn.planner
        self.service: BatchService = BatchService(self._planner)
        self._pieces: dict[str, _Piece] = {}

    async def run(self, work: Sequence[Work], poll_s: float) -> None:
        """Take up the jobs that owe something, then make jobs until every line is there."""
        for one in work:
            shown = await self._bench.viewer.show(one.case, one.view)
            self._pieces[_key(one)] = _Piece(work=one, shown=shown)
        for entry in self._book.waiting(self._pieces):
            await self._finish(entry, poll_s)
        while any(piece.is_open for piece in self._pieces.values()):
            entries = [await self._submit(group) async for group in self._groups()]
            for entry in entries:
                await self._finish(entry, poll_s)

    async def _groups(self) -> AsyncIterator[list[tuple[str, Turn]]]:
        """Requests that are still wanted, as many together as a job takes."""
        from agent.planner.gemini_batch import MOST_BYTES, size_of

        group: list[tuple[str, Turn]] = []
        filled = 0
        for key, piece in self._pieces.items():
            if not piece.is_open:
                continue
            try:
                turn, _ = await asyncio.to_thread(self._replay, piece)
            except ToolFailure as error:
                self._end(piece, outcome_of_error(error), 0.0)
                continue
            size = size_of(turn)
            if group and filled + size > MOST_BYTES:
                yield group
                group, filled = [], 0
            group.append((key, turn))
            filled += size
        if group:
            yield group

    async def _submit(self, group: list[tuple[str, Turn]]) -> BatchEntry:
        entry = self._book.begin(self._name, [key for key, _ in group])
        try:
            name = await self.service.submit(entry.label, group)
        except PlannerRefused:
            self._book.drop(entry)
            raise
        _say(f"{self._name}: batch job {name} made, {len(group)} requests")
        return self._book.name(entry, name)

    async def _finish(self, entry: BatchEntry, poll_s: float) -> None:
        """Wait for a job, and record what it answers for good."""
        if not entry.name:  # a kill came between making the job and writing down its name
            name = await self.service.find(entry.label)
            if name is None:
                self._book.drop(entry)
                return
            entry = self._book.name(entry, name)
        wait_s = poll_s
        while (job := await self.service.look(entry.name, entry.keys)).state == "running":
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 1.5, max(_LONGEST_POLL_S, poll_s))
        mine = [key for key in entry.open if key in self._pieces and self._pieces[key].is_open]
        refused = [key for key in mine if self._is_refused(job.answers.get(key))]
        if len(refused) < max(len(mine), ALL_REFUSED):  # else it is no fault of the cases
            refused = [key for key in refused if job.answers[key].code not in _OF_REQUEST]
        for key in mine:
            if key not in refused:
                await self._take(self._pieces[key], job, job.answers.get(key))
        ended = [key for key in mine if not self._pieces[key].is_open]
        self._book.settle([*ended, *refused])
        _say(
            f"{self._name}: batch job {entry.name} {job.state}, {len(ended)} of {len(mine)} "
            "requests answered for good"
        )
        if refused:
            codes = sorted({str(job.answers[key].code) for key in refused})
            raise PlannerRefused(
                f"Gemini refused {len(refused)} of {len(mine)} requests of batch job "
                f"{entry.name!r} (code {', '.join(codes)}); check the model's name and what the "
                "requests hold; the same command submits them again"
            )

    @staticmethod
    def _is_refused(answer: BatchAnswer | None) -> bool:
        return answer is not None and answer.response is None and not answer.is_transient

    async def _take(self, piece: _Piece, job: Job, answer: BatchAnswer | None) -> None:
        if answer is not None and self._is_refused(answer):
            why: ToolFailure = ServiceRefused(f"refused in a batch job, code {answer.code}")
            self._end(piece, outcome_of_error(why), job.seconds)
            return
        if answer is None or answer.response is None:
            piece.lost += 1
            if piece.lost < _MOST_LOST:
                return
            why = ServiceUnavailable(f"{piece.lost} batch jobs ended without an answer to it")
            self._end(piece, outcome_of_error(why), job.seconds)
            return
        piece.responses.append(answer.response)
        outcome = await outcome_of(self._predict(piece), self._bench.timeout_s)
        if not piece.is_open:
            self._end(piece, outcome, job.seconds)

    async def _predict(self, piece: _Piece) -> Prediction:
        """The prediction in what was said; the piece stays open when it is to be asked again."""
        piece.is_open = False
        try:
            _, message = await asyncio.to_thread(self._replay, piece)
        except ServiceUnavailable:  # the answer broke off: lost, as if there were none
            piece.responses.pop()
            piece.lost += 1
            if piece.lost >= _MOST_LOST:
                raise
            message = None
        if message is None:
            piece.is_open = True
            return Prediction(diagnoses=())
        reply = message.model_copy(
            update={"response_metadata": {**message.response_metadata, IN_BATCH: True}}
        )
        answer = self._turn.schema.model_validate_json(used_text(reply))
        return self._turn.read(answer, reply)

    def _replay(self, piece: _Piece) -> tuple[Turn, AIMessage | None]:
        """The turn after all that was said to it, and its message, where one stands."""
        from agent.planner.gemini_structured import AnswerSchema
        from agent.planner.gemini_turn import Turn

        messages = self._turn.messages(piece.shown)
        turn = Turn(self._planner, messages, None, answer_schema=AnswerSchema(self._turn.schema))
        message = None
        for response in piece.responses:
            turn.request(is_async=True)
            turn.take(response)
            with planner_failures():
                message = turn.settle()
        return turn, message

    def _end(self, piece: _Piece, outcome: Outcome, latency_s: float) -> None:
        piece.is_open = False
        said = outcome.prediction  # a failure too took as long as its job
        marked = replace(said, versions={**said.versions, "mode": "batch"})
        outcome = replace(outcome, prediction=marked)
        self._record(line_of(piece.work, piece.shown, outcome, latency_s, self._bench))


def _key(work: Work) -> str:
    """What a request is called at the service: a hash, since a case's id is told to no model."""
    return hashlib.sha256(json.dumps(work.key).encode()).hexdigest()[:24]


def _say(words: str) -> None:
    Console(stderr=True).print(words, markup=False, highlight=False, soft_wrap=True)
