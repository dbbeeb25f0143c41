#!/usr/bin/env python3
"""Set Hoofbeat up in .venv beside this file, then run it. Needs Python 3.11 or newer, nothing else.

    python3 bootstrap.py demo --report report.html     the main job on a synthetic chest CT
    python3 bootstrap.py diagnose STUDY --history ...   any other `hoofbeat` command likewise
    python3 bootstrap.py test                           ruff, mypy and all tests

The first run installs the tested set of versions (constraints.txt); later runs start at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
STAMP = VENV / "hoofbeat-stamp.json"
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
CHECKS: tuple[tuple[str, ...], ...] = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("knowledge", "check"),
    ("pytest", "-n", "logical", "--maxprocesses", "4", "--dist", "loadfile"),
)


def main(arguments: list[str]) -> int:
    """Set up what the command needs, then run it; returns its exit code."""
    if sys.version_info < (3, 11):
        print(f"bootstrap: Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
        return 2
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(__doc__)
        return 0 if arguments else 2
    try:
        if arguments[0] == "test":
            set_up("dev")
            return run_checks(arguments[1:])
        set_up("")
    except subprocess.CalledProcessError as error:
        print(f"bootstrap: {Path(error.cmd[0]).name} failed with {error.returncode}; see above")
        return 2
    return subprocess.call([str(BIN / "python"), "-m", "agent", *arguments])


def run_checks(pytest_arguments: list[str]) -> int:
    """Every check in turn, stopping at the first that fails."""
    for check in CHECKS:
        module, *rest = check
        if module == "pytest":
            rest = [*rest, *pytest_arguments]
        print(f"== {' '.join((module, *rest))}", flush=True)
        code = subprocess.call([str(BIN / "python"), "-m", module, *rest], cwd=ROOT)
        if code != 0:
            return code
    return 0


def set_up(extra: str) -> None:
    """Make the environment and install, unless it is done; both extras live in one environment."""
    wanted = wanted_stamp()
    done = read_stamp()
    extras = set(done.get("extras", [])) if done.get("hash") == wanted else set()
    if done.get("hash") == wanted and (not extra or extra in extras):
        return
    print("Setting up in .venv: a few minutes, once.", flush=True)
    if not done:  # none yet, or one whose set-up did not end
        try:
            venv.create(VENV, with_pip=True, clear=True)
        except subprocess.CalledProcessError:
            print("bootstrap: Python's venv lacks pip here (on Debian: apt install python3-venv)")
            raise
    install_torch()
    target = f".[{extra}]" if extra else "."
    pip("install", "--editable", target, "--constraint", "constraints.txt")
    stamp = {"hash": wanted, "extras": sorted(extras | ({extra} if extra else set()))}
    part = STAMP.with_suffix(".part")
    part.write_text(json.dumps(stamp), "utf-8")
    part.replace(STAMP)


def read_stamp() -> dict[str, Any]:
    """What was set up; empty when nothing was, or not to its end."""
    try:
        return dict(json.loads(STAMP.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def wanted_stamp() -> str:
    """Changes when the dependencies do."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def install_torch() -> None:
    """Torch first: on Linux without an NVIDIA driver, the CPU build, not gigabytes of CUDA.

    pip is asked what it would take by its own configuration; only when that is no CPU build does
    the index of CPU wheels come in.
    """
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    torch = next(line for line in lines if line.startswith("torch=="))
    if sys.platform != "linux" or Path("/proc/driver/nvidia/version").exists():
        pip("install", torch)
        return
    plan = subprocess.run(
        [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps",
         "--ignore-installed", "--report", "-", torch],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    chosen = json.loads(plan.stdout)["install"][0]["metadata"]["version"] if plan.stdout else ""
    if "+cpu" in chosen:
        pip("install", torch)
    else:
        pip("install", torch, "--index-url", CPU_WHEELS)


def pip(*arguments: str) -> None:
    """Run the environment's pip, quietly."""
    subprocess.run(
        [str(BIN / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments],
        cwd=ROOT,
        check=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
