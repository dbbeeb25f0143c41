"""Whether the last report still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.state import CaseState


def is_behind(state: CaseState) -> bool:
    """Whether findings came or went since the report: a run that died after taking them in."""
    report = state.get("report")
    return bool(report and _known(report["findings"]) != _known(state.get("findings", [])))


def stands(state: CaseState) -> bool:
    """Whether the last report still holds: this turn changed no finding and submitted nothing."""
    turn = state["turn"]
    is_touched = turn.get("changed") or turn.get("reviews") or is_behind(state)
    return bool(state.get("report")) and not is_touched


def _known(findings: Sequence[Mapping[str, Any]]) -> list[tuple[str, bool, bool]]:
    return [(f["id"], bool(f["retracted"]), bool(f["refuted"])) for f in findings]
