"""What a person takes back or corrects in a follow-up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

_CLAUSE = re.compile(r"[.;!?\n]+")
_ID = re.compile(r"\bF\d+\b", re.IGNORECASE)
_WRONG = re.compile(
    r"\b(?:wrong|false|incorrect|an?\s+artifacts?|artifacts|not\s+(?:true|real|there)|"
    r"forget|drop|ignore|remove|retract|disregard)\b",
    re.IGNORECASE,
)
_THAT = re.compile(r"\b(?:that|this|the\s+last)\s+(?:finding|one|observation)\b", re.IGNORECASE)
_KEPT = re.compile(
    r"\b(?:(?:do|does|did)\s*n[o']t|don't|doesn't|is\s*n[o']t|isn't|are\s*n[o']t|aren't|not|never)\b"
    r"[^.;]*\b(?:wrong|false|incorrect|artifacts?|forget|drop|ignore|remove|retract|disregard)\b",
    re.IGNORECASE,
)


def retracted(
    said: str, findings: Sequence[Mapping[str, Any]], spoken_of: str = ""
) -> list[dict[str, Any]]:
    """The findings that the words call wrong by their ids ("F1 and F3 are wrong"), marked so.

    A question ("is F1 wrong?") and a denial ("I do not think F1 is wrong") take nothing back.

    Args:
        spoken_of: The finding that "that finding" means; "" when none was spoken of.
    """
    wrong: set[str] = set()
    for clause, end in zip(_CLAUSE.split(said), [*_CLAUSE.findall(said), ""], strict=True):
        if "?" not in end and _WRONG.search(clause) and not _KEPT.search(clause):
            named = [i.upper() for i in _ID.findall(clause)]
            if not named and spoken_of and _THAT.search(clause):
                named = [spoken_of]
            wrong.update(named)
    return [{**f, "retracted": True} for f in findings if f["id"] in wrong]


def spoken_of(messages: Sequence[BaseMessage]) -> str:
    """The finding that the person spoke of last, before the newest message; "" when none."""
    told = [str(m.text) for m in messages if isinstance(m, HumanMessage)]
    for words in reversed(told[:-1]):
        if named := _ID.findall(words):
            return str(named[-1]).upper()
    return ""


def overruled(
    said: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Earlier findings that the person's new ones contradict, marked as retracted.

    The person's later word stands over what was read from words or seen by a model. A measurement
    is not taken back that way: the two stay side by side as a contradiction.
    """
    now = {f["term"]: f["present"] for f in said}
    return [
        {**f, "retracted": True}
        for f in findings
        if not f["retracted"]
        and f["source"] != "measurement"
        and f["term"] in now
        and f["present"] != now[f["term"]]
    ]
