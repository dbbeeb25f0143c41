"""The form in which a vision model lists findings: its JSON schema, and a strict reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from knowledge.reading.sides import Side
from knowledge.vocabulary import Term
from tools.vision.disease_words import says_disease
from tools.vision.prompting import clean_text

MAX_SLICES = 6
"""How many slice numbers one finding may name."""
MAX_OTHER = 3
"""How many visible things outside the closed list a reply may name."""
MAX_OTHER_CHARACTERS = 60

NO_PLACE = "none"
_FORM = (
    '{"findings": [{"term": ID, "present": true or false, "certainty": CERTAINTY, "side": SIDE, '
    '"place": PLACE%s}], "other": [WORDS]}'
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
class ClosedForm:
    """What one reply may say.

    Attributes:
        terms: What may be named; at least one.
        places: Where it may be said to lie.
        slices: How many numbered slices are shown; 0 leaves the slice numbers out.
        max_findings: How many lines at most.
    """

    terms: tuple[Term, ...]
    places: tuple[str, ...]
    slices: int
    max_findings: int

    @property
    def example(self) -> str:
        """The form as the prompt shows it."""
        return _FORM % (', "slices": [NUMBERS]' if self.slices else "")

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema: its findings are ids of `terms` alone, so none can be a diagnosis."""
        line: dict[str, Any] = {
            "term": {"enum": [term.id for term in self.terms]},
            "present": {"type": "boolean"},
            "certainty": {"enum": list(CERTAINTIES)},
            "side": {"enum": list(_SIDES)},
            "place": {"enum": [*self.places, NO_PLACE]},
        }
        if self.slices:
            numbers = {"enum": list(range(1, self.slices + 1))}
            line["slices"] = _array(numbers, 0, min(MAX_SLICES, self.slices))
        # The one free text; bounded, because models loop inside free strings.
        words = {"type": "string", "minLength": 1, "maxLength": MAX_OTHER_CHARACTERS}
        return _object(
            {
                # At least one: what is not there can always be named, and an empty list would say
                # nothing.
                "findings": _array(_object(line), 1, self.max_findings),
                "other": _array(words, 0, MAX_OTHER),
            }
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One line of the reply: a term, present or absent.

    Attributes:
        certainty: 0..1.
        place: Of the closed form's places, or "".
        numbers: Which of the views shown, counting from 1.
    """

    term: Term
    present: bool
    certainty: float
    side: Side
    place: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A reply as it was read.

    Attributes:
        seen: One line a term.
        other: Visible things that the closed list has no term for, in the model's words.
        dropped: Lines that were not used: named twice, contradictory, or too many.
        diseases: How often a disease was named instead of a finding; none of it is kept.
    """

    seen: tuple[Seen, ...]
    other: tuple[str, ...]
    dropped: int
    diseases: int


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    term: str
    present: bool
    certainty: Certainty
    side: SpokenSide
    place: str = NO_PLACE
    slices: list[int] = []


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    findings: list[_Line]
    other: list[str] = []


_KEYS = frozenset({*_Line.model_fields, *_Reply.model_fields})


def read_reply(reply: str, form: ClosedForm, *, is_disease: Callable[[str], bool]) -> Reading:
    """Read a reply of the closed form, bare or in one code fence.

    Of several lines with one term the most certain is kept; when two that contradict each other
    are equally certain, none is. A term that the list does not have is a disease, and then counted
    and forgotten, or it is kept apart as free text where it is said to be present.

    Args:
        reply: What the model said.
        form: What it may say.
        is_disease: Whether words name a disease of the knowledge base; words that name others in
            general are known here (see disease_words).

    Raises:
        BadReplyError: When it is not JSON of that form.
    """
    said = _parse(reply)

    def is_named(text: str) -> bool:
        return is_disease(text) or says_disease(text)

    known = {word.casefold(): term for term in form.terms for word in (term.name, term.id)}
    places = {place.casefold(): place for place in form.places}
    lines: list[Seen] = []
    others = list(said.other)
    unused = 0
    for line in said.findings:
        term = known.get(line.term.strip().casefold())
        if term is None:
            if line.present or is_named(line.term):
                others.append(line.term)
            else:
                unused += 1
            continue
        seen = Seen(
            term=term,
            present=line.present,
            certainty=CERTAINTIES[line.certainty],
            side=_SIDES[line.side],
            place=places.get(line.place.strip().casefold(), ""),
            numbers=tuple(sorted(set(line.slices)))[:MAX_SLICES],
        )
        lines.append(seen)
    kept = _one_a_term(lines)[: form.max_findings]
    words = [text for text in map(_plain, others) if text]
    findings = [text for text in dict.fromkeys(words) if not is_named(text)]
    return Reading(
        seen=tuple(kept),
        other=tuple(text[:MAX_OTHER_CHARACTERS].strip() for text in findings[:MAX_OTHER]),
        dropped=len(lines) - len(kept) + unused + max(0, len(findings) - MAX_OTHER),
        diseases=sum(map(is_named, words)),
    )


def _parse(reply: str) -> _Reply:
    try:
        return _Reply.model_validate_json(_unfenced(reply.strip()))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        # A place in the form is named; a key of the model's own making is not repeated.
        named = [part for part in first["loc"] if isinstance(part, int) or part in _KEYS]
        where = ".".join(map(str, named)) or "the whole answer"
        raise BadReplyError(f"{where}: {first['type']}") from error


def _unfenced(reply: str) -> str:
    """What one code fence around the whole reply holds; no pattern, as blanks may go on and on."""
    if len(reply) < 6 or not (reply.startswith("```") and reply.endswith("```")):
        return reply
    return reply[3:-3].removeprefix("json").strip()


def _one_a_term(lines: Sequence[Seen]) -> list[Seen]:
    kept: dict[str, Seen] = {}
    contradicted: set[str] = set()
    for seen in lines:
        rival = kept.get(seen.term.id)
        if rival is None or seen.certainty > rival.certainty:
            kept[seen.term.id] = seen
            contradicted.discard(seen.term.id)
        elif seen.certainty == rival.certainty and seen.present != rival.present:
            contradicted.add(seen.term.id)
    return [seen for term_id, seen in kept.items() if term_id not in contradicted]


def _plain(text: str) -> str:
    """Free text of a model on one line, without control tokens or control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in clean_text(text)).split())


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(items: Mapping[str, Any], least: int, most: int) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), "minItems": least, "maxItems": most}
