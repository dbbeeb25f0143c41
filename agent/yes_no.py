"""A bare "yes" or "no" of the person, as the answer to the question that was put."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from knowledge.vocabulary import Vocabulary
from tools.findings import Finding

_YES = re.compile(r"^\W*(?:yes|yep|y|correct|there (?:is|are|was|were))\W*$", re.IGNORECASE)
_NO = re.compile(
    r"^\W*(?:no|nope|n|none)?\W*(?:there (?:is|are|was|were) (?:no|not|none))?\W*$", re.IGNORECASE
)
FIND_OUT = "find out"  # how a next step begins that puts the first question
CONTRAST = "Was contrast medium given"
MALIGNANCY = "Is a malignancy known?"
AGE_AND_SEX = "How old is the patient, and of which sex?"
_LONE_NUMBER = re.compile(r"(?<![\d.])(\d{1,3})(?![\d.]|\s*(?:mm|cm|ml|mg|%))")


def says(said: str) -> bool | None:
    """What a bare answer says; None for any other words."""
    if _YES.match(said):
        return True
    return False if said.strip() and _NO.match(said) else None


def answered(said: str, report: Mapping[str, Any] | None, vocabulary: Vocabulary) -> Finding | None:
    """The finding that a bare answer to the last report's question amounts to; else None.

    Args:
        report: The last report as JSON. Its first question was shown, unless it told the person
            to do something else.
    """
    is_yes = says(said)
    questions = (report or {}).get("questions", [])
    if is_yes is None or not questions or questions[0]["term"] not in vocabulary:
        return None
    next_step = str((report or {}).get("differential", {}).get("next_step", ""))
    if next_step and not next_step.startswith(FIND_OUT):
        return None
    first = questions[0]
    return Finding(
        term=first["term"],
        name=vocabulary[first["term"]].name,
        present=is_yes,
        certainty=1.0,
        source="person",
        backend="text",
        value=f"{said.strip()} ({first['question']})",
    )


def told(said: str, points: Sequence[str]) -> str:
    """The answer to clarify's questions as statements: a bare word answers the first of them."""
    is_yes = says(said)
    if is_yes is None or not points:
        return said
    if points[0] == MALIGNANCY:
        return "Known malignancy." if is_yes else "No known malignancy."
    if points[0].startswith(CONTRAST):
        return "With contrast medium." if is_yes else "Without contrast medium."
    return ""


def lone_age(said: str) -> float | None:
    """The one number of an answer to the question for the age, years: "62, female"."""
    found = _LONE_NUMBER.findall(said)
    return float(found[0]) if len(found) == 1 and int(found[0]) <= 120 else None
