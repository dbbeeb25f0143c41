"""`langgraph dev` as a person starts it, in a folder of its own: no key, no network."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_READY_S = 90
_QUIET = {
    "LANGSMITH_TRACING": "false",
    "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    "LANGGRAPH_NO_VERSION_CHECK": "true",
}


@dataclass(frozen=True)
class StudioServer:
    """A running server.

    Attributes:
        folder: Its working directory, where it keeps threads.
        log: What it has said, stdout and stderr.
    """

    url: str
    folder: Path
    log: Path


@contextmanager
def studio_server(folder: Path, **environment: str) -> Iterator[StudioServer]:
    """Start it with the project's langgraph.json; stopped, and its threads written, at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Its paths are relative to the working directory, which is another here.
    config = (ROOT / "langgraph.json").read_text("utf-8").replace('"./', f'"{ROOT}/')
    (folder / "langgraph.json").write_text(config.replace('["."]', json.dumps([str(ROOT)])))
    log = folder / "server.log"
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("HOOFBEAT_", "GEMINI", "GOOGLE"))
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload",
             "--port", str(port)],
            cwd=folder, env={**clean, **_QUIET, **environment}, stdout=out,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        server = StudioServer(url=f"http://127.0.0.1:{port}", folder=folder, log=log)
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait(server: StudioServer, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{server.url}/ok", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise AssertionError(f"the server did not start:\n{server.log.read_text('utf-8')[-3000:]}")
