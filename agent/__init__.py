"""Hoofbeat: an agent that reads a radiology case and shows its evidence. Not for clinical use.

    from agent import Case, Settings, diagnose

Names are loaded when they are first used: importing this package loads no model library.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.version import __version__

if TYPE_CHECKING:
    from agent.arrival import prepared
    from agent.budget import RunContext
    from agent.case import Case
    from agent.differential import Diagnosis, Differential
    from agent.report import Report
    from agent.run import adiagnose, build_agent, diagnose, resume
    from agent.settings import Settings
    from agent.threads import Threads, open_threads
    from tools.errors import UserError

__all__ = [
    "Case",
    "Diagnosis",
    "Differential",
    "Report",
    "RunContext",
    "Settings",
    "Threads",
    "UserError",
    "__version__",
    "adiagnose",
    "build_agent",
    "diagnose",
    "open_threads",
    "prepared",
    "resume",
]

_HOME = {
    "Case": "agent.case",
    "Diagnosis": "agent.differential",
    "Differential": "agent.differential",
    "Report": "agent.report",
    "RunContext": "agent.budget",
    "Settings": "agent.settings",
    "Threads": "agent.threads",
    "UserError": "tools.errors",
    "adiagnose": "agent.run",
    "build_agent": "agent.run",
    "diagnose": "agent.run",
    "open_threads": "agent.threads",
    "prepared": "agent.arrival",
    "resume": "agent.run",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'agent' has no attribute {name!r}")
    _check_neighbours()
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def _check_neighbours() -> None:
    """Refuse to run on another project's `tools` or `knowledge`: the names are common ones."""
    home = Path(__file__).resolve().parent.parent
    for name in ("tools", "knowledge"):
        spec = find_spec(name)
        found = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        if found != home:
            raise ImportError(
                f"Hoofbeat's package {name!r} is hidden by another {name!r} on the import path "
                f"({found or 'a folder without __init__.py'}); see docs/embedding.md: run the "
                "hoofbeat command or the LangGraph server beside your application instead"
            )
