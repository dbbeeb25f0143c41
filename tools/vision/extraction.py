"""The closed form in which a vision model lists findings, and the strict reading of its reply."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from knowledge.sides import Side
from knowledge.vocabulary import Term

MAX_SLICES = 6
"""How many slice numbers one finding may name."""

FORM = (
    '{"findings": [{"term": ID, "present": true or false, "certainty": CERTAINTY, "side": SIDE%s}]}'
)

Certainty = Literal["low", "moderate", "high"]
SpokenSide = Literal["left", "right", "both", "none"]

# A word is no probability. MedGemma 1.5 4B is right on 61 % of balanced closed CT questions (as
# Google reports), so "high" stays well below 1 and "low" still leans to what was said.
CERTAINTIES: Mapping[Certainty, float] = {"low": 0.55, "moderate": 0.65, "high": 0.8}
_SIDES: Mapping[SpokenSide, Side] = {
    "left": "left",
    "right": "right",
    "both": "bilateral",
    "none": "",
}


class BadReplyError(Exception):
    """The reply is not of the closed form; the message says where, without quoting it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One line of the reply: a term, present or absent.

    Attributes:
        certainty: 0..1.
        numbers: Which of the views shown, counting from 1.
    """

    term: Term
    present: bool
    certainty: float
    side: Side
    numbers: tuple[int, ...]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    term: str
    present: bool
    certainty: Certainty
    side: SpokenSide
    slices: list[int] = []


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    findings: list[_Line]


def findings_schema(terms: Sequence[Term], *, max_findings: int, slices: int) -> dict[str, Any]:
    """The JSON schema of a reply: ids of `terms` alone, so it cannot express a diagnosis.

    Args:
        terms: At least one.
        max_findings: How many lines at most.
        slices: How many numbered slices are shown; 0 leaves the slice numbers out.
    """
    line: dict[str, Any] = {
        "term": {"enum": [term.id for term in terms]},
        "present": {"type": "boolean"},
        "certainty": {"enum": list(CERTAINTIES)},
        "side": {"enum": list(_SIDES)},
    }
    if slices:
        numbers = {"enum": list(range(1, slices + 1))}
        line["slices"] = _array(numbers, 0, min(MAX_SLICES, slices))
    # At least one: what is not there can always be named, and an empty list would say nothing.
    return _object({"findings": _array(_object(line), 1, max_findings)})


def read_reply(reply: str, terms: Sequence[Term], *, max_findings: int) -> tuple[list[Seen], int]:
    """Read a reply of the closed form, bare or in one code fence.

    Of several lines with one term the most certain is kept; when two that contradict each other
    are equally certain, none is.

    Args:
        reply: What the model said.
        terms: What may be named, by id or by name.
        max_findings: Further lines are dropped.

    Returns:
        The findings, and how many lines were dropped: not of the vocabulary, named twice, or too
        many.

    Raises:
        BadReplyError: When it is not JSON of that form.
    """
    fenced = re.fullmatch(r"\s*```(?:json)?\s*(.*?)\s*```\s*", reply, re.DOTALL)
    try:
        lines = _Reply.model_validate_json(fenced[1] if fenced else reply).findings
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole answer"
        raise BadReplyError(f"{where}: {first['type']}") from error
    known = {word.casefold(): term for term in terms for word in (term.name, term.id)}
    kept: dict[str, Seen] = {}
    contradicted: set[str] = set()
    for line in lines:
        term = known.get(line.term.strip().casefold())
        if term is None:
            continue
        seen = Seen(
            term=term,
            present=line.present,
            certainty=CERTAINTIES[line.certainty],
            side=_SIDES[line.side],
            numbers=tuple(sorted(set(line.slices)))[:MAX_SLICES],
        )
        rival = kept.get(term.id)
        if rival is None or seen.certainty > rival.certainty:
            kept[term.id] = seen
            contradicted.discard(term.id)
        elif seen.certainty == rival.certainty and seen.present != rival.present:
            contradicted.add(term.id)
    findings = [seen for term_id, seen in kept.items() if term_id not in contradicted]
    findings = findings[:max_findings]
    return findings, len(lines) - len(findings)


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(items: Mapping[str, Any], least: int, most: int) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), "minItems": least, "maxItems": most}
