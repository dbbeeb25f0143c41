"""Diagnoses that are killed with SIGKILL at a point of their own, and resumed by another process.

`python -m tests.agent.crash FOLDER` prints one JSON line a point. Imports are done once; each run
is a fork of its own, so that nothing of it but the thread on disk outlives the signal.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatResult
from langgraph.checkpoint.base import CheckpointTuple

from agent import Case, Settings, diagnose, open_threads, resume
from agent.graph import build_graph
from agent.run import Agent
from agent.threads.saver import ThreadSaver
from agent.threads.sqlite import open_sqlite
from knowledge.index.passages import Passage, chunks
from knowledge.search.retrieve import KnowledgeBase
from tests.agent.scripted import ScriptedPlanner
from tests.knowledge.small_store import corpus, vocabulary
from tools.imaging.store import ArtifactStore
from tools.workbench import Workbench

QUERIES = {"c1-0": "lung cysts", "c1-1": "crazy paving", "c2-0": "pleural effusion"}
_THREAD = "one"
_CASE = Case(history="Lung cysts.")
_SUBMITTED = {"name": "first", "disease_id": "a-disease-0", "probability": 0.6}
_TURNS: list[list[tuple[str, dict[str, Any]]]] = [
    [
        ("search_knowledge", {"query": QUERIES["c1-0"]}),
        ("search_knowledge", {"query": QUERIES["c1-1"]}),
    ],
    [("search_knowledge", {"query": QUERIES["c2-0"]})],
    [("submit_differential", {"diagnoses": [_SUBMITTED], "other_probability": 0.4})],
]


class Planner(ScriptedPlanner):
    """Plays the turn that the thread has come to, whichever process it is in."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.seen[:] = [[]] * sum(isinstance(m, AIMessage) for m in messages)
        return super()._generate(messages, stop, run_manager, **kwargs)


class Knowledge(KnowledgeBase):
    """A small one that writes down each search, and may die in the middle of one.

    No index is opened, which would take longer than all the rest: each entry's first passage counts
    as found.
    """

    def __init__(self, folder: Path, dies_in: str = "") -> None:
        super().__init__(folder, entries=corpus("a"), vocabulary=vocabulary())
        self._folder = folder
        self._dies_in = dies_in
        self._made = chunks(self.entries, self.vocabulary)

    def versions(self) -> dict[str, str]:
        return {"knowledge": "made up"}

    def search(self, query: str, **options: Any) -> list[Passage]:
        with (self._folder / "searches").open("a") as log:
            log.write(query + "\n")
        if query == self._dies_in:
            if query == QUERIES["c1-1"]:
                _wait_for_an_answer(self._folder)
            os.kill(os.getpid(), signal.SIGKILL)
        return [
            Passage(
                disease_id=one.disease_id, disease=one.disease, facet=one.facet,
                modality=one.modality, text=one.text, source=f"knowledge/{one.id}", score=1.0,
            )
            for one in self._made
            if one.disease_id in ("a-disease-0", f"a-disease-{len(query)}")
        ]  # fmt: skip


def _wait_for_an_answer(folder: Path) -> None:
    """Until the other call of the turn has ended."""
    deadline = time.monotonic() + 10
    with closing(connect(folder / "threads")) as kept:
        while time.monotonic() < deadline:
            if kept.execute("SELECT 1 FROM writes WHERE channel = '__return__'").fetchone():
                return
            time.sleep(0.01)
    raise TimeoutError("the answer of a tool was not kept before the turn ended")


def _dying(saver: ThreadSaver, point: int) -> ThreadSaver:
    """The saver, killing the process before its first write (0), after it (1), and so on."""

    class Dying(type(saver)):  # type: ignore[misc]
        passed = 0

        def put(self, *given: Any) -> Any:
            return self._between(super().put, given)

        def put_writes(self, *given: Any) -> Any:
            return self._between(super().put_writes, given)

        def _between(self, write: Callable[..., Any], given: tuple[Any, ...]) -> Any:
            self._pass()
            done = write(*given)
            self._pass()
            return done

        def _pass(self) -> None:
            if self.passed == point:
                os.kill(os.getpid(), signal.SIGKILL)
            self.passed += 1

    saver.__class__ = Dying
    return saver


