"""What a planner is told when a tool refuses.

No `from __future__ import annotations` here: ToolNode reads the types that a handler takes from its
annotation, and a string is none.
"""

from langgraph.prebuilt.tool_node import ToolInvocationError

from tools.errors import ToolFailure


def explained(error: ToolFailure | ToolInvocationError) -> str:
    """What the planner is told: a refusal as it stands, wrong arguments by name, never by value."""
    if isinstance(error, ToolFailure):
        return str(error)
    wrong = error.source.errors(include_input=False, include_url=False)
    told = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg'].lower()}" for e in wrong)
    return f"wrong arguments: {told}; call it again with these mended"
