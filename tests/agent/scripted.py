"""A planner that says what a test tells it to: any LangChain chat model is a planner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field


class ScriptedPlanner(BaseChatModel):
    """Plays its turns in order; each is a list of (tool, arguments) or a text."""

    turns: list[Any]
    seen: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.seen.append(list(messages))
        turn = self.turns[len(self.seen) - 1]
        if isinstance(turn, str):
            message = AIMessage(turn)
        else:
            message = AIMessage(
                "",
                tool_calls=[
                    {"name": n, "args": a, "id": f"c{len(self.seen)}-{i}", "type": "tool_call"}
                    for i, (n, a) in enumerate(turn)
                ],
            )
        return ChatResult(generations=[ChatGeneration(message=message)])
