"""The door as ASGI middleware: what a LangGraph server gets has passed agent.door."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.arrival import Desk
from agent.door import clean_body
from tools.errors import UserError

_NOT_JSON = "the body of a request is JSON, nested no deeper than a message is"


class Door:
    """ASGI middleware: bodies and WebSocket frames are cleaned, or refused with a line of why.

    Refusals are answered with 422 and {"detail": ...}; a WebSocket gets an error frame.
    """

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a clean body."""
        if scope["type"] == "websocket":
            await self._app(scope, self._frames(receive, send), send)
        elif scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        if body is None:  # the client has gone
            return
        try:
            clean = await self._clean(body) if body.strip() else body
        except UserError as error:
            await JSONResponse({"detail": str(error)}, status_code=422)(scope, receive, send)
            return
        length = (b"content-length", str(len(clean)).encode())
        headers = [h for h in scope["headers"] if h[0].lower() != b"content-length"]
        is_sent = False

        async def once() -> Message:
            nonlocal is_sent
            if is_sent:
                return await receive()
            is_sent = True
            return {"type": "http.request", "body": clean, "more_body": False}

        await self._app({**scope, "headers": [*headers, length]}, once, send)

    def _frames(self, receive: Receive, send: Send) -> Receive:
        async def clean_frame() -> Message:
            while True:
                message = await receive()
                sent = message.get("text") or message.get("bytes")
                if message["type"] != "websocket.receive" or not sent:
                    return message
                try:
                    clean = await self._clean(sent)
                except UserError as error:
                    said = {"type": "error", "error": "invalid_argument", "message": str(error)}
                    await send({"type": "websocket.send", "text": json.dumps(said)})
                    continue
                return {"type": "websocket.receive", "text": clean.decode()}

        return clean_frame

    async def _clean(self, body: str | bytes) -> bytes:
        """The body, cleaned in a thread: reading a study takes seconds."""

        def work() -> bytes:
            try:
                given: Any = json.loads(body)
            except ValueError as error:
                raise UserError(_NOT_JSON) from error
            return json.dumps(clean_body(given, self._desk)).encode()

        try:
            return await asyncio.to_thread(work)
        except RecursionError as error:
            raise UserError(_NOT_JSON) from error


async def _whole(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
