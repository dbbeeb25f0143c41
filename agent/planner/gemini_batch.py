"""Gemini's batch jobs: many requests in one job, answered within a day.

Protocol: https://ai.google.dev/gemini-api/docs/batch-api. Requests go inline, so one job holds at
most 20 MB; whoever has more makes several jobs.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from agent.planner.gemini_client import build_client
from agent.planner.gemini_errors import (
    TRANSIENT_CODES,
    Fault,
    Patience,
    PlannerRefused,
    call_errors,
    read_fault,
    refusal,
)
from agent.planner.gemini_messages import Json
from agent.planner.gemini_turn import Turn

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import BatchJob, GenerateContentResponse, HttpOptions

    from agent.planner.gemini import GeminiPlanner

logger = logging.getLogger(__name__)

# Of the service's 20 MB, with room for what the client adds.
MOST_BYTES = 18_000_000
# google.rpc.Code: DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE, and
# CANCELLED and UNKNOWN, which a job that was ended early gives to the rest of its requests.
_TRANSIENT_RPC = frozenset({1, 2, 4, 8, 10, 13, 14})

JobState = Literal["running", "succeeded", "failed", "cancelled", "expired"]
_ENDED: dict[str, JobState] = {
    "JOB_STATE_SUCCEEDED": "succeeded",
    "JOB_STATE_PARTIALLY_SUCCEEDED": "succeeded",
    "JOB_STATE_FAILED": "failed",
    "JOB_STATE_CANCELLED": "cancelled",
    "JOB_STATE_EXPIRED": "expired",
}
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchAnswer:
    """What a job says to one request.

    Attributes:
        response: None when the request failed alone.
        code: Of its failure; None with a response.
        is_transient: Whether the same request may succeed in another job.
    """

    response: GenerateContentResponse | None = None
    code: int | None = None
    is_transient: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job as the service tells of it.

    Attributes:
        answers: By the key of the request; empty while it runs. A job that did not succeed may
            have answered some.
        seconds: From its making to its end, by the service's clock; 0 while it runs, and where
            the service does not say.
    """

    name: str
    state: JobState
    answers: dict[str, BatchAnswer]
    seconds: float = 0.0


def size_of(turn: Turn) -> int:
    """Bytes that a turn's request takes up in a job, about."""
    request = turn.request(is_async=True)
    return len(json.dumps([request["contents"], request["config"]], default=str))


