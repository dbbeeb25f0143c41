"""Differential: ranked diagnoses with the evidence behind each, and what is left for "other"."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field


class Diagnosis(BaseModel):
    """One line of the differential; every id in it stands in the report.

    Attributes:
        disease_id: Id of the knowledge entry, or empty when the knowledge base has none.
        probability: 0..1 over all lines and "other".
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
    evidence_for: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()
    background: Mapping[str, float] = {}
    not_seen: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    settles: str = ""
    cant_miss: bool = False


class Differential(BaseModel):
    """Diagnoses in descending probability, which with `other_probability` sum to one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    diagnoses: tuple[Diagnosis, ...] = ()
    other_probability: float = Field(ge=0, le=1)
    abstained: bool = False
    abstained_why: str = ""
    limits: tuple[str, ...] = ()
