"""The tools that the planner may call: LangChain tools over pure functions.

A tool answers with compact JSON, and carries what it found as its artifact (an Outcome as a dict);
the graph takes that into the case and gives the ids. A ToolFailure tells the planner what to do
instead; anything else is a bug and flies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from tools.workbench import Workbench

TOOLS = (
    "look", "ask", "measure", "search_knowledge", "weigh_evidence", "compare_diseases",
    "next_question",
)  # fmt: skip
VISION_TOOLS = ("look", "ask")


def build_tools(bench: Workbench) -> list[BaseTool]:
    """The tools of TOOLS, in that order, working on one bench; some need its knowledge."""
    from tools import image_tools, knowledge_tools

    made = {tool.name: tool for tool in image_tools.bind(bench)}
    if bench.use_knowledge:
        made |= {tool.name: tool for tool in knowledge_tools.bind(bench)}
    return [made[name] for name in TOOLS if name in made]


def outcome(
    *,
    findings: Sequence[Mapping[str, Any]] = (),
    passages: Sequence[Mapping[str, Any]] = (),
    note: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a tool found, as plain data: new findings, new passages and whatever else it says."""
    return {
        "findings": [dict(f) for f in findings],
        "passages": [dict(p) for p in passages],
        "note": dict(note or {}),
    }