class BatchService:
    """Makes jobs and looks after them. Each call is tried again as a turn of the planner is.

    Args:
        planner: Whose key, address, model and patience apply.

    Raises:
        PlannerRefused: On Vertex AI, whose jobs read from a bucket; and without a key.
    """

    def __init__(self, planner: GeminiPlanner) -> None:
        if planner.vertexai:
            raise PlannerRefused(
                "batch mode needs Gemini by key: on Vertex AI a batch job reads from a bucket of "
                "yours; unset HOOFBEAT_GEMINI_VERTEX, or run without batch mode"
            )
        self._planner = planner
        self._key = planner._key()
        self._client: Client = build_client(planner, self._key)

    def close(self) -> None:
        """Close the connections; jobs go on."""
        self._client.close()

    async def submit(self, label: str, turns: Sequence[tuple[str, Turn]]) -> str:
        """Make a job and return its name.

        After a fault the service is first asked for a job of that label, since the call that
        failed may have made it.

        Args:
            label: The job's display name, which no other job has.
            turns: Requests by key. The key is all that the service is told of what they are.

        Raises:
            PlannerRefused: If the service will not take it.
            PlannerUnavailable: If it could not be reached, or a quota is used up.
        """
        requests = [
            {**turn.request(is_async=True), "metadata": {"key": key}} for key, turn in turns
        ]
        patience = self._patience()
        fault: Fault | None = None
        while True:
            if fault is not None and (found := await self.find(label)) is not None:
                return found
            try:
                job = await asyncio.to_thread(self._create, label, requests)
            except call_errors() as error:
                fault = read_fault(error, secret=self._key)
            else:
                return str(job.name)
            await self._wait(fault, patience)

    async def find(self, label: str) -> str | None:
        """The name of the job of that label; None when there is none.

        Raises:
            PlannerRefused, PlannerUnavailable: As `submit`.
        """

        def search() -> str | None:
            from google.genai.types import ListBatchJobsConfig

            config = ListBatchJobsConfig(page_size=100, http_options=self._time_limit())
            jobs = self._client.batches.list(config=config)
            return next((job.name for job in jobs if job.display_name == label), None)

        return await self._call(search)

    async def look(self, name: str, keys: Sequence[str]) -> Job:
        """A job as it stands.

        Args:
            name: As `submit` or `find` returned it.
            keys: Of its requests, in their order.

        Raises:
            PlannerRefused: If the service does not know it, or does not show it to this key.
            PlannerUnavailable: If it could not be reached.
        """

        def get() -> BatchJob:
            from google.genai.types import GetBatchJobConfig

            config = GetBatchJobConfig(http_options=self._time_limit())
            return self._client.batches.get(name=name, config=config)

        found = await self._call(get, name)
        return _read_job(name, found, keys)

    def _create(self, label: str, requests: Sequence[Json]) -> BatchJob:
        from google.genai.types import BatchJobSource, CreateBatchJobConfig, InlinedRequest

        return self._client.batches.create(
            model=self._planner.model,
            src=BatchJobSource(inlined_requests=[InlinedRequest(**one) for one in requests]),
            config=CreateBatchJobConfig(display_name=label, http_options=self._time_limit()),
        )

    async def _call(self, call: Callable[[], _T], name: str = "") -> _T:
        patience = self._patience()
        while True:
            try:
                return await asyncio.to_thread(call)
            except call_errors() as error:
                fault = read_fault(error, secret=self._key)
            if name and fault.code in (403, 404):
                raise PlannerRefused(
                    f"Gemini has no batch job {name!r} for this key ({fault.what}): use the key "
                    "it was made with; if the job is gone, delete batches.json in the run's "
                    "folder, and what it had not answered is submitted and paid again"
                )
            await self._wait(fault, patience)

    async def _wait(self, fault: Fault, patience: Patience) -> None:
        if not fault.is_transient:
            raise refusal(fault, model=self._planner.model, is_vertex=False)
        wait_s = patience.wait_after(fault)
        logger.warning("Gemini's batch service: %s; next try in %.1f s", fault.what, wait_s)
        await asyncio.sleep(wait_s)

    def _patience(self) -> Patience:
        planner = self._planner
        return Patience(
            attempts=planner.attempts, backoff_s=planner.backoff_s, limit_s=planner.limit_s
        )

    def _time_limit(self) -> HttpOptions:
        from google.genai.types import HttpOptions

        return HttpOptions(timeout=max(1, round(self._planner.timeout_s * 1000)))


def _read_job(name: str, job: BatchJob, keys: Sequence[str]) -> Job:
    state = _ENDED.get(job.state.name if job.state else "", "running")
    if state == "running":
        return Job(name=name, state=state, answers={})
    said = (job.dest and job.dest.inlined_responses) or []
    told = [(one.metadata or {}).get("key", "") for one in said]
    if not any(told) and len(told) == len(keys):
        told = list(keys)  # answers stand in the order of the requests
    answers = {}
    for key, one in zip(told, said, strict=True):
        code = one.error.code if one.error else None
        answers[key] = BatchAnswer(
            response=one.response,
            code=code,
            is_transient=one.response is None
            and (code is None or code in _TRANSIENT_RPC or code in TRANSIENT_CODES),
        )
    end, begin = job.end_time or job.update_time, job.create_time
    seconds = (end - begin).total_seconds() if end and begin else 0.0
    return Job(name=name, state=state, answers=answers, seconds=seconds)
