"""What a chat model must be able to do to plan, asked of it before it is needed."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel

from tools.errors import UserError

TOOLS = "tools"
STRUCTURED = "structured output"


class _Answer(BaseModel):
    """An answer."""

    is_yes: bool


def missing(planner: BaseChatModel, tools: Sequence[BaseTool] = ()) -> list[str]:
    """What a chat model lacks: "tools", "structured output"; empty when it has both.

    It is asked as LangChain's models say it: by NotImplementedError when tools or a schema are
    bound to it, or by its profile. Nothing is sent to a service.

    Args:
        tools: Those that it will be given; a tool of this module's own when left out.
    """
    lacks = []
    try:
        planner.bind_tools(list(tools) or [_probe()])
    except NotImplementedError:
        lacks.append(TOOLS)
    else:
        if (planner.profile or {}).get("tool_calling") is False:
            lacks.append(TOOLS)
    try:
        planner.with_structured_output(_Answer)
    except NotImplementedError:
        lacks.append(STRUCTURED)
    return lacks


def require_tools(planner: BaseChatModel, tools: Sequence[BaseTool] = ()) -> None:
    """Refuse a chat model that cannot call tools: it could look, search and submit nothing.

    Raises:
        UserError: Says what is missing and what to do.
    """
    lacks = missing(planner, tools)
    if TOOLS in lacks:
        raise UserError(
            f"the planner {planner.get_name()} cannot plan: it lacks {' and '.join(lacks)}; give "
            "a chat model that calls tools, or use the offline planner"
        )


def _probe() -> BaseTool:
    def look(window: str) -> str:
        """Look at a window."""
        return window

    return StructuredTool.from_function(look)
