"""Texts by key in one SQLite file, bounded, for threads and processes that share a folder."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TypeVar

from tools.errors import UserError

_Result = TypeVar("_Result")

_log = logging.getLogger(__name__)

_FILE = "replies.sqlite3"
_BUSY_TIMEOUT_S = 30.0
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_VERSION = 2  # of the tables; an older file gets those that it lacks
# In one transaction, so that of several processes one makes the tables and the others find them.
_TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, body TEXT NOT NULL, bytes INTEGER NOT NULL, used INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS replies_by_use ON replies (used);
CREATE TABLE IF NOT EXISTS total (bytes INTEGER NOT NULL);
INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM total);
CREATE TABLE IF NOT EXISTS uses (
    owner TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (owner, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uses_by_key ON uses (key);
CREATE TRIGGER IF NOT EXISTS kept AFTER INSERT ON replies
    BEGIN UPDATE total SET bytes = bytes + NEW.bytes; END;
CREATE TRIGGER IF NOT EXISTS evicted AFTER DELETE ON replies
    BEGIN UPDATE total SET bytes = bytes - OLD.bytes; END;
CREATE TRIGGER IF NOT EXISTS unused AFTER DELETE ON replies
    BEGIN DELETE FROM uses WHERE key = OLD.key; END;
PRAGMA user_version = 2;
COMMIT;
"""


class ReplyStore:
    """Keys and texts on disk (0600 in a folder 0700), the least recently used evicted first.

    Every call opens the file anew, so nothing is shared between threads and nothing needs closing.
    A file that is damaged is set aside once and a new one begun.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """Remember where; the folder is made on first use.

        Args:
            folder: Made when missing.
            max_bytes: Of keys and texts; the file is somewhat larger.

        Raises:
            ValueError: When max_bytes is below 1.
        """
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be >= 1, got {max_bytes!r}")
        self._folder = folder
        self._max_bytes = max_bytes

    def get(self, keys: Sequence[str], *, owner: str = "") -> dict[str, str]:
        """The texts of those keys that are kept; they count as used now, and by their owner.

        Args:
            owner: Who asks, such as a thread that may be deleted one day; "" for nobody.

        Raises:
            UserError: When the file cannot be read or written.
        """
        wanted = list(dict.fromkeys(keys))

        def read(store: sqlite3.Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            for key in wanted:
                row = store.execute("SELECT body FROM replies WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    found[key] = row[0]
            now = time.time_ns()
            store.executemany(
                "UPDATE replies SET used = ? WHERE key = ?", [(now, key) for key in found]
            )
            _own(store, owner, found)
            return found

        return self._run(read) if wanted else {}

    def put(self, texts: Mapping[str, str], *, owner: str = "") -> None:
        """Keep texts, all or none, then evict until they fit.

        Args:
            owner: As in `get`.

        Raises:
            UserError: When the file cannot be written.
        """

        def write(store: sqlite3.Connection) -> None:
            now = time.time_ns()
            store.executemany(
                "INSERT INTO replies VALUES (?, ?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET used = excluded.used",
                [
                    (key, text, len(key.encode()) + len(text.encode()), now)
                    for key, text in texts.items()
                ],
            )
            _own(store, owner, texts)
            while store.execute("SELECT bytes FROM total").fetchone()[0] > self._max_bytes:
                store.execute(
                    "DELETE FROM replies WHERE key = "
                    "(SELECT key FROM replies ORDER BY used, key LIMIT 1)"
                )

        if texts:
            self._run(write)

    def forget(self, owner: str, *, others: Collection[str] = ()) -> int:
        """Delete the texts that an owner used and none of the others did; returns how many.

        A file that was set aside as damaged goes too: nobody can say whose texts it holds.

        Raises:
            UserError: When the file cannot be written.
        """

        def write(store: sqlite3.Connection) -> int:
            owned = store.execute("SELECT key FROM uses WHERE owner = ?", (owner,)).fetchall()
            gone = 0
            for (key,) in owned:
                users = store.execute("SELECT owner FROM uses WHERE key = ?", (key,)).fetchall()
                if not any(user in others for (user,) in users):
                    gone += store.execute("DELETE FROM replies WHERE key = ?", (key,)).rowcount
            store.execute("DELETE FROM uses WHERE owner = ?", (owner,))
            return gone

        path = self._folder / _FILE
        path.with_suffix(".damaged").unlink(missing_ok=True)
        if not path.exists():
            return 0
        return self._run(write)  # the last to close the file removes its log

    def _run(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        try:
            try:
                return self._attempt(work)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
            self._set_aside()
            return self._attempt(work)
        except (sqlite3.DatabaseError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise UserError(
                f"the cache of the vision model's replies ({_FILE}) cannot be used: {reason}; "
                "mend the cache folder's permissions or free its disk, or do without the cache: "
                "HOOFBEAT_VISION_CACHE=false"
            ) from error

    def _attempt(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / _FILE
        # SQLite gives its own files the mode of the one it finds.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(self._connect()) as store:
            if store.execute("PRAGMA user_version").fetchone()[0] < _VERSION:
                with self._lock():
                    store.execute("PRAGMA auto_vacuum = FULL")
                    store.execute("PRAGMA journal_mode = WAL")
                    store.executescript(_TABLES)
            store.execute("PRAGMA synchronous = NORMAL")
            store.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
            with store:
                store.execute("BEGIN IMMEDIATE")
                return work(store)

    def _connect(self) -> sqlite3.Connection:
        # No isolation level: transactions begin where this module says.
        return sqlite3.connect(self._folder / _FILE, timeout=_BUSY_TIMEOUT_S, isolation_level=None)

    def _lock(self) -> AbstractContextManager[object]:
        from filelock import FileLock

        return FileLock(self._folder / "replies.lock", mode=0o600)

    def _set_aside(self) -> None:
        """Rename the damaged file, unless another process has done so already."""
        with self._lock():
            path = self._folder / _FILE
            with closing(self._connect()) as store:
                try:
                    if store.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok":
                        return
                except sqlite3.DatabaseError as error:
                    if not _is_damage(error):
                        raise
            os.replace(path, path.with_suffix(".damaged"))
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            _log.warning(
                "the cache of the vision model's replies was damaged: it is set aside as %s and "
                "begun anew",
                path.with_suffix(".damaged").name,
            )


def _own(store: sqlite3.Connection, owner: str, keys: Iterable[str]) -> None:
    if owner:
        store.executemany(
            "INSERT OR IGNORE INTO uses VALUES (?, ?)", [(owner, key) for key in keys]
        )


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    # Errors that Python's module finds itself, a misused cursor for one, carry no code.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