def _agent(folder: Path, saver: ThreadSaver, dies_in: str = "") -> Agent:
    planner = Planner(turns=_TURNS)
    return build_graph(planner, _bench(folder, dies_in), _settings(folder), checkpointer=saver)


def _bench(folder: Path, dies_in: str = "") -> Workbench:
    return Workbench(
        store=ArtifactStore(folder / "artifacts"), knowledge=Knowledge(folder, dies_in)
    )


def _settings(folder: Path) -> Settings:
    return Settings(cache_dir=folder, threads=f"sqlite:{folder / 'threads'}")


def _forked(work: Callable[[], None]) -> int:
    """Run in a process of its own; the signal that ended it, 0 for none."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - a fork must not go on as its parent
            print(repr(error), file=sys.stderr)  # noqa: T201
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("a run failed; see above")
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _begin(folder: Path, point: int, dies_in: str) -> None:
    with open_threads(_settings(folder)) as saver:
        agent = _agent(folder, _dying(saver, point), dies_in)
        diagnose(_CASE, agent=agent, thread_id=_THREAD)


def _end(folder: Path) -> None:
    with open_threads(_settings(folder)) as saver:
        report = resume(_THREAD, agent=_agent(folder, saver)).model_dump(mode="json")
    for step in report["trace"]:
        del step["seconds"]
    (folder / "report.json").write_text(json.dumps(report))


def _answered(folder: Path) -> list[str]:
    """The ids of the calls whose answer is on disk."""
    with open_sqlite(folder / "threads") as saver:
        kept = saver.get_tuple({"configurable": {"thread_id": _THREAD}})
    return sorted({m.tool_call_id for m in _messages(kept) if isinstance(m, ToolMessage)})


def _messages(kept: CheckpointTuple | None) -> Sequence[Any]:
    if kept is None:
        return []
    written = [value for _, channel, value in kept.pending_writes or () if channel != "__error__"]
    lists = [kept.checkpoint["channel_values"].get("messages", []), written]
    lists += [value for value in written if isinstance(value, list)]
    return [message for some in lists for message in some]


def killed(folder: Path, *, point: int = -1, dies_in: str = "") -> dict[str, Any]:
    """Kill a diagnosis at one point, resume it; what was on disk, what was searched, the report."""
    for old in ("searches", "threads", "threads-wal", "threads-shm", "report.json"):
        (folder / old).unlink(missing_ok=True)
    ended = _forked(lambda: _begin(folder, point, dies_in))
    answered = _answered(folder)
    started = bool(_kept(folder))
    if started:
        _forked(lambda: _end(folder))
    searches = folder / "searches"
    return {
        "signal": ended,
        "started": started,
        "answered": answered,
        "searches": searches.read_text().splitlines() if searches.exists() else [],
        "report": json.loads((folder / "report.json").read_text()) if started else None,
    }


def _kept(folder: Path) -> dict[str, str]:
    """The threads on disk."""
    with open_sqlite(folder / "threads") as saver:
        return saver.first_checkpoints()


def main(folder: Path) -> None:
    """Never, then between any two writes, then inside each tool call."""
    warm = build_graph(Planner(turns=_TURNS), _bench(folder), _settings(folder))
    diagnose(_CASE, agent=warm)  # whatever is imported late, once for every fork
    for query in ("", *QUERIES.values()):
        print(json.dumps({"dies_in": query, **killed(folder, dies_in=query)}), flush=True)  # noqa: T201
    point = 0
    while (run := killed(folder, point=point))["signal"]:
        print(json.dumps({"point": point, **run}), flush=True)  # noqa: T201
        point += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
