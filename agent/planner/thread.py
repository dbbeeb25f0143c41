"""What the messages of a thread say, for a planner that reads no language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

_FINDS = ("measure", "look", "ask")


class Thread:
    """What the messages say: briefs, and the answers to each tool, this turn's apart."""

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        self.briefs = [read_json(m.content) for m in messages if isinstance(m, HumanMessage)]
        last = max((i for i, m in enumerate(messages) if isinstance(m, HumanMessage)), default=-1)
        self.number = len(messages)
        names = {
            str(call["id"]): call
            for m in messages
            if isinstance(m, AIMessage)
            for call in m.tool_calls
        }
        self._answers: list[tuple[dict[str, Any], dict[str, Any], bool, bool]] = []
        for index, message in enumerate(messages):
            if isinstance(message, ToolMessage) and message.tool_call_id in names:
                content = {} if message.status == "error" else read_json(message.content)
                call = names[message.tool_call_id]
                is_error = message.status == "error"
                self._answers.append((dict(call), content, index > last, is_error))

    @property
    def case(self) -> dict[str, Any]:
        """The case as last briefed."""
        return next((b["case"] for b in reversed(self.briefs) if b.get("case")), {})

    @property
    def has_vision(self) -> bool:
        """Whether a vision model is there to look."""
        said = next((b["vision"] for b in reversed(self.briefs) if b.get("vision")), "none")
        return not str(said).startswith("none")

    @property
    def is_chat(self) -> bool:
        """Whether a person talks with the planner and may be answered in words."""
        return any(b.get("chat") for b in self.briefs)

    @property
    def said(self) -> str:
        """What the person said last, in a follow-up; "" in the first turn."""
        return str(self.briefs[-1].get("said", "")) if len(self.briefs) > 1 else ""

    @property
    def weighed_last(self) -> bool:
        """Whether nothing has been looked for in this turn since the evidence was weighed."""
        is_weighed = False
        for call, _, is_now, is_error in self._answers:
            if is_now and not is_error:
                if call["name"] == "weigh_evidence":
                    is_weighed = True
                elif call["name"] in _FINDS:
                    is_weighed = False
        return is_weighed

    def refused(self, tool: str) -> bool:
        """Whether a call of the tool failed in this turn."""
        return any(
            is_error and is_now and call["name"] == tool
            for call, _, is_now, is_error in self._answers
        )

    def answers(self, tool: str, *, this_turn: bool = False) -> list[dict[str, Any]]:
        """What a tool answered, errors left out."""
        return [
            a
            for c, a, now, bad in self._answers
            if c["name"] == tool and not bad and (now or not this_turn)
        ]

    def called(self, tool: str, *, this_turn: bool = False) -> list[dict[str, Any]]:
        """The arguments a tool was called with, failed calls too."""
        return [
            c["args"]
            for c, _, now, _ in self._answers
            if c["name"] == tool and (now or not this_turn)
        ]

    def findings(self) -> list[dict[str, Any]]:
        """Every standing finding, from briefs and tools."""
        gone = {i for b in self.briefs for i in b.get("retracted", [])}
        found = [f for b in self.briefs for f in b.get("findings", [])]
        for tool in ("measure", "look", "ask"):
            found.extend(f for a in self.answers(tool) for f in a.get("findings", []))
        return [f for f in found if f.get("id") not in gone]

    def passages(self) -> list[dict[str, Any]]:
        """Every passage found so far."""
        return [p for a in self.answers("search_knowledge") for p in a.get("passages", [])]


def read_json(content: Any) -> dict[str, Any]:
    """A message's JSON object; words that are none stand under "said"."""
    try:
        read = json.loads(content) if isinstance(content, str) else {}
    except json.JSONDecodeError:
        return {"said": content}
    return read if isinstance(read, dict) else {}
