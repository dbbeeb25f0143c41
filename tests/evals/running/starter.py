"""Processes that run the command line and may be killed, forked from one that imported it.

Importing the project takes seconds; a test that starts it ten times would do little else. What is
forked has run nothing yet: it begins at the command line and ends as an interpreter does.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from evals.matching.vocabulary import load_vocabulary

ROOT = Path(__file__).resolve().parents[3]
_SERVE = (
    "import sys; from tests.evals.running import starter, test_kill, test_ledger; "
    "sys.exit(starter.serve())"
)


class Started:
    """A process of the starter's."""

    def __init__(self, pid: int, starter: subprocess.Popen[bytes], said: Path) -> None:
        self.pid = pid
        self._starter = starter
        self._said = said
        self._code: int | None = None

    def send_signal(self, how: signal.Signals) -> None:
        """Signal it."""
        os.kill(self.pid, how)

    def poll(self) -> int | None:
        """Its exit code, negative for the signal that ended it; None while it runs."""
        return self._ended(0)

    def wait(self, timeout_s: float) -> int:
        """Its exit code."""
        code = self._ended(timeout_s)
        assert code is not None, f"still running after {timeout_s} s"
        return code

    def said(self) -> str:
        """What it printed, errors too."""
        return self._said.read_text()

    def _ended(self, timeout_s: float) -> int | None:
        pipe = self._starter.stdout
        assert pipe is not None
        if self._code is None and select.select([pipe], [], [], timeout_s)[0]:
            self._code = int(pipe.readline())
        return self._code


class Starter:
    """One process at a time, each from `module:function` and the arguments for it."""

    def __init__(self, folder: Path) -> None:
        self._said = folder / "said.txt"
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        )  # fmt: skip

    def start(self, function: str, *arguments: str) -> Started:
        """Start one; the last has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {
            "function": function,
            "arguments": arguments,
            "said": str(self._said),
            "environment": dict(os.environ),
        }
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        return Started(int(self._process.stdout.readline()), self._process, self._said)

    def close(self) -> None:
        """End the process that forks, when what it forked has ended."""
        self._process.communicate()


def serve() -> int:
    """Fork for every line of stdin: prints the process's id, and its exit code when it ended."""
    load_vocabulary()
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.environ.clear()
            os.environ.update(asked["environment"])
            said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(said, 1)
            os.dup2(said, 2)
            module, _, name = asked["function"].partition(":")
            code: int = getattr(import_module(module), name)(*asked["arguments"])
            return code
        _tell(pid)
        _tell(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return 0


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()
