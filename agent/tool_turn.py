"""One turn of tool calls: which may run, what a refusal says, and how answers enter the case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, ToolCall, ToolMessage

from agent.state import CaseState
from agent.submission import SUBMIT
from tools import VISION_TOOLS
from tools.answers import render
from tools.findings import Finding
from tools.imaging.series import Series
from tools.workbench import Workbench


def within_budget(
    asked: AIMessage, *, vision_calls_left: int
) -> tuple[list[ToolCall], list[ToolMessage]]:
    """The calls to run, and the answers to those that are refused."""
    allowed: list[ToolCall] = []
    refused: list[ToolMessage] = []
    for call in asked.tool_calls:
        why = ""
        if call["name"] == SUBMIT:
            why = f"call {SUBMIT} alone, after the other tools have answered"
        elif call["name"] in VISION_TOOLS:
            cost = vision_cost(call)
            if cost <= vision_calls_left:
                vision_calls_left -= cost
            elif vision_calls_left > 0:
                why = f"{cost} windows, and the vision budget holds {vision_calls_left}: name fewer"
            else:
                why = "the vision budget is spent: submit with what there is"
        if why:
            refused.append(
                ToolMessage(why, tool_call_id=str(call["id"]), name=call["name"], status="error")
            )
        else:
            allowed.append(call)
    return allowed, refused


def vision_cost(call: Mapping[str, Any]) -> int:
    """How many vision calls a tool call counts for: a look one for each window it names."""
    if call["name"] not in VISION_TOOLS:
        return 0
    windows = call["args"].get("windows")
    # Arguments of a wrong type are for the tool to refuse.
    return max(1, len(set(map(str, windows)))) if isinstance(windows, list) else 1


def with_unique_ids(reply: AIMessage) -> AIMessage:
    """The reply with an id of its own for each call: two calls of one id would share an answer."""
    ids = [call["id"] for call in reply.tool_calls]
    if all(ids) and len(set(ids)) == len(ids):
        return reply
    calls = [
        {**call, "id": f"{call['id'] or 'call'}-{number}"}
        for number, call in enumerate(reply.tool_calls)
    ]
    return reply.model_copy(update={"tool_calls": calls})


def taken_in(
    state: CaseState, answered: Sequence[ToolMessage]
) -> tuple[list[ToolMessage], list[dict[str, Any]], list[dict[str, Any]]]:
    """Give findings and passages their ids, in call order; artifacts leave the messages."""
    findings: list[dict[str, Any]] = []
    passages: list[dict[str, Any]] = []
    known = {p["source"]: p["id"] for p in state.get("passages", [])}
    messages = []
    for message in answered:
        found = message.artifact
        if not isinstance(found, dict):
            messages.append(message)
            continue
        for finding in found["findings"]:
            finding["id"] = f"F{len(state.get('findings', [])) + len(findings) + 1}"
            findings.append(finding)
        for passage in found["passages"]:
            if passage["source"] not in known:
                known[passage["source"]] = f"P{len(known) + 1}"
                passages.append(passage)
            passage["id"] = known[passage["source"]]
        messages.append(message.model_copy(update={"content": render(found), "artifact": None}))
    return messages, findings, passages


def refuted_by_measurement(
    state: CaseState, new: Sequence[Mapping[str, Any]], bench: Workbench
) -> list[dict[str, Any]]:
    """What a model saw and a measurement of the same series excludes, marked with the reason.

    Args:
        new: Findings of this turn, with their ids.
    """
    findings = [Finding.model_validate(f) for f in (*state.get("findings", []), *new)]
    seen = [f for f in findings if f.source == "vision" and not f.refuted]
    if not seen:
        return []
    from tools.refute import refute

    measured = {f.series for f in findings if f.source == "measurement"}
    marked: list[dict[str, Any]] = []
    for series in (Series.model_validate(s) for s in state["case"].get("series", [])):
        if series.id in measured and any(f.series == series.id for f in seen):
            # All findings: a consolidation known from the report limits what can be excluded.
            judged = refute(findings, bench.lungs_of(series))
            marked.extend(
                after.model_dump(mode="json")
                for before, after in zip(findings, judged, strict=True)
                if after.refuted != before.refuted
            )
    return marked


def doing(call: Mapping[str, Any]) -> str:
    """A call in words, for the person who waits."""
    arguments = call["args"]
    what = {
        "look": f"looking at {_listed(arguments.get('windows'))}",
        "ask": f"asking about {_listed(arguments.get('terms'))}",
        "measure": f"measuring the {arguments.get('what', 'lungs')}",
        "search_knowledge": "searching the knowledge base",
        "weigh_evidence": "weighing the evidence",
    }.get(call["name"], call["name"])
    return f"{what} of {arguments['series']}" if arguments.get("series") else what


def _listed(names: Any) -> str:
    return ", ".join(str(n).replace("-", " ") for n in names) if isinstance(names, list) else ""
