"""The four ways in which a chat model is called, driven alike against the local server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from agent.planner.gemini import GeminiPlanner
from tests.gemini_server import KEY, GeminiServer

WAYS = ("invoke", "ainvoke", "stream", "astream")
TWO_WAYS = ("invoke", "astream")  # where the four share the code: one of each kind


def planner_for(server: GeminiServer, **settings: Any) -> GeminiPlanner:
    """A planner that speaks to the server and hardly waits between tries."""
    mine = {"api_key": KEY, "base_url": server.base_url, "backoff_s": 0.002, **settings}
    return GeminiPlanner(**mine)


def ask(
    planner: GeminiPlanner,
    messages: str | Sequence[BaseMessage],
    way: str,
    tools: Iterable[Any] = (),
) -> AIMessage:
    """One turn in one of the four WAYS a chat model is called; stream chunks are added up."""
    model: Any = planner.bind_tools(list(tools)) if tools else planner

    async def asynchronously() -> AIMessage:
        try:
            if way == "ainvoke":
                return cast("AIMessage", await model.ainvoke(messages))
            return _sum([chunk async for chunk in model.astream(messages)])
        finally:
            await planner.aclose()

    if way.startswith("a"):
        return asyncio.run(asynchronously())
    try:
        return _sum(list(model.stream(messages))) if way == "stream" else model.invoke(messages)
    finally:
        planner.close()


def _sum(chunks: list[AIMessageChunk]) -> AIMessage:
    return chunks[0] + chunks[1:] if len(chunks) > 1 else chunks[0]
