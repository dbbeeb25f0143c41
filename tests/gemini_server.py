"""A local server that speaks Gemini's REST protocol, so that the real google-genai client is used.

It checks what it is sent the way the service documents it: the key, that roles alternate, that a
turn's calls are answered in the next turn by id and in order, and that a turn with thought
signatures comes back as it was sent. What breaks a rule is answered with 400, and leaving the
server raises AssertionError for it.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from tests.http_server import QuietHandler, QuietServer

Json = dict[str, Any]

KEY = "test-key-AIzaSyD0notLeakThis"


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """One scripted reply: an HTTP answer, and what happens to the line while it is sent.

    Attributes:
        chunks: Wire responses: sent one by one to a stream, merged into one otherwise.
        stall_s: Seconds of silence before the answer.
        reset_after: Reset the connection after so many chunks; None never.
        delay_s: Seconds between two chunks.
    """

    chunks: tuple[Json, ...] = ()
    status: int = 200
    headers: Json = field(default_factory=dict)
    stall_s: float = 0.0
    reset_after: int | None = None
    delay_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: Json

    @property
    def contents(self) -> list[Json]:
        return cast("list[Json]", self.body["contents"])

    @property
    def is_stream(self) -> bool:
        return ":streamGenerateContent" in self.path


Reply = Scripted | Json
Step = Reply | Callable[[Request], Reply]

USAGE = {"promptTokenCount": 11, "candidatesTokenCount": 5, "totalTokenCount": 16}


def candidate(*parts: Json, finish: str | None = "STOP", **extra: Any) -> Json:
    """A wire response with one candidate; `extra` goes into the candidate."""
    one = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **extra}
    if finish:
        one["finishReason"] = finish
    return {"candidates": [one], "usageMetadata": USAGE, "modelVersion": "gemini-test-001"}


def text(words: str, **extra: Any) -> Json:
    """A wire response that says `words`."""
    return candidate({"text": words}, **extra)


def call(name: str, args: Json, *, call_id: str | None = None, signature: str = "") -> Json:
    """A functionCall part."""
    function: Json = {"name": name, "args": args, **({"id": call_id} if call_id else {})}
    return {"functionCall": function, **({"thoughtSignature": signature} if signature else {})}


def stream(*chunks: Json, **line: Any) -> Scripted:
    """A reply in several chunks."""
    return Scripted(chunks=chunks, **line)


def refused(code: int, status: str, *details: Json, message: str = "", **headers: str) -> Scripted:
    """An error in google.rpc.Status form; headers by name with underscores (Retry_After="1")."""
    error = {"code": code, "status": status, "message": message, "details": list(details)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Scripted(chunks=({"error": error},), status=code, headers=named)


def retry_info(delay: str) -> Json:
    """google.rpc.RetryInfo, delay as a protobuf Duration in JSON ("0.05s")."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def daily_quota() -> Json:
    """google.rpc.QuotaFailure of a quota per day."""
    quota = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": quota}],
    }


