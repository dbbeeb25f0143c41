"""The threads that are kept: list them, read a report again, delete one with what is its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple

from agent.eyes import reply_store
from agent.report import Report
from agent.settings import Settings
from agent.threads.saver import ThreadSaver
from tools.errors import UserError
from tools.imaging.store import ArtifactStore

_REFERENCE = re.compile(r"[0-9a-f]{64}")
_NEXT = ("branch:to:", "__start__")  # LangGraph's channels of what is still to run
_INTERRUPT = "__interrupt__"


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadLine:
    """One thread as a list shows it; nothing that a person wrote.

    Attributes:
        started: When its first checkpoint was written, ISO 8601, UTC.
        turns: Messages of the person that were taken in.
        about: Its images and what it came to, in words of Hoofbeat's own.
    """

    id: str
    started: str
    turns: int
    about: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Deleted:
    """What went with a thread: volumes and images, and cached replies of the vision model."""

    images: int
    replies: int


class Threads:
    """What can be done with kept threads, whatever keeps them."""

    def __init__(self, saver: ThreadSaver, settings: Settings) -> None:
        """Remember the store of `open_threads`, and where pixels and replies lie."""
        self._saver = saver
        self._artifacts = ArtifactStore(settings.artifact_dir)
        self._replies = reply_store(settings)

    def list(self) -> list[ThreadLine]:
        """Every thread, oldest first."""
        first = self._saver.first_checkpoints()
        return [
            self._line(thread, first[thread]) for thread in sorted(first, key=first.__getitem__)
        ]

    def ids(self) -> frozenset[str]:
        """The id of every thread."""
        return frozenset(self._saver.first_checkpoints())

    def show(self, thread_id: str) -> Report:
        """The last report of a thread.

        Raises:
            UserError: When there is no such thread, or it has no report yet.
        """
        state = self._latest(thread_id).checkpoint["channel_values"]
        if not state.get("report"):
            raise UserError(
                f"thread {thread_id!r} has no report yet: its run did not end; go on with "
                f"`hoofbeat threads resume {thread_id}`"
            )
        return Report.model_validate(state["report"])

    def delete(self, thread_id: str) -> Deleted:
        """Delete a thread, and the pixels and cached replies that no other thread here uses.

        When it is cut short, the thread is still listed and can be deleted again.

        Raises:
            UserError: When there is no such thread.
        """
        self._latest(thread_id)
        others = self.ids() - {thread_id}
        own = set(_references(self._saver.list(_config(thread_id))))
        if own:
            for other in others:
                kept = self._saver.get_tuple(_config(other))
                own.difference_update(_references([kept] if kept else []))
        images = sum(self._artifacts.delete(reference) for reference in sorted(own))
        replies = self._replies.forget(thread_id, others=others)
        self._saver.delete_thread(thread_id)
        return Deleted(images=images, replies=replies)

    def _latest(self, thread_id: str) -> CheckpointTuple:
        kept = self._saver.get_tuple(_config(thread_id)) if thread_id else None
        if kept is None:
            raise UserError(f"there is no thread {thread_id!r}; `hoofbeat threads list` lists them")
        return kept

    def _line(self, thread_id: str, first: str) -> ThreadLine:
        begun = self._saver.get_tuple(_config(thread_id, first))
        kept = self._latest(thread_id)
        state = kept.checkpoint["channel_values"]
        return ThreadLine(
            id=thread_id,
            started=(begun or kept).checkpoint["ts"][:19],
            turns=sum(step["node"] == "intake" for step in state.get("trace", [])),
            about=f"{_images(state)}; {_standing(kept, state)}",
        )


def _config(thread_id: str, checkpoint_id: str = "") -> RunnableConfig:
    place = {"thread_id": thread_id, "checkpoint_ns": ""}
    return {"configurable": {**place, "checkpoint_id": checkpoint_id} if checkpoint_id else place}


def _images(state: Mapping[str, Any]) -> str:
    series = state.get("case", {}).get("series", [])
    kinds = dict.fromkeys(str(s.get("modality") or s.get("kind")) for s in series)
    return f"{len(series)} series ({', '.join(kinds)})" if series else "no images"


def _standing(kept: CheckpointTuple, state: Mapping[str, Any]) -> str:
    if any(channel == _INTERRUPT for _, channel, _ in kept.pending_writes or ()):
        return "waits for an answer"
    if any(channel.startswith(_NEXT) for channel in state):
        return "not ended"
    lines = state.get("report", {}).get("differential", {}).get("diagnoses", [])
    return f"{lines[0]['name']} {lines[0]['probability']:.0%}" if lines else "no differential"


def _references(kept: Iterator[CheckpointTuple] | list[CheckpointTuple]) -> Iterator[str]:
    """Everything in checkpoints, and in what waits to enter one, that looks like a reference."""
    for one in kept:
        for text in _texts([one.checkpoint["channel_values"], list(one.pending_writes or ())]):
            if _REFERENCE.fullmatch(text):
                yield text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, BaseMessage):
        yield from _texts([value.content, value.additional_kwargs])
