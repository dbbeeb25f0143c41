"""The explicit cache of the service for what every request begins with: system prompt and tools.

The service caches long prefixes by itself, at no cost. An explicit cache is certain to be used, and
costs by the token and hour: it is off unless asked for (`planner_cache`), is made only where the
service takes one, and is deleted when the planner is closed, or by itself when its time is over.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.planner.gemini_errors import call_errors, read_fault
from agent.planner.gemini_messages import Json

if TYPE_CHECKING:
    from google.genai import Client

logger = logging.getLogger(__name__)

# Tokens below which the service makes no cache (https://ai.google.dev/gemini-api/docs/caching), by
# how a model's name begins. They save a request that would be refused: the service decides.
_MINIMUM_TOKENS = {"gemini-2.5-flash": 1024, "gemini-3-flash": 1024}
_LARGEST_MINIMUM = 4096

_TTL_S = 900
_MARGIN_S = 60  # a cache with less time left is not used for a new turn
_AGAIN_S = 60  # after a fault that may pass


@dataclass(frozen=True, kw_only=True)
class _Held:
    name: str  # "" where no cache is to be had
    until: float


class PrefixCache:
    """The caches of one planner: one for each prefix that it sends."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def name_for(self, client: Client, model: str, prefix: Json, *, timeout_s: float) -> str:
        """The name of the cache that holds a prefix, made when there is none yet.

        Args:
            prefix: system_instruction, tools and tool_config, as in GenerateContentConfig.
            timeout_s: Longest silence in each of the two calls that make one.

        Returns:
            "" when the prefix is too short for a cache, or the service makes none: the request then
            goes as it would have gone without.
        """
        said = json.dumps([model, prefix], sort_keys=True)
        key = hashlib.sha256(said.encode()).hexdigest()
        with self._lock:
            held = self._held.get(key)
            if held is None or held.until - _MARGIN_S < time.monotonic():
                held = self._held[key] = _make(client, model, prefix, key, timeout_s)
            return held.name

    def forget(self, name: str) -> None:
        """Make no use of a cache that the service does not know any more."""
        with self._lock:
            for key, held in self._held.items():
                if held.name == name:
                    self._held[key] = _Held(name="", until=time.monotonic() + _TTL_S)

    def delete(self, client: Client) -> None:
        """Delete every cache that was made; one that cannot be deleted ends by its own time."""
        with self._lock:
            names = [held.name for held in self._held.values() if held.name]
            self._held.clear()
        for name in names:
            try:
                client.caches.delete(name=name)
            except call_errors() as error:
                logger.debug("a cache was not deleted (%s)", read_fault(error, secret="").what)


def _make(client: Client, model: str, prefix: Json, key: str, timeout_s: float) -> _Held:
    line: Any = {"timeout": max(1, round(timeout_s * 1000))}
    wanted: Any = {
        **prefix,
        "display_name": f"hoofbeat-{key[:12]}",
        "ttl": f"{_TTL_S}s",
        "http_options": line,
    }
    minimum = next(
        (n for name, n in _MINIMUM_TOKENS.items() if model.startswith(name)), _LARGEST_MINIMUM
    )
    now = time.monotonic()
    try:
        # The developer API counts contents alone, so the prefix is shown to it as such.
        words = json.dumps(prefix, ensure_ascii=False)
        counted = client.models.count_tokens(
            model=model, contents=words, config={"http_options": line}
        )
        tokens = counted.total_tokens or 0
        if tokens < minimum:
            logger.debug("no cache: a prefix of %d tokens, %d are needed", tokens, minimum)
            return _Held(name="", until=now + _TTL_S)
        made = client.caches.create(model=model, config=wanted)
    except call_errors() as error:
        fault = read_fault(error, secret="")
        logger.debug("no cache: %s", fault.what)
        again = _AGAIN_S + _MARGIN_S if fault.is_transient else _TTL_S
        return _Held(name="", until=now + again)
    return _Held(name=made.name or "", until=now + _TTL_S)
