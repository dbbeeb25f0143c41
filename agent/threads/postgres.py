"""Threads in Postgres, for several machines that serve the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agent.threads.saver import ThreadSaver
from agent.threads.serde import StrictSerializer
from tools.errors import UserError

try:
    import psycopg
    from langgraph.checkpoint.postgres import PostgresSaver
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.rows import dict_row
    from psycopg_pool import ConnectionPool
except ImportError as error:
    raise UserError(
        'threads in Postgres need a package more: pip install "hoofbeat[postgres]"'
    ) from error

_CONNECT_TIMEOUT_S = 10
_CONNECTIONS = 4
_OPTIONS: dict[str, Any] = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}


class ThreadsInPostgres(ThreadSaver, PostgresSaver):
    """LangGraph's store in Postgres."""

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        PostgresSaver.__init__(self, pool, serde=StrictSerializer())

    def first_checkpoints(self) -> dict[str, str]:
        """The id of the first checkpoint of every thread, by thread id."""
        with self._cursor() as cursor:
            rows = cursor.execute(
                "SELECT thread_id, MIN(checkpoint_id) AS first FROM checkpoints "
                "WHERE checkpoint_ns = '' GROUP BY thread_id"
            )
            return {row["thread_id"]: row["first"] for row in rows}


@contextmanager
def open_postgres(address: str) -> Iterator[ThreadsInPostgres]:
    """The store of a database; its tables are made, or brought up to date, when it opens.

    Args:
        address: postgres://USER:PASSWORD@HOST:PORT/DATABASE; no message repeats it.

    Raises:
        UserError: When the address cannot be read or the server not be used.
    """
    server = _server(address)
    try:
        # Asked once plainly: the pool tries again in the background, and says less of why.
        with psycopg.connect(address, connect_timeout=_CONNECT_TIMEOUT_S, **_OPTIONS) as first:
            PostgresSaver(first).setup()
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"Postgres at {server} cannot keep threads ({reason}); mend the address "
            "in HOOFBEAT_THREADS, the server or the user's rights"
        ) from error
    with ConnectionPool(
        address, min_size=1, max_size=_CONNECTIONS, kwargs=_OPTIONS, open=True
    ) as pool:
        yield ThreadsInPostgres(pool)


def _server(address: str) -> str:
    """Host and port of an address, for messages."""
    try:
        parts = conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        parts = {"host": "@"}  # libpq's own words would repeat the address
    host = str(parts.get("host") or parts.get("hostaddr") or "localhost")
    if "@" in host:
        raise UserError(
            "HOOFBEAT_THREADS is no address of Postgres that can be read: it is "
            "postgres://USER:PASSWORD@HOST:PORT/DATABASE, with @, : and / of a password written "
            "as %40, %3A and %2F"
        )
    return f"{host} port {parts.get('port') or 5432}"
