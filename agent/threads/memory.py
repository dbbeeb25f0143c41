"""Threads that end with the process."""

from __future__ import annotations

from langgraph.checkpoint.memory import InMemorySaver

from agent.threads.saver import ThreadSaver
from agent.threads.serde import StrictSerializer


class ThreadsInMemory(ThreadSaver, InMemorySaver):
    """LangGraph's store in memory."""

    def __init__(self) -> None:
        InMemorySaver.__init__(self, serde=StrictSerializer())

    def first_checkpoints(self) -> dict[str, str]:
        """The id of the first checkpoint of every thread, by thread id."""
        return {thread: min(kept[""]) for thread, kept in self.storage.items() if kept.get("")}