class GeminiServer:
    """The server, as a context manager; one step of the script answers one request.

    Args:
        script: Steps in order, or one callable that answers every request.
        aside: Answers what is no generation (method, path, body): counting, caches. 404 without.
        token: Bearer token of a login that is taken beside the key.

    Attributes:
        requests: Requests as they arrived, refused ones included; those aside are left out.
    """

    def __init__(
        self,
        script: Iterable[Step] | Callable[[Request], Reply],
        *,
        aside: Callable[[str, str, Json], Scripted] | None = None,
        token: str = "",
    ) -> None:
        self.aside = aside or (lambda *_: refused(404, "NOT_FOUND"))
        self._token = f"Bearer {token}" if token else None
        self._script = script if callable(script) else list(script)
        self.requests: list[Request] = []
        self.broken_rules: list[str] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._sent_turns: list[list[Json]] = []
        self._http = _HttpServer(("127.0.0.1", 0), _Handler)
        self._http.gemini = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> GeminiServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        if kind is None:
            assert not self.broken_rules, self.broken_rules

    def answer(self, request: Request) -> Scripted:
        """The reply to one request: the script's, or 400 with the rule it breaks."""
        with self._lock:
            self.requests.append(request)
            token = request.headers.get("authorization")
            if request.headers.get("x-goog-api-key") != KEY and (token or "") != self._token:
                bad_key = {"@type": "google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
                return refused(400, "INVALID_ARGUMENT", bad_key, message="API key not valid.")
            broken = broken_rule(request.body, self._sent_turns)
            if not broken and not callable(self._script) and not self._script:
                broken = "the script has no step left"
            if broken:
                self.broken_rules.append(broken)
                return refused(400, "INVALID_ARGUMENT", message=broken)
            step = self._script if callable(self._script) else self._script.pop(0)
        reply = step(request) if callable(step) else step
        scripted = reply if isinstance(reply, Scripted) else Scripted(chunks=(reply,))
        with self._lock:
            self._sent_turns.append(_parts(scripted.chunks))
        return scripted


def broken_rule(body: Json, sent_turns: list[list[Json]]) -> str:
    """The rule of the protocol that a request body breaks; "" when it keeps them all."""
    contents = body.get("contents") or []
    if "cachedContent" in body and {"systemInstruction", "tools", "toolConfig"} & set(body):
        return "what a cache holds must not be set beside it"
    if not contents or contents[0]["role"] != "user":
        return "contents must begin with a user turn"
    before: Json = {"role": "model", "parts": []}
    for content in contents:
        parts = content["parts"]
        answers = [part["functionResponse"] for part in parts if "functionResponse" in part]
        calls = [part["functionCall"] for part in before["parts"] if "functionCall" in part]
        if content["role"] == before["role"] and not (
            content["role"] == "user" and "functionResponse" in before["parts"][0]
        ):
            return f"two {content['role']} turns in a row"
        if [(a.get("id"), a["name"]) for a in answers] != [(c.get("id"), c["name"]) for c in calls]:
            return "the function responses do not answer the calls of the turn before"
        if answers and len(answers) != len(parts):
            return "function responses share a turn with something else"
        if content["role"] == "model" and not _is_as_sent(parts, sent_turns):
            return "a turn with thought signatures came back changed"
        before = content
    return "" if contents[-1]["role"] == "user" else "contents must end with a user turn"


def _is_as_sent(parts: list[Json], sent_turns: list[list[Json]]) -> bool:
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    for sent in sent_turns:
        is_signed = any("thoughtSignature" in part for part in sent)
        if is_signed and [p["functionCall"] for p in sent if "functionCall" in p] == calls:
            return [_signed(part) for part in parts] == [_signed(part) for part in sent]
    return True


def _signed(part: Json) -> Json:
    """The part with its signature as bytes: both base64 alphabets are legal on the wire."""
    signature = part.get("thoughtSignature", "").replace("-", "+").replace("_", "/")
    return {**part, "thoughtSignature": base64.b64decode(signature)}


def _parts(chunks: Iterable[Json]) -> list[Json]:
    """All parts that the first candidates of some responses hold."""
    found = [c["candidates"][0].get("content", {}) for c in chunks if c.get("candidates")]
    return [part for content in found for part in content.get("parts", [])]


class _HttpServer(QuietServer):
    gemini: GeminiServer


class _Handler(QuietHandler):
    server: _HttpServer

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        size = int(self.headers["Content-Length"])
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(self.rfile.read(size))
        if "enerateContent" not in self.path:
            aside = self.server.gemini.aside("POST", self.path, body)
            self._send(aside.status, aside.headers, _merged(aside.chunks))
            return
        request = Request(path=self.path, headers=headers, body=body)
        reply = self.server.gemini.answer(request)
        if reply.stall_s:
            self.server.gemini.closing.wait(reply.stall_s)
        if request.is_stream and reply.status == 200:
            self._send_stream(reply)
        elif reply.reset_after is not None:
            self.reset()
        else:
            self._send(reply.status, reply.headers, _merged(reply.chunks))

    def do_DELETE(self) -> None:  # noqa: N802 - the name that http.server calls
        aside = self.server.gemini.aside("DELETE", self.path, {})
        self._send(aside.status, aside.headers, _merged(aside.chunks))

    def _send(self, status: int, headers: Json, payload: Json) -> None:
        data = json.dumps(payload).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_stream(self, reply: Scripted) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for index, chunk in enumerate(reply.chunks):
            if index == reply.reset_after:
                break
            event = f"data: {json.dumps(chunk)}\r\n\r\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.server.gemini.closing.wait(reply.delay_s)
        if reply.reset_after is not None:
            self.reset()
        else:
            self.wfile.write(b"0\r\n\r\n")


def _merged(chunks: tuple[Json, ...]) -> Json:
    """One response that says what all chunks say, for a call that does not stream."""
    if len(chunks) < 2:
        return chunks[0] if chunks else {}
    last = json.loads(json.dumps(chunks[-1]))
    last["candidates"][0].setdefault("content", {"role": "model"})["parts"] = _parts(chunks)
    return cast("Json", last)
