"""What a run tells while it works, and what it writes down of it."""

from __future__ import annotations

import time
from typing import Any

from langgraph.config import get_stream_writer


def tell(what: str) -> None:
    """Send one step in words to whoever streams the run."""
    get_stream_writer()({"step": what})


def trace_step(node: str, what: str, started: float) -> dict[str, Any]:
    """A line of the trace; `started` is time.perf_counter() when the node began."""
    return {"node": node, "what": what, "seconds": round(time.perf_counter() - started, 3)}
