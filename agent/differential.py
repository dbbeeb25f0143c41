"""Differential: ranked diagnoses with the evidence behind each, and what is left for "other"."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field


class Diagnosis(BaseModel):
    """One line of the differential; every id in it stands in the report.

    Attributes:
        disease_id: Id of the knowledge entry, or empty when the knowledge base has none.
        probability: 0..1 over all lines and "other"; the planner's.
        ledger_probability: 0..1, what the ledger gives it; None without an entry.
        differs_because: Why the planner's is far from the ledger's, in its words.
        evidence_for, evidence_against: Finding ids.
        background: What else counted, in ln odds: words of the text, history, age, sex, and what
            such a study shows.
        not_seen: Names of findings that would speak for it and were not looked for or not found.
        passages: Passage ids.
        settles: What would settle it: the next view, test or sequence.
        cant_miss: Dangerous when overlooked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    disease_id: str = ""
    name: str
    probability: float = Field(ge=0, le=1)
    ledger_probability: float | None = Field(default=None, ge=0, le=1)
    differs_because: str = ""
    evidence_for: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()
    background: Mapping[str, float] = {}
    not_seen: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    settles: str = ""
    cant_miss: bool = False


class Considered(BaseModel):
    """A dangerous disease that is not in the list, and why not.

    Attributes:
        probability: 0..1, of the ledger.
        why_not: What speaks against it, or that nothing speaks for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    disease_id: str
    name: str
    probability: float = Field(ge=0, le=1)
    why_not: str


class Differential(BaseModel):
    """Diagnoses in descending probability, which with `other_probability` sum to one.

    Attributes:
        abstained: The case cannot be answered; the list is empty, and `abstained_why` says why.
        undecided_why: There is a list, and "other" is likelier than its first line.
        next_step: What to do next when it abstained or is undecided.
        considered: Dangerous diseases near the leading ones that are not in the list.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    diagnoses: tuple[Diagnosis, ...] = ()
    other_probability: float = Field(ge=0, le=1)
    abstained: bool = False
    abstained_why: str = ""
    undecided_why: str = ""
    next_step: str = ""
    considered: tuple[Considered, ...] = ()
    limits: tuple[str, ...] = ()
