"""The graph: nodes and edges, no logic.

intake ─► (clarify ─► intake) ─► plan ─► act ─► plan ... ─► review ─► report
"""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agent.brief import BRIEF
from agent.budget import RunContext, is_interactive
from agent.clarify import clarify
from agent.intake import Intake
from agent.nodes import CLOSING_STEPS, Nodes
from agent.settings import Settings
from agent.state import CaseState
from agent.submission import SUBMIT
from tools.workbench import Workbench


def build_graph(
    planner: BaseChatModel,
    bench: Workbench,
    settings: Settings,
    *,
    checkpointer: Any = None,
    interactive: bool = False,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Wire the state machine.

    Args:
        checkpointer: Keeps the threads; None for a run that is not kept.
        interactive: Whether runs without a context may ask the person.
    """
    nodes = Nodes(planner, bench, settings, interactive=interactive)

    def after_intake(state: CaseState, runtime: Runtime[RunContext]) -> Literal["clarify", "plan"]:
        may_ask = is_interactive(runtime.context, default=interactive)
        return "clarify" if may_ask and not state.get("clarified") else "plan"

    def after_clarify(state: CaseState) -> Literal["intake", "plan"]:
        last = state["messages"][-1]
        is_new = isinstance(last, HumanMessage) and BRIEF not in last.additional_kwargs
        return "intake" if is_new else "plan"

    def after_plan(
        state: CaseState, runtime: Runtime[RunContext]
    ) -> Literal["act", "review", "report"]:
        reply = state["messages"][-1]
        calls = reply.tool_calls if isinstance(reply, AIMessage) else []
        if not calls:
            return "report" if nodes.may_answer_in_words(state, runtime.context) else "review"
        return "review" if all(c["name"] == SUBMIT for c in calls) else "act"

    def after_act(state: CaseState) -> Literal["plan", "report"]:
        return "plan" if state["turn"].get("closing", 0) < CLOSING_STEPS else "report"

    def after_review(state: CaseState) -> Literal["plan", "report"]:
        return "plan" if state["turn"]["sent_back"] else "report"

    graph = StateGraph(CaseState, context_schema=RunContext)
    graph.add_node("intake", Intake(bench, interactive=interactive))
    graph.add_node("clarify", clarify)
    graph.add_node("plan", nodes.plan)
    graph.add_node("act", nodes.act)
    graph.add_node("review", nodes.review)
    graph.add_node("report", nodes.report)
    graph.add_edge(START, "intake")
    graph.add_conditional_edges("intake", after_intake)
    graph.add_conditional_edges("clarify", after_clarify)
    graph.add_conditional_edges("plan", after_plan)
    graph.add_conditional_edges("act", after_act)
    graph.add_conditional_edges("review", after_review)
    graph.add_edge("report", END)
    compiled = graph.compile(checkpointer=checkpointer, name="hoofbeat")
    # The budgets end a run; LangGraph's own limit only has to lie beyond them.
    return compiled.with_config(recursion_limit=max(500, 4 * settings.max_planner_calls + 50))
