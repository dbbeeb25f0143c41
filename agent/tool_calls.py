"""The calls of one turn, each a task of its own: what has finished is not run again on resume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langgraph.func import task
from langgraph.prebuilt import ToolNode


def run_calls(
    tools: ToolNode, state: Mapping[str, Any], asked: AIMessage, calls: Sequence[ToolCall]
) -> list[ToolMessage]:
    """Run calls side by side; returns their answers in order.

    LangGraph writes the answer of each task to the thread as soon as it has come. After a crash in
    the middle of a turn, the turn begins again and takes every answer that was written; a call
    whose answer was not is run (again). Must be called from inside a node, whose tasks are matched
    by their order: the same turn makes the same calls in the same order.

    Args:
        state: The graph's state, for tools that read it.
        asked: The planner's turn.
        calls: Those of its calls that may run.
    """

    @task
    def tool(call: ToolCall) -> ToolMessage:
        turn = asked.model_copy(update={"tool_calls": [call]})
        answered: list[ToolMessage] = tools.invoke({**state, "messages": [turn]})["messages"]
        return answered[0]

    begun = [tool(call) for call in calls]
    return [answer.result() for answer in begun]
