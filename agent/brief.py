"""The brief: a turn of the case as the planner reads it, JSON inside the person's message.

Everything a person or a file said stands inside JSON strings, so that it reads as data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

BRIEF = "hoofbeat_brief"
JOINED: dict[str, Any] = {}  # the brief of a message that was taken in with a later one
_SERIES_KEYS = (
    "id", "kind", "modality", "unit", "slices", "rows", "columns", "spacing_mm", "thickness_mm",
    "body_part", "plane", "kernel", "contrast", "limits",
)  # fmt: skip
_FINDING_KEYS = ("id", "term", "present", "certainty", "source", "side", "value")


def make_brief(
    *,
    said: str,
    case: Mapping[str, Any] | None,
    findings: Sequence[Mapping[str, Any]],
    retracted: Sequence[str] = (),
    taken_back: Sequence[str] = (),
    news: str = "",
    asked: Sequence[str] = (),
    is_stale: bool = False,
    vision: str = "",
    chat: bool = False,
) -> dict[str, Any]:
    """One turn: the person's words, the case when it is new or changed, and what is new.

    Args:
        news: The sentences of a follow-up that state something.
        asked: The questions that the words answer.
        is_stale: Whether the last report does not know all findings.
    """
    brief: dict[str, Any] = {"said": said}
    if case is not None:
        shown = {k: v for k, v in case.items() if v not in ("", None, [], ()) and k != "series"}
        shown["series"] = [
            {k: s[k] for k in _SERIES_KEYS if s.get(k) not in ("", None, [], ())}
            for s in case.get("series", [])
        ]
        brief["case"] = shown
        brief["vision"] = vision or "none: look and ask are refused"
        if chat:
            brief["chat"] = True
    if findings:
        brief["findings"] = [
            {k: f[k] for k in _FINDING_KEYS if f.get(k) not in ("", None)} for f in findings
        ]
    if retracted:
        brief["retracted"] = list(retracted)
    if asked:
        brief["asked"] = list(asked)
    if news:
        brief["news"] = news
    if is_stale:
        brief["report_is_behind"] = True
    if taken_back:
        brief["taken_back"] = list(taken_back)
    return brief


def for_planner(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The messages with each person's turn replaced by its brief.

    What intake has not taken in, words or pixels, never reaches the planner.
    """
    shown: list[BaseMessage] = []
    for message in messages:
        if not isinstance(message, HumanMessage):
            shown.append(message)
        elif message.additional_kwargs.get(BRIEF):
            brief = message.additional_kwargs[BRIEF]
            words = json.dumps(brief, ensure_ascii=False, separators=(",", ":"))
            shown.append(HumanMessage(words, id=message.id))
    return shown
