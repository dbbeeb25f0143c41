"""The embedding API's verbs: build_agent, diagnose, adiagnose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langgraph.graph.state import CompiledStateGraph

from agent.case import Case
from agent.eyes import build_vision
from agent.graph import build_graph
from agent.knowledge_base import open_knowledge
from agent.planner import build_planner
from agent.report import Report
from agent.settings import Settings
from tools.imaging.store import ArtifactStore
from tools.vision.base import VisionModel
from tools.workbench import Workbench

Agent = CompiledStateGraph[Any, Any, Any, Any]


def build_agent(
    settings: Settings | None = None,
    *,
    checkpointer: Any = None,
    planner: BaseChatModel | None = None,
    vision: VisionModel | None = None,
    interactive: bool = False,
) -> Agent:
    """The compiled LangGraph graph.

    Args:
        settings: The defaults and the environment when left out.
        checkpointer: A LangGraph checkpointer, to keep threads for follow-ups.
        planner: Any LangChain chat model that calls tools, instead of the one in the settings.
        vision: Any VisionModel, instead of the one in the settings.
        interactive: Whether a run without a context (agent.budget.RunContext) may interrupt to ask
            the person; needs a checkpointer, and a caller who resumes.
    """
    settings = settings or Settings()
    settings.open_cache()
    bench = Workbench(
        store=ArtifactStore(settings.artifact_dir),
        knowledge=open_knowledge(settings),
        vision=vision or build_vision(settings),
        dicom_store=settings.vision_dicom_store or "",
    )
    return build_graph(
        planner or build_planner(settings),
        bench,
        settings,
        checkpointer=checkpointer,
        interactive=interactive,
    )


def diagnose(
    case: Case,
    settings: Settings | None = None,
    *,
    agent: Agent | None = None,
    on_step: Callable[[str], None] | None = None,
) -> Report:
    """Run one case to its report. Build the agent once and pass it in for many cases.

    Args:
        on_step: Called with each step in words as it begins ("measuring the lungs").
    """
    graph = agent or build_agent(settings)
    state: Mapping[str, Any] = {}
    chunks: Iterable[Any] = graph.stream(start(case), stream_mode=["values", "custom"])
    for mode, chunk in chunks:
        if mode == "values":
            state = chunk
        elif on_step is not None:
            on_step(str(chunk["step"]))
    return Report.model_validate(state["report"])


async def adiagnose(
    case: Case, settings: Settings | None = None, *, agent: Agent | None = None
) -> Report:
    """The same for an event loop: the loop stays free while tools and planner work."""
    graph = agent or build_agent(settings)
    state = await graph.ainvoke(start(case))
    return Report.model_validate(state["report"])


def start(case: Case) -> dict[str, Any]:
    """The graph's input for a case."""
    words = case.history or "Read this case."
    return {"messages": [HumanMessage(words)], "case": case.model_dump(mode="json")}
