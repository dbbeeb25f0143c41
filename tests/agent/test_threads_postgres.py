"""Threads in a real Postgres, where Debian's is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import Case, Settings, Threads, UserError, diagnose, open_threads, resume
from agent.run import build_agent

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
_AS_POSTGRES = ["runuser", "-u", "postgres", "--"] if os.name == "posix" and not os.getuid() else []

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not _PROGRAMS, reason="needs Debian's postgresql: apt-get install postgresql"
    ),
    pytest.mark.skipif(
        bool(_AS_POSTGRES) and shutil.which("runuser") is None,
        reason="Postgres does not run as root, and there is no runuser",
    ),
]


def _run(program: str, *arguments: str) -> None:
    path = _PROGRAMS[-1].with_name(program)
    subprocess.run([*_AS_POSTGRES, str(path), *arguments], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server of its own that asks for a password."""
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    folder = Path(tempfile.mkdtemp(prefix="hoofbeat-postgres-"))
    secret = folder / "password"
    secret.write_text("s3cr3t/@\n")
    if _AS_POSTGRES:
        for path in (folder, secret):
            shutil.chown(path, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(folder / "data")
    try:
        _run(
            "initdb", "-D", data, "-U", "hoof", "-A", "scram-sha-256", "--no-sync",
            f"--pwfile={secret}",
        )  # fmt: skip
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
        _run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://hoof:s3cr3t%2F%40@127.0.0.1:{port}/postgres"
        finally:
            _run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def test_a_thread_in_postgres_is_kept_listed_read_and_deleted(
    address: str, settings: Settings
) -> None:
    kept = settings.model_copy(update={"threads": Settings(threads=address).threads})
    case = Case(history="Dyspnea.", findings_text="Thin-walled cysts in both lungs.")
    with open_threads(kept) as saver:
        agent = build_agent(kept, checkpointer=saver)
        report = diagnose(case, agent=agent, thread_id="one")
        diagnose(case, agent=agent, thread_id="two")
    with open_threads(kept) as saver:  # another connection, as another process has
        shelf = Threads(saver, kept)
        assert [line.id for line in shelf.list()] == ["one", "two"]
        assert shelf.show("one") == report
        assert resume("one", agent=build_agent(kept, checkpointer=saver)) == report
        shelf.delete("one")
        assert shelf.ids() == {"two"}


def test_a_server_that_refuses_is_one_line_without_the_password(
    address: str, settings: Settings
) -> None:
    wrong = address.replace("s3cr3t%2F%40", "wr0ng")
    for given in (wrong, address.replace("%40", "@"), "postgres://a:wr0ng@[::1/x"):
        kept = settings.model_copy(update={"threads": Settings(threads=given).threads})
        with pytest.raises(UserError) as error, open_threads(kept):
            pass
        assert "wr0ng" not in str(error.value)
        assert "s3cr3t" not in str(error.value)
        assert "\n" not in str(error.value)
        assert "HOOFBEAT_THREADS" in str(error.value)
