"""From the setting `threads` to the LangGraph checkpointer that it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from agent.settings import Settings

if TYPE_CHECKING:
    from agent.threads.saver import ThreadSaver

_FILE = "threads.sqlite3"


@contextmanager
def open_threads(settings: Settings) -> Iterator[ThreadSaver]:
    """A checkpointer for `build_agent`, closed at the end of the block.

    Runs that must survive a crash write with durability "sync", as `diagnose` does:
    `graph.invoke(..., durability="sync")`.

    Args:
        settings: `threads` says where: "memory", "sqlite", "sqlite:PATH" or a postgres:// address.

    Raises:
        UserError: When the file or server cannot be used, or the package for it is missing.
    """
    where = settings.threads.get_secret_value()
    if where == "memory":
        from agent.threads.memory import ThreadsInMemory

        yield ThreadsInMemory()
    elif where.startswith("sqlite"):
        from agent.threads.sqlite import open_sqlite

        with open_sqlite(_sqlite_path(settings)) as kept:
            yield kept
    else:
        from agent.threads.postgres import open_postgres

        with open_postgres(where) as shared:
            yield shared


def lasting(settings: Settings) -> Settings:
    """The settings for a command whose threads another process goes on with: "memory" is SQLite."""
    if settings.threads.get_secret_value() != "memory":
        return settings
    return settings.model_copy(update={"threads": SecretStr("sqlite")})


def kept_in(settings: Settings) -> str:
    """Where threads are kept, in words without a secret."""
    where = settings.threads.get_secret_value()
    if where == "memory":
        return "memory, until the process ends"
    return f"SQLite, {_sqlite_path(settings)}" if where.startswith("sqlite") else "Postgres"


def current_thread() -> str:
    """The id of the thread that is running here, "" outside a thread."""
    from langgraph.config import get_config

    try:
        config = get_config()
    except RuntimeError:  # not inside a graph
        return ""
    return str(config.get("configurable", {}).get("thread_id") or "")


def _sqlite_path(settings: Settings) -> Path:
    path = settings.threads.get_secret_value().partition(":")[2]
    return Path(path).expanduser() if path else settings.open_cache() / "threads" / _FILE
