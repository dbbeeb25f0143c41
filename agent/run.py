"""The embedding API's verbs: build_agent, diagnose, adiagnose, resume."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from agent.arrival import clean_case
from agent.budget import RunContext
from agent.case import Case
from agent.eyes import build_vision
from agent.graph import build_graph
from agent.intake import READ_THIS
from agent.knowledge_base import open_knowledge
from agent.planner import build_planner
from agent.planner.capabilities import require_tools
from agent.planner.offline import OfflinePlanner
from agent.report import Report
from agent.settings import Settings, with_planner
from tools.errors import UserError
from tools.imaging.store import ArtifactStore
from tools.vision.base import VisionModel
from tools.workbench import Workbench

Agent = CompiledStateGraph[Any, Any, Any, Any]


def build_agent(
    settings: Settings | None = None,
    *,
    checkpointer: Any = None,
    planner: BaseChatModel | str | None = None,
    vision: VisionModel | None = None,
    interactive: bool = False,
) -> Agent:
    """The compiled LangGraph graph.

    Args:
        settings: The defaults and the environment when left out.
        checkpointer: A LangGraph checkpointer, to keep threads for follow-ups and after a crash;
            see agent.threads.open_threads.
        planner: Any LangChain chat model that calls tools, or a name as the settings take it,
            instead of the one in the settings.
        vision: Any VisionModel, instead of the one in the settings.
        interactive: Whether a run without a context (agent.budget.RunContext) may interrupt to ask
            the person; needs a checkpointer, and a caller who resumes.

    Raises:
        UserError: When the planner cannot call tools, or a part that the settings name cannot be
            built.
    """
    settings = settings or Settings()
    if isinstance(planner, str):
        planner = build_planner(with_planner(settings, planner))
    planner = planner or build_planner(settings)
    require_tools(planner)
    if isinstance(planner, OfflinePlanner) and not settings.use_knowledge:
        raise UserError(
            "the offline planner ranks the knowledge base and knows nothing without it; name a "
            "planner that is a language model, or set use_knowledge (HOOFBEAT_USE_KNOWLEDGE=true)"
        )
    settings.open_cache()
    bench = Workbench(
        store=ArtifactStore(settings.artifact_dir),
        knowledge=open_knowledge(settings),
        vision=vision or build_vision(settings),
        dicom_store=settings.vision_dicom_store or "",
        roots=settings.roots,
        use_knowledge=settings.use_knowledge,
        windows=settings.vision_windows,
    )
    return build_graph(planner, bench, settings, checkpointer=checkpointer, interactive=interactive)


def diagnose(
    case: Case,
    settings: Settings | None = None,
    *,
    agent: Agent | None = None,
    thread_id: str = "",
    on_step: Callable[[str], None] | None = None,
) -> Report:
    """Run one case to its report. Build the agent once and pass it in for many cases.

    An agent with a checkpointer keeps the case in a thread; every step is on disk before the next
    one begins (durability "sync"), so that `resume` can go on after a crash.

    Args:
        thread_id: A new thread's id; made when left out.
        on_step: Called with each step in words as it begins ("measuring the lungs").

    Raises:
        UserError: When the agent keeps no threads, or holds a thread of that id already.
    """
    graph = agent or build_agent(settings)
    config = new_thread(graph, thread_id)
    if config and graph.get_state(config).values:
        raise _taken(thread_id)
    return _report(graph, start(case), config, on_step)


async def adiagnose(
    case: Case,
    settings: Settings | None = None,
    *,
    agent: Agent | None = None,
    thread_id: str = "",
) -> Report:
    """The same for an event loop: the loop stays free while tools and planner work."""
    graph = agent or build_agent(settings)
    config = new_thread(graph, thread_id)
    if config and (await graph.aget_state(config)).values:
        raise _taken(thread_id)
    state = await graph.ainvoke(start(case), config, context=RunContext(), **_durable(graph))
    return Report.model_validate(state["report"])


def resume(thread_id: str, *, agent: Agent, on_step: Callable[[str], None] | None = None) -> Report:
    """Go on with a thread whose run did not end, from its last step; what has ended is read again.

    Args:
        agent: With the checkpointer that keeps the thread.

    Raises:
        UserError: When the agent keeps no such thread, or it waits for an answer of the person.
    """
    config = new_thread(agent, thread_id)
    kept = agent.get_state(config) if config else None
    if config is None or kept is None or kept.config["configurable"].get("checkpoint_id") is None:
        raise UserError(f"there is no thread {thread_id!r}; `hoofbeat threads list` lists them")
    if kept.interrupts:
        raise UserError(f"thread {thread_id!r} waits for an answer: send one into the thread")
    if kept.tasks:  # not `next`, which leaves out a step that is written and not yet taken in
        return _report(agent, None, config, on_step)
    if not kept.values.get("report"):
        raise UserError(f"thread {thread_id!r} holds no report yet: describe a case in it")
    return Report.model_validate(kept.values["report"])


def new_thread(agent: Agent, thread_id: str = "") -> RunnableConfig | None:
    """The config of a thread, with an id made when none is given; None for an agent without any.

    Raises:
        UserError: When an id is given to an agent that keeps no threads.
    """
    if agent.checkpointer:
        return {"configurable": {"thread_id": thread_id or uuid4().hex}}
    if thread_id:
        raise UserError(
            f"thread {thread_id!r} cannot be kept: build the agent with a checkpointer "
            "(agent.threads.open_threads)"
        )
    return None


def _report(
    graph: Agent,
    given: dict[str, Any] | None,
    config: RunnableConfig | None,
    on_step: Callable[[str], None] | None,
) -> Report:
    state: Mapping[str, Any] = {}
    chunks: Iterable[Any] = graph.stream(
        given,
        config,
        context=RunContext(),  # nobody is asked, whatever the graph was built for
        stream_mode=["values", "custom"],
        **_durable(graph),
    )
    for mode, chunk in chunks:
        if mode == "values":
            state = chunk
        elif on_step is not None:
            on_step(str(chunk["step"]))
    return Report.model_validate(state["report"])


def _durable(graph: Agent) -> dict[str, Any]:
    """Each step is written before the next begins, where there is something to write to."""
    return {"durability": "sync"} if graph.checkpointer else {}


def _taken(thread_id: str) -> UserError:
    return UserError(
        f"thread {thread_id!r} holds a case already: go on with `hoofbeat threads resume "
        f"{thread_id}`, or name another"
    )


def start(case: Case) -> dict[str, Any]:
    """The graph's input for a case, scrubbed: LangGraph stores it before the first node runs."""
    clean = clean_case(case)
    words = clean["history"] or READ_THIS
    return {"messages": [HumanMessage(words)], "case": clean}
