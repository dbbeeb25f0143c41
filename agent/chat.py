"""`hoofbeat chat`: a case, and what one wants to know of it, in a terminal."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.types import Command
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape

from agent.arrival import Desk, Study, prepared, prepared_answer
from agent.budget import RunContext
from agent.case import Case
from agent.cli import case_of, steps
from agent.report import NOT_CLINICAL, Report
from agent.run import Agent, build_agent, new_thread, start
from agent.settings import Settings, build_settings
from agent.threads import kept_in, lasting, open_threads
from tools.errors import UserError

_HELP = (
    "Write what you know or ask: findings, history, 'what speaks against the second', 'F3 is "
    "wrong', 'look again'. /attach PATH adds a study, /report FILE writes the page, /quit ends."
)
_CHAT = RunContext(interactive=True)


class Chat:
    """One thread, and one person in front of it.

    Args:
        read: Gives the person's next line; raises EOFError at the end of the input.
    """

    def __init__(
        self, agent: Agent, config: RunnableConfig, settings: Settings, read: Callable[[str], str]
    ) -> None:
        self._agent = agent
        self._config = config
        self._settings = settings
        self._read = read
        self._out = Console()
        self._told = Console(stderr=True)

    def begin(self, case: Case | None) -> None:
        """Read the case of the command line, or go on with what a crash left undone."""
        if case is not None:
            self._run(start(case))
        elif self._agent.get_state(self._config).tasks:
            self._told.print("[dim]going on where this thread stopped[/dim]")
            self._run(None)

    def talk(self) -> None:
        """Take in line after line until the person ends it."""
        while True:
            try:
                line = self._read("> ").strip()
            except EOFError:
                return
            if line in {"/quit", "/exit"}:
                return
            if line:
                self._one(line)

    def _one(self, line: str) -> None:
        """One line; what is wrong with it is one line too, and the chat goes on."""
        try:
            if line.startswith("/"):
                self._command(line)
            else:
                self._run(prepared(line, self._settings))
        except UserError as error:
            self._told.print(f"hoofbeat: {escape(str(error))}", highlight=False)
        except KeyboardInterrupt:
            self._told.print("interrupted; what was found is kept, and the next message goes on")

    def _command(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        try:
            given = shlex.split(rest)
        except ValueError as error:
            raise UserError(f"cannot read {rest!r} ({error}); quote paths with spaces") from error
        if name == "/attach" and given:
            self._attach(given)
        elif name == "/report" and len(given) == 1:
            self._report().save_html(given[0], self._settings)
            self._told.print(f"[dim]written: {escape(given[0])}[/dim]")
        elif name == "/help":
            self._told.print(_HELP, highlight=False)
        else:
            raise UserError(f"{line!r} is no command. {_HELP}")

    def _attach(self, paths: list[str]) -> None:
        """Images named by the person at the keyboard: a path on the command line is granted."""
        with steps(self._told) as on_step:
            on_step("reading the images")
            case = Case.load(paths, settings=self._settings)
        study = Study(
            series=case.series, chosen=case.chosen, age_years=case.age_years, sex=case.sex,
            limits=case.limits,
        )  # fmt: skip
        text = {"type": "text", "text": "Another study is attached."}
        self._run(prepared([text, study.model_dump(mode="json")], self._settings))

    def _report(self) -> Report:
        state = self._agent.get_state(self._config).values
        if not state.get("report"):
            raise UserError("there is no report yet; describe a case or attach a study first")
        return Report.model_validate(state["report"])

    def _run(self, given: Any) -> None:
        """Run the graph on it, ask what it asks, and show what it says."""
        asked = self._stream(given)
        while asked:
            for question in asked["ask"]:
                self._out.print(f"[bold]{escape(question)}[/bold]")
            try:
                said = self._read(f"({asked['how']}) > ")
            except EOFError:
                said = "skip"
            asked = self._stream(Command(resume=prepared_answer(said, Desk.of(self._settings))))
        last = self._agent.get_state(self._config).values["messages"][-1]
        if isinstance(last, AIMessage):
            self._out.print(Markdown(str(last.text)))

    def _stream(self, given: Any) -> Mapping[str, Any] | None:
        """Run until it ends or asks; returns what it asks."""
        asked: Mapping[str, Any] | None = None
        with steps(self._told) as on_step:
            chunks: Iterable[Any] = self._agent.stream(
                given,
                self._config,
                context=_CHAT,
                stream_mode=["updates", "custom"],
                durability="sync",
            )
            for mode, chunk in chunks:
                if mode == "custom":
                    on_step(str(chunk["step"]))
                elif isinstance(chunk, dict) and "__interrupt__" in chunk:
                    asked = chunk["__interrupt__"][0].value
        return asked


def chat(options: argparse.Namespace, read: Callable[[str], str] = input) -> int:
    """Open the thread and talk; returns the exit code."""
    settings = lasting(
        build_settings(planner=options.planner, vision=options.vision, cache_dir=options.cache_dir)
    )
    told = Console(stderr=True)
    is_given = options.paths or options.history or options.findings
    case = case_of(options, settings) if is_given else None
    with open_threads(settings) as checkpointer:
        agent = build_agent(settings, checkpointer=checkpointer, interactive=True)
        config = new_thread(agent, options.thread)
        if config is None:
            raise TypeError("an agent with a checkpointer has threads")
        if case is not None and agent.get_state(config).values:
            raise UserError(
                f"thread {options.thread!r} holds a case already: go on without a study, and "
                "/attach it, or name another thread"
            )
        name = config.get("configurable", {})["thread_id"]
        told.print(f"[dim]thread {name}, kept in {escape(kept_in(settings))}[/dim]")
        told.print(f"[dim]{_HELP}[/dim]\n[bold]{NOT_CLINICAL}[/bold]", highlight=False)
        talk = Chat(agent, config, settings, read)
        talk.begin(case)
        talk.talk()
    return 0
