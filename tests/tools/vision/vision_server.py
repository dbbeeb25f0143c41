"""A local server that speaks chat completions, as vLLM, `transformers serve` and Vertex AI do.

It checks what it is sent: the key, the model, one user turn, pictures as data URIs of RGB squares
and no field that a server trips over. What breaks a rule is answered with 400, and leaving the
server raises AssertionError for it.
"""

from __future__ import annotations

import base64
import io
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from tests.http_server import QuietHandler, QuietServer

Json = dict[str, Any]

KEY = "test-key-dontLeakThis"
MODEL = "google/medgemma-1.5-4b-it"
ENDPOINT = "projects/p-1/locations/europe-west4/endpoints/77"
VERTEX_PATH = f"/v1/{ENDPOINT}:rawPredict"
FIELDS = {
    "model", "messages", "max_tokens", "temperature", "seed", "logprobs", "top_logprobs",
    "response_format",
}  # fmt: skip
VERTEX_FIELDS = {"@requestFormat", "messages", "max_tokens", "temperature"}


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """One answer, and what happens to the line while it is sent.

    Attributes:
        stall_s: Seconds of silence before the answer.
        trickle_s: Seconds between its bytes.
        is_cut: Half of the announced body comes, then the connection ends.
        is_reset: The connection is reset instead of an answer.
    """

    body: Json | bytes = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    stall_s: float = 0.0
    trickle_s: float = 0.0
    is_cut: bool = False
    is_reset: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: Json

    @property
    def parts(self) -> list[Json]:
        content = self.body["messages"][0]["content"]
        return content if isinstance(content, list) else [{"type": "text", "text": content}]

    @property
    def text(self) -> str:
        return "\n".join(part["text"] for part in self.parts if part["type"] == "text")

    @property
    def is_probe(self) -> bool:
        return self.text == "Say hello."


Step = Scripted | Json | Callable[[Asked], Scripted | Json]


def says(text: str | None, *, finish: str = "stop", top: dict[str, float] | None = None) -> Json:
    """A completion; `top` gives the log-probabilities of the first token."""
    choice: Json = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": text},
    }
    if top is not None:
        tokens = [{"token": t, "logprob": p, "bytes": list(t.encode())} for t, p in top.items()]
        choice["logprobs"] = {"content": [{**tokens[0], "top_logprobs": tokens}]}
    return {"object": "chat.completion", "choices": [choice]}


def error(status: int, message: str, code: Any = None, **headers: str) -> Scripted:
    """An error as OpenAI and vLLM send it; headers by name with underscores (Retry_After="1")."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"error": {"message": message, "type": "error", "code": code}}
    return Scripted(body=body, status=status, headers=named)


class VisionServer:
    """The server, as a context manager; one step of the script answers one request.

    Args:
        script: Steps in order, or one callable that answers every request.
        guided: Holds replies to a schema, as vLLM does; its probe is answered by itself.
        logprobs: Gives log-probabilities, as vLLM does.
        refuses: Fields that a probe is answered 400 for.
        key: The bearer token that is let in.

    Attributes:
        asked: Requests as they arrived, without probes and lists of models.
        probes: How many probes came.
        most_at_once: Most requests that were open at the same time.
    """

    def __init__(
        self,
        script: Iterable[Step] | Callable[[Asked], Scripted | Json] = (),
        *,
        guided: bool = True,
        logprobs: bool = True,
        refuses: Iterable[str] = (),
        key: str = KEY,
    ) -> None:
        self._script = script if callable(script) else list(script)
        self._guided, self._logprobs = guided, logprobs
        self._refuses, self._key = set(refuses), key
        self.asked: list[Asked] = []
        self.probes = 0
        self.most_at_once = 0
        self._at_once = 0
        self.broken_rules: list[str] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._http = _HttpServer(("127.0.0.1", 0), _Handler)
        self._http.vision = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def encrypt(self, pem: Path) -> None:
        """Speak TLS with the key and certificate of that file."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)

    def __enter__(self) -> VisionServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        if kind is None:
            assert not self.broken_rules, self.broken_rules

    def answer(self, asked: Asked) -> Scripted:
        """The reply to one request: the script's, or 400 with the rule it breaks."""
        with self._lock:
            if broken := self._broken_rule(asked):
                self.broken_rules.append(broken)
                return error(400, broken)
            if asked.headers.get("authorization") != f"Bearer {self._key}":
                return error(401, f"Incorrect API key: {asked.headers.get('authorization')}")
            step: Step
            if asked.is_probe:
                self.probes += 1
                step = self._probe
            else:
                self.asked.append(asked)
                step = self._step()
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            reply = step(asked) if callable(step) else step
        finally:
            with self._lock:
                self._at_once -= 1
        return reply if isinstance(reply, Scripted) else Scripted(body=reply)

    def _step(self) -> Step:
        if callable(self._script):
            return self._script
        if self._script:
            return self._script.pop(0)
        self.broken_rules.append("the script has no step left")
        return error(400, "the script has no step left")

    def _probe(self, asked: Asked) -> Scripted | Json:
        if self._refuses & asked.body.keys():
            return error(400, f"{sorted(self._refuses)} are not supported with this model")
        is_held = self._guided and "response_format" in asked.body
        top = {"Hello": -0.1} if self._logprobs and asked.body.get("logprobs") else None
        return says('{"guided": "hoofbeat"}' if is_held else "Hello!", top=top)

    def _broken_rule(self, asked: Asked) -> str:
        is_vertex = asked.path == VERTEX_PATH
        if extra := asked.body.keys() - (VERTEX_FIELDS if is_vertex else FIELDS):
            return f"fields {sorted(extra)} are unknown"
        if is_vertex and asked.body["@requestFormat"] != "chatCompletions":
            return "@requestFormat is chatCompletions"
        if [turn["role"] for turn in asked.body["messages"]] != ["user"]:
            return "one user turn is expected"
        return next(filter(None, map(_broken_part, asked.parts)), "")


def _broken_part(part: Json) -> str:
    if part["type"] in ("text", "image_dicom"):
        return ""
    found = re.fullmatch(r"data:image/(png|jpeg);base64,(.+)", part["image_url"]["url"])
    if not found:
        return "a picture that is no data URI"
    with Image.open(io.BytesIO(base64.b64decode(found[2], validate=True))) as image:
        is_right = image.format == found[1].upper() and image.mode == "RGB"
        return "" if is_right and image.width == image.height else "a picture that is no RGB square"


class _HttpServer(QuietServer):
    vision: VisionServer


class _Handler(QuietHandler):
    server: _HttpServer

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        if self.path == "/v1/models":
            self._send(Scripted(body={"object": "list", "data": [{"id": MODEL}, {"id": "other"}]}))
        else:
            self._send(error(404, "Not Found"))

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path not in ("/v1/chat/completions", VERTEX_PATH):
            self._send(error(404, "Not Found"))
            return
        body = json.loads(sent)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.server.vision.answer(Asked(path=self.path, headers=headers, body=body)))

    def _send(self, reply: Scripted) -> None:
        if reply.stall_s:
            self.server.vision.closing.wait(reply.stall_s)
        if reply.is_reset:
            self.reset()
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reply.is_cut:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif reply.trickle_s:
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.server.vision.closing.wait(reply.trickle_s)
        else:
            self.wfile.write(body)
