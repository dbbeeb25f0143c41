"""The planner's last call: a differential, as it submits it."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, ConfigDict, Field

SUBMIT = "submit_differential"


class SubmittedDiagnosis(BaseModel):
    """One line; ids are checked against the case by review."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=2)
    disease_id: str = Field(default="", description="Knowledge entry id; empty if there is none.")
    probability: float = Field(ge=0, le=1)
    evidence_for: list[str] = Field(default_factory=list, description="Finding ids, F1 and on.")
    evidence_against: list[str] = Field(default_factory=list, description="Finding ids.")
    passages: list[str] = Field(default_factory=list, description="Passage ids, P1 and on.")
    settles: str = Field(default="", description="Next view, test or sequence that settles it.")
    why_differs: str = Field(
        default="", description="Why your probability is far from weigh_evidence's, where it is."
    )


class Submission(BaseModel):
    """Ranked diagnoses; their probabilities and other_probability sum to 1."""

    model_config = ConfigDict(extra="forbid")

    diagnoses: list[SubmittedDiagnosis] = Field(max_length=20)
    other_probability: float = Field(ge=0, le=1)
    abstain_because: str = Field(default="", description="Set it to abstain; then no diagnoses.")
    limits: list[str] = Field(default_factory=list, description="What the study cannot show.")


def submit_tool() -> BaseTool:
    """What the planner is shown. The graph never runs it: the call goes to review."""

    def submit_differential(**submitted: Any) -> str:
        """Submit the ranked differential. Call it once, alone, at the end of a turn."""
        raise RuntimeError("submit_differential is answered by review, not run")

    return StructuredTool.from_function(submit_differential, name=SUBMIT, args_schema=Submission)
