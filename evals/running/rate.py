"""The rate limit of a run: one bucket a backend, shared by all arms and cases.

A planner is bounded where its calls are made: a LangChain callback holds each call of a chat model
back until its turn, in whatever thread it is made. A call that the client tries again is not
counted again, and what decides in this process alone is no call of a service. The other backends
have no such place, so their cases are held back: a vision server's requests are bounded by
HOOFBEAT_VISION_REQUESTS_PER_MINUTE.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.tracers.context import register_configure_hook

from agent.planner.offline import OfflinePlanner
from evals.arms.arm import Backend
from evals.arms.one_pass import OnePass

_PER_CALL: frozenset[Backend] = frozenset({"planner"})
# OnePass asks the planner that it holds, and that one is held back itself.
_HERE = tuple([*kind.__module__.split("."), kind.__name__] for kind in (OfflinePlanner, OnePass))


class _BeforeCall(BaseCallbackHandler):
    """Lets a call of a chat model begin when the bucket gives a token; one for each case."""

    raise_error = True  # LangChain would log an error of the limiter and let the call through

    def __init__(self, limiter: InMemoryRateLimiter) -> None:
        self._limiter = limiter
        self._lock = threading.Lock()
        self._waiting = 0
        self._since = 0.0
        self._held_s = 0.0

    @property
    def held_s(self) -> float:
        """Seconds in which at least one call waited, up to now."""
        with self._lock:
            now = time.perf_counter() - self._since if self._waiting else 0.0
            return self._held_s + now

    def on_chat_model_start(self, serialized: Mapping[str, Any] | None, *_: Any, **__: Any) -> None:
        """Wait; LangChain calls this in a thread of its own when the call is asynchronous."""
        if serialized and serialized.get("id") in _HERE:
            return
        self._count(1)
        try:
            self._limiter.acquire()
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            now = time.perf_counter()
            if self._waiting:
                self._held_s += now - self._since
            self._since = now
            self._waiting += more


_before_call: ContextVar[_BeforeCall | None] = ContextVar("before_call", default=None)
register_configure_hook(_before_call, inheritable=True)


def held_s() -> float:
    """Seconds for which the calls of this task's case were held back: no time of the arm's."""
    before_call = _before_call.get()
    return before_call.held_s if before_call else 0.0


class Rates:
    """How many calls or cases of each backend may begin in a minute.

    Args:
        per_minute: Backends that are not named are not held back.
    """

    def __init__(self, per_minute: Mapping[Backend, float]) -> None:
        self._limiters = {
            backend: InMemoryRateLimiter(
                requests_per_second=rate / 60, check_every_n_seconds=0.02, max_bucket_size=1
            )
            for backend, rate in per_minute.items()
        }

    async def turn(self, backends: frozenset[Backend]) -> None:
        """Wait for a case's turn, and bind the planner's limit to the task that asks."""
        for backend in sorted(backends & self._limiters.keys()):
            if backend in _PER_CALL:
                _before_call.set(_BeforeCall(self._limiters[backend]))
            else:
                await self._limiters[backend].aacquire()
