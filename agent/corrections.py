"""What a person takes back or corrects in a follow-up."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

_SENTENCE = re.compile(r"[^.;!?\n]+[.;!?\n]*")
_CLAUSE = re.compile(r",\s*|\bbut\b|\bwhile\b|\bwhereas\b", re.IGNORECASE)
_ID = re.compile(r"\b(?:F\s?|findings?\s+)(\d+)\b(?!-)", re.IGNORECASE)
_AND_MORE = re.compile(r"\bF\s?\d+(?:\s*(?:,|and|&)\s*F?\s?\d+)+\b", re.IGNORECASE)
_SPARED = re.compile(r"\b(?:not|keep|except|unlike)\s+(?:F\s?|finding\s+)\d+\b", re.IGNORECASE)
_WRONG = re.compile(
    r"\b(?:wrong(?!\s+side)|false|incorrect|mistaken?|an?\s+art[ei]facts?|art[ei]facts?|"
    r"not\s+(?:true|real|there)|is\s*n[o']t\s+(?:real|there|true)|isn't\s+(?:real|there|true)|"
    r"do(?:es)?\s*n[o']t\s+exist|does\s+not\s+exist|"
    r"forget|drop|ignore|remove|retract|disregard)\b",
    re.IGNORECASE,
)
_KEPT = re.compile(
    r"\b(?:(?:do|does|did)\s*n[o']t|don't|doesn't|is\s*n[o']t|isn't|are\s*n[o']t|aren't|not|never)\b"
    r"[^.;]*\b(?:wrong|false|incorrect|mistaken?|art[ei]facts?|forget|drop|ignore|remove|retract|"
    r"disregard)\b",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"^\W*(?:(?:and|but|so)\s+)?(?:is|are|was|were|what|why|how|if|would|could|should|suppose|"
    r"i\s+wonder)\b",
    re.IGNORECASE,
)
# Stricter, for a finding that is named in words: "a false lumen" takes no lumen back.
TAKES_BACK = re.compile(
    r"\b(?:wrong|mistaken|incorrect)\s+about\b|"
    r"\b(?:is|are|was|were)\s+(?:wrong(?!\s+side)|incorrect|a\s+mistake|an?\s+art[ei]fact|art[ei]facts|"
    r"not\s+(?:real|there|true))\b|"
    r"^\W*(?:please\s+)?(?:forget|ignore|drop|disregard|remove|retract)\b",
    re.IGNORECASE,
)
_THAT = re.compile(r"\b(?:that|this|the\s+last)\s+(?:finding|one|observation)\b", re.IGNORECASE)


def retracted(
    said: str,
    findings: Sequence[Mapping[str, Any]],
    spoken_of: str = "",
    *,
    named_in: Callable[[str], Collection[str]] = lambda words: (),
) -> list[dict[str, Any]]:
    """The findings that the words call wrong, by id ("F1 and F3 are wrong") or by name, marked so.

    A question ("is F1 wrong?"), a denial ("I do not think F1 is wrong") and a finding that another
    clause confirms ("F1 is wrong, but F2 is right") take nothing back.

    Args:
        spoken_of: The finding that "that finding" means; "" when none was spoken of.
        named_in: The ids of the findings that a clause names in words ("the cysts").
    """
    wrong: set[str] = set()
    for sentence in _SENTENCE.findall(said):
        if "?" in sentence or _ASKED.match(sentence):
            continue
        for clause in _clauses(sentence):
            if not _WRONG.search(clause) or _KEPT.search(clause):
                continue
            named = [f"F{number}" for number in _ids(_SPARED.sub(" ", clause))]
            if not named and spoken_of and _THAT.search(clause):
                named = [spoken_of]
            if not named and TAKES_BACK.search(clause):
                named = list(named_in(clause))
            wrong.update(named)
    return [{**f, "retracted": True} for f in findings if f["id"] in wrong]


def spoken_of(messages: Sequence[BaseMessage]) -> str:
    """The finding that the person spoke of last, before the newest message; "" when none."""
    told = [str(m.text) for m in messages if isinstance(m, HumanMessage) and m.name != "review"]
    for words in reversed(told[:-1]):
        if named := _ids(words):
            return f"F{named[-1]}"
    return ""


def overruled(
    said: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
    broader: Callable[[str], Collection[str]] = lambda term: (),
) -> list[dict[str, Any]]:
    """Earlier findings that the person's new ones contradict, marked as retracted.

    The person's later word stands over what was read from words or seen by a model. A measurement
    is not taken back that way: the two stay side by side as a contradiction. What is said of one
    side says nothing of the other.

    Args:
        broader: The broader terms of a term: who denies an effusion denies a pleural one.
    """
    return [
        {**f, "retracted": True}
        for f in findings
        if not f["retracted"]
        and f["source"] != "measurement"
        and any(_contradicts(new, f, broader) for new in said)
    ]


def _contradicts(
    new: Mapping[str, Any], old: Mapping[str, Any], broader: Callable[[str], Collection[str]]
) -> bool:
    if new["present"] == old["present"]:
        return False
    if {new.get("side", ""), old.get("side", "")} == {"left", "right"}:
        return False
    present, absent = (new, old) if new["present"] else (old, new)
    is_same = bool(new["term"] == old["term"])
    return is_same or absent["term"] in broader(present["term"])


def _clauses(sentence: str) -> list[str]:
    """The clauses of a sentence; a list of ids is not taken apart at its commas."""
    joined = _AND_MORE.sub(lambda found: re.sub(r",\s*", " and ", found[0]), sentence)
    return _CLAUSE.split(joined)


def _ids(words: str) -> list[str]:
    """The numbers of the findings that words name, "F1 and 2" included."""
    found: list[str] = []
    for group in _AND_MORE.findall(words):
        found += re.findall(r"\d+", group)
    return found + [n for n in _ID.findall(words) if n not in found]
