"""A planner that gets one turn: a fixed look, one search, one weighing, and it has to submit.

What the loop adds is left out and nothing else: the planner chooses no look, asks no question, sees
no second search, and what review objects to is taken out instead of sent back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

from agent.planner import about
from agent.planner.offline import OfflinePlanner
from agent.report import Report
from agent.submission import SUBMIT

FIXED = frozenset({"measure", "look", "search_knowledge", "weigh_evidence"})
TURNS = 5  # of the graph: two fixed ones, the planner's, and room for what the offline one reads up


class OnePass(BaseChatModel):
    """The offline planner's first look, search and weighing, then one turn of another planner.

    Attributes:
        planner: Who submits; asked once a case, and held to the one call that submits.
    """

    planner: BaseChatModel

    @property
    def _llm_type(self) -> str:
        return self.planner._llm_type

    @property
    def model(self) -> str:
        """The name of the planner's model, "" where it says none."""
        return str(getattr(self.planner, "model", ""))

    @property
    def about(self) -> str:
        """One line that says what plans."""
        return f"{about(self.planner)} One pass: a fixed look and search, then one turn."

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """The tools, for the turn that submits."""
        return self.bind(tools=list(tools))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        turn = _fixed(messages) or self._submitted(messages, kwargs.get("tools", []))
        return ChatResult(generations=[ChatGeneration(message=turn)])

    def _submitted(self, messages: list[BaseMessage], tools: Sequence[Any]) -> AIMessage:
        if isinstance(self.planner, OfflinePlanner):  # it knows when to submit, bound so
            return self.planner.bind(closing=True).invoke(messages)
        reply = self.planner.bind_tools(tools, tool_choice=SUBMIT).invoke(messages)
        calls = [call for call in reply.tool_calls if call["name"] == SUBMIT]
        return reply.model_copy(update={"tool_calls": calls})


def planner_calls(report: Report) -> int:
    """How many turns of a run were the planner's and not fixed."""
    plans = [step.what for step in report.trace if step.node == "plan"]
    return sum(not FIXED.issuperset(what.split(", ")) for what in plans)


def _fixed(messages: Sequence[BaseMessage]) -> AIMessage | None:
    """What is done before the planner is asked; None once the evidence has been weighed."""
    done = {c["name"] for m in messages if isinstance(m, AIMessage) for c in m.tool_calls}
    if "weigh_evidence" in done:
        return None
    drawn = OfflinePlanner().invoke(list(messages))
    calls = [call for call in drawn.tool_calls if call["name"] in FIXED]
    if not calls:
        return None
    return AIMessage("A fixed step.", tool_calls=calls)
