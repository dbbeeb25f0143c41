"""Threads: cases that outlive a process, in SQLite or Postgres, and what can be done with them."""

from __future__ import annotations

from agent.threads.keep import current_thread, kept_in, lasting, open_threads
from agent.threads.shelf import Deleted, ThreadLine, Threads

__all__ = [
    "Deleted",
    "ThreadLine",
    "Threads",
    "current_thread",
    "kept_in",
    "lasting",
    "open_threads",
]
