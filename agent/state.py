"""CaseState: what the graph carries. Plain dicts only, references instead of pixels."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Annotated, Any

from langgraph.graph import MessagesState


def by_id(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Append; an item whose id stands already replaces it in place."""
    kept = {item["id"]: item for item in old}
    kept.update({item["id"]: item for item in new})
    return list(kept.values())


def added(old: Mapping[str, float], new: Mapping[str, float]) -> dict[str, float]:
    """Sum key by key: the running cost of a case."""
    return {key: old.get(key, 0) + new.get(key, 0) for key in {**old, **new}}


class CaseState(MessagesState, total=False):
    """One case, from the first message to the last follow-up.

    Attributes:
        case: A Case as JSON.
        findings, passages: Findings and passages as JSON, with their ids.
        submission: The differential that the planner submitted last, as it submitted it.
        problems: What review found wrong with it; empty when it passed.
        report: The last Report as JSON.
        spent: Planner calls, vision calls and tokens since the case began.
        turn: What the present run has used (planner_calls, vision_calls, tokens, dollars, seconds,
            reviews) and how it stands: `leading` (the first candidates after each round of
            findings), `stop` (why asking ended), `spent` (which budget is gone) and `fallback`
            (why the planner is the offline one).
        clarified: The person has been asked for what the case lacks; asked once a case.
        trace: What was done, in order.
    """

    case: dict[str, Any]
    findings: Annotated[list[dict[str, Any]], by_id]
    passages: Annotated[list[dict[str, Any]], by_id]
    submission: dict[str, Any]
    problems: list[str]
    report: dict[str, Any]
    spent: Annotated[dict[str, float], added]
    turn: dict[str, Any]
    clarified: bool
    trace: Annotated[list[dict[str, Any]], operator.add]
