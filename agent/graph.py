"""The graph: nodes and edges, no logic.

intake ─► plan ─► act ─► plan ... ─► review ─► report
"""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.intake import Intake
from agent.nodes import Nodes, stands
from agent.settings import Settings
from agent.state import CaseState
from agent.submission import SUBMIT
from tools.workbench import Workbench


def build_graph(
    planner: BaseChatModel, bench: Workbench, settings: Settings, *, checkpointer: Any = None
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Wire the state machine; the checkpointer is passed in, None for a run that is not kept."""
    nodes = Nodes(planner, bench, settings)

    def after_plan(state: CaseState) -> Literal["act", "review", "report"]:
        reply = state["messages"][-1]
        calls = reply.tool_calls if isinstance(reply, AIMessage) else []
        if not calls:
            return "report" if stands(state) else "review"
        return "review" if all(c["name"] == SUBMIT for c in calls) else "act"

    def after_act(state: CaseState) -> Literal["plan", "report"]:
        return "plan" if state["turn"]["planner_calls"] < settings.max_planner_calls else "report"

    def after_review(state: CaseState) -> Literal["plan", "report"]:
        return "plan" if state["turn"]["sent_back"] else "report"

    graph = StateGraph(CaseState)
    graph.add_node("intake", Intake(bench))
    graph.add_node("plan", nodes.plan)
    graph.add_node("act", nodes.act)
    graph.add_node("review", nodes.review)
    graph.add_node("report", nodes.report)
    graph.add_edge(START, "intake")
    graph.add_edge("intake", "plan")
    graph.add_conditional_edges("plan", after_plan)
    graph.add_conditional_edges("act", after_act)
    graph.add_conditional_edges("review", after_review)
    graph.add_edge("report", END)
    compiled = graph.compile(checkpointer=checkpointer, name="hoofbeat")
    # The budgets end a turn; LangGraph's own limit only has to lie beyond them.
    return compiled.with_config(recursion_limit=3 * settings.max_planner_calls + 10)
