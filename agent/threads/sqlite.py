"""Threads in one SQLite file, for one machine."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from langgraph.checkpoint.sqlite import SqliteSaver

from agent.threads.saver import ThreadSaver
from agent.threads.serde import StrictSerializer
from tools.errors import UserError

_BUSY_TIMEOUT_S = 30.0


class ThreadsInSqlite(ThreadSaver, SqliteSaver):
    """LangGraph's store in SQLite; what is deleted is overwritten in the file and its log."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        SqliteSaver.__init__(self, connection, serde=StrictSerializer())

    def first_checkpoints(self) -> dict[str, str]:
        """The id of the first checkpoint of every thread, by thread id."""
        with self.cursor(transaction=False) as cursor:
            return dict(
                cursor.execute(
                    "SELECT thread_id, MIN(checkpoint_id) FROM checkpoints "
                    "WHERE checkpoint_ns = '' GROUP BY thread_id"
                )
            )

    def delete_thread(self, thread_id: str) -> None:
        """Delete a thread, and what the write-ahead log still says of it."""
        SqliteSaver.delete_thread(self, thread_id)
        with self.cursor(transaction=False) as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


@contextmanager
def open_sqlite(path: Path) -> Iterator[ThreadsInSqlite]:
    """The store in a file that its owner alone may read (0600, in a folder 0700 when it is made).

    Raises:
        UserError: When the file cannot be opened, or is none of SQLite's.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its log and index files the mode of the one it finds.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        for kept in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            if kept.exists():
                kept.chmod(0o600)
        connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error
    with closing(connection):
        saver = ThreadsInSqlite(connection)
        try:
            connection.execute("PRAGMA secure_delete = ON").fetchall()
            saver.setup()
        except sqlite3.Error as error:
            raise _unusable(path, error) from error
        yield saver


def _unusable(path: Path, error: OSError | sqlite3.Error) -> UserError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return UserError(
        f"threads cannot be kept in {str(path)!r} ({reason}); give rights there, or name another "
        "file with HOOFBEAT_THREADS=sqlite:PATH"
    )
