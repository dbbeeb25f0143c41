"""Whole diagnoses with Gemini's side scripted: what the script reads, and how a case is played.

The planner is the real one over the real client; graph, tools and knowledge base are the real ones.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from agent import Case, Report
from agent.graph import build_graph
from agent.run import Agent, start
from agent.settings import Settings
from tests.gemini_server import GeminiServer, Json, Request, Step, call, candidate
from tests.gemini_ways import planner_for
from tools.workbench import Workbench

REPAIR = "Your last turn"  # how every repair request begins
SIGNATURE = "c2lnbmVk"


class ToolCounter(BaseCallbackHandler):
    """Counts the tools that really ran, by name."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()

    def on_tool_start(
        self, serialized: dict[str, Any], input_str: str, *, run_id: UUID, **kwargs: Any
    ) -> None:
        self.ran[serialized["name"]] += 1


@dataclass(kw_only=True)
class Stage:
    """One case in one thread, and what became of it.

    Attributes:
        chunks: What was streamed, when `way` is "stream".
    """

    bench: Workbench
    settings: Settings
    case: Case
    server: GeminiServer
    way: str = "invoke"
    tools: ToolCounter = field(default_factory=ToolCounter)
    saver: InMemorySaver = field(default_factory=InMemorySaver)
    chunks: list[Any] = field(default_factory=list)

    @property
    def thread(self) -> RunnableConfig:
        return {"configurable": {"thread_id": "one"}, "callbacks": [self.tools]}

    def agent(self, **planner: Any) -> Agent:
        """A graph of its own over the thread's checkpoints, as another process would build it."""
        return build_graph(
            planner_for(self.server, **planner), self.bench, self.settings, checkpointer=self.saver
        )

    def begin(self, agent: Agent) -> Report:
        """The case from its first message to its report."""
        if self.way == "invoke":
            agent.invoke(start(self.case), self.thread)
        else:
            self.chunks = list(agent.stream(start(self.case), self.thread, stream_mode="messages"))
        return self.report(agent)

    def resume(self, agent: Agent) -> Report:
        """Go on from the last checkpoint."""
        agent.invoke(None, self.thread)
        return self.report(agent)

    def report(self, agent: Agent) -> Report:
        return Report.model_validate(agent.get_state(self.thread).values["report"])

    def check_prefix(self) -> None:
        """Every request begins with the bytes of the one before; a repair's own words are left out.

        What the service caches by prefix is then found in its cache.
        """
        heads = {json.dumps([r.body["systemInstruction"], r.body["tools"]]) for r in self.asked}
        assert len(heads) == 1
        plain = [r for r in self.asked if REPAIR not in json.dumps(r.contents[-1])]
        for before, after in pairwise(plain):
            length = len(before.contents)
            assert json.dumps(after.contents[:length]) == json.dumps(before.contents)

    @property
    def asked(self) -> list[Request]:
        return self.server.requests

    @property
    def repairs(self) -> int:
        """How many requests told the model what was wrong with its turn."""
        return sum(REPAIR in json.dumps(r.contents[-1]) for r in self.asked)


Staged = Callable[..., AbstractContextManager[Stage]]


def answers(request: Request) -> list[Json]:
    """Every answer of a tool in the request, in order: its JSON, or {"error": words}."""
    responses = [
        part["functionResponse"]["response"]
        for content in request.contents
        for part in content["parts"]
        if "functionResponse" in part
    ]
    return [json.loads(r["result"]) if "result" in r else r for r in responses]


def brief(request: Request) -> Json:
    """What the person's turn told the planner."""
    told: Json = json.loads(request.contents[0]["parts"][0]["text"])
    return told


def findings(request: Request) -> dict[str, str]:
    """Finding term to id, from the brief and from the tools."""
    told = [brief(request), *answers(request)]
    return {f["term"]: f["id"] for said in told for f in said.get("findings", ())}


def passages(request: Request) -> dict[str, str]:
    """Disease id to the id of its first passage."""
    found = [p for said in answers(request) for p in said.get("passages", ())]
    return {p["disease_id"]: p["id"] for p in reversed(found)}


def tool(name: str, call_id: str | None = None, /, **arguments: Any) -> Json:
    """A functionCall part."""
    return call(name, arguments, call_id=call_id)


def signed(part: Json) -> Json:
    """The part with a thought signature, as the first call of a turn has one."""
    return {**part, "thoughtSignature": SIGNATURE}


def thought(words: str) -> Json:
    """A part of a thought summary."""
    return {"text": words, "thought": True}


def submission(request: Request, *lines: tuple[str, float, Iterable[str]]) -> Json:
    """Arguments of submit_differential: (disease id, probability, terms that speak for it) a line.

    Terms and passages become the ids that the request gives them.
    """
    known, quoted = findings(request), passages(request)
    return {
        "diagnoses": [
            {
                "name": disease.replace("-", " "),
                "disease_id": disease,
                "probability": probability,
                "evidence_for": [known[term] for term in terms],
                "passages": [quoted[disease]] if disease in quoted else [],
            }
            for disease, probability, terms in lines
        ],
        "other_probability": round(1 - sum(probability for _, probability, _ in lines), 4),
    }


def submit(*lines: tuple[str, float, Iterable[str]]) -> Step:
    """A step that submits these lines."""
    return lambda request: candidate(
        call("submit_differential", submission(request, *lines), call_id="submit")
    )
