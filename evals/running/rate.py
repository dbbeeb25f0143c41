"""The rate limit of a run: one bucket a backend, shared by all arms and cases.

A planner is bounded where its calls are made: a LangChain callback holds each call of a chat model
back until its turn, in whatever thread it is made. A call that the client tries again is not
counted again, and what decides in this process alone is no call of a service. The other backends
have no such place, so their cases are held back: a vision server's requests are bounded by
HOOFBEAT_VISION_REQUESTS_PER_MINUTE.
"""

from __future__ import annotations

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
    """Lets a call of a chat model begin when the bucket gives a token."""

    raise_error = True  # LangChain would log an error of the limiter and let the call through

    def __init__(self, limiter: InMemoryRateLimiter) -> None:
        self._limiter = limiter

    def on_chat_model_start(self, serialized: Mapping[str, Any] | None, *_: Any, **__: Any) -> None:
        """Wait; LangChain calls this in a thread of its own when the call is asynchronous."""
        if not serialized or serialized.get("id") not in _HERE:
            self._limiter.acquire()


_before_call: ContextVar[_BeforeCall | None] = ContextVar("before_call", default=None)
register_configure_hook(_before_call, inheritable=True)


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
        self._before_call = {
            backend: _BeforeCall(self._limiters[backend])
            for backend in self._limiters.keys() & _PER_CALL
        }

    async def turn(self, backends: frozenset[Backend]) -> None:
        """Wait for a case's turn, and bind the planner's limit to the task that asks."""
        for backend in sorted(backends & self._limiters.keys()):
            if backend in self._before_call:
                _before_call.set(self._before_call[backend])
            else:
                await self._limiters[backend].aacquire()
