"""A local server for Gemini's batch jobs, so that the real google-genai client is used.

It speaks what the client speaks: models/M:batchGenerateContent, batches/NAME and the list of
batches. Each inline request is held to the rules of a live one.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.gemini_server import KEY, Json, Scripted, broken_rule, refused
from tests.http_server import QuietHandler, QuietServer

Verb = Literal["create", "get", "list"]
END = "2026-01-02T00:10:00Z"  # ten minutes after every job's begin


@dataclass(kw_only=True)
class ServedJob:
    """A job as the server keeps it."""

    name: str
    label: str
    model: str
    entries: list[Json]
    looks: int = 0
    state: str = "BATCH_STATE_PENDING"
    answers: list[Json] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class AfterMaking:
    """A fault that comes when the job has been made: the caller cannot know of it."""

    reply: Scripted


class GeminiBatchServer:
    """The server, as a context manager.

    Args:
        answer: From the body of a request to {"response": ...} or {"error": {"code": ...}}; None
            leaves it out of the answers.
        ends: State in which each job ends, in order; SUCCEEDED when there is no more.
        looks: How often a job is seen running before it has ended.
        faults: Replies that come instead of an answer, in order, by what was asked for.
        echoes_keys: Whether answers name the keys of their requests.

    Attributes:
        jobs: Made so far.
        asked: (verb, HTTP status) of every request, in order.
    """

    def __init__(
        self,
        answer: Callable[[Json], Json | None],
        *,
        ends: Iterable[str] = (),
        looks: int = 1,
        faults: Mapping[Verb, Iterable[Scripted | AfterMaking]] | None = None,
        echoes_keys: bool = True,
    ) -> None:
        self._answer = answer
        self._ends = list(ends)
        self._looks = looks
        self._faults = {verb: list(them) for verb, them in (faults or {}).items()}
        self._echoes_keys = echoes_keys
        self.jobs: list[ServedJob] = []
        self.asked: list[tuple[Verb, int]] = []
        self.broken_rules: list[str] = []
        self._lock = threading.Lock()
        self._http = _HttpServer(("127.0.0.1", 0), _Handler)
        self._http.batches = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def bodies(self) -> list[Json]:
        """Of all requests in all jobs."""
        return [entry["request"] for job in self.jobs for entry in job.entries]

    def __enter__(self) -> GeminiBatchServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        if kind is None:
            assert not self.broken_rules, self.broken_rules

    def serve(self, path: str, key: str, body: Json) -> tuple[int, Json]:
        """The HTTP answer to one request."""
        made = re.fullmatch(r"/v1beta/models/([\w.-]+):batchGenerateContent", path)
        verb: Verb = "create" if made else "get" if "/batches/" in path else "list"
        with self._lock:
            status, payload = self._serve(verb, path, key, body)
            self.asked.append((verb, status))
        return status, payload

    def _serve(self, verb: Verb, path: str, key: str, body: Json) -> tuple[int, Json]:
        if key != KEY:
            return _plain(refused(403, "PERMISSION_DENIED"))
        fault = self._faults[verb].pop(0) if self._faults.get(verb) else None
        if isinstance(fault, Scripted):
            return _plain(fault)
        if verb == "create":
            made = self._create(path, body)
            return _plain(fault.reply) if fault else made
        if verb == "list":
            return 200, {"operations": [self._told(job, brief=True) for job in self.jobs]}
        name = path.rpartition("/v1beta/")[2]
        found = next((job for job in self.jobs if job.name == name), None)
        if found is None:
            return _plain(refused(404, "NOT_FOUND"))
        found.looks += 1
        if found.looks > self._looks and found.state == "BATCH_STATE_PENDING":
            self._end(found)
        return 200, self._told(found)

    def _create(self, path: str, body: Json) -> tuple[int, Json]:
        entries = body["batch"]["inputConfig"]["requests"]["requests"]
        for entry in entries:
            if broken := broken_rule(entry["request"], []):
                self.broken_rules.append(broken)
                return _plain(refused(400, "INVALID_ARGUMENT", message=broken))
        job = ServedJob(
            name=f"batches/job{len(self.jobs) + 1}",
            label=body["batch"]["displayName"],
            model=path.split("/")[3].partition(":")[0],
            entries=entries,
        )
        self.jobs.append(job)
        return 200, self._told(job)

    def _end(self, job: ServedJob) -> None:
        job.state = f"BATCH_STATE_{self._ends.pop(0) if self._ends else 'SUCCEEDED'}"
        if job.state != "BATCH_STATE_SUCCEEDED":
            return
        for entry in job.entries:
            if (answer := self._answer(entry["request"])) is not None:
                told = {"metadata": entry["metadata"]} if self._echoes_keys else {}
                job.answers.append({**answer, **told})

    def _told(self, job: ServedJob, *, brief: bool = False) -> Json:
        metadata: Json = {
            "displayName": job.label,
            "state": job.state,
            "model": f"models/{job.model}",
            "createTime": "2026-01-02T00:00:00Z",
            "updateTime": END,
        }
        if job.answers and not brief:
            metadata["output"] = {"inlinedResponses": {"inlinedResponses": job.answers}}
        return {"name": job.name, "metadata": metadata}


def _plain(reply: Scripted) -> tuple[int, Json]:
    return reply.status, reply.chunks[0]


class _HttpServer(QuietServer):
    batches: GeminiBatchServer


class _Handler(QuietHandler):
    server: _HttpServer

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        self._serve({})

    def _serve(self, body: Any) -> None:
        path, key = self.path.partition("?")[0], self.headers.get("x-goog-api-key", "")
        status, payload = self.server.batches.serve(path, key, body)
        data = json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
