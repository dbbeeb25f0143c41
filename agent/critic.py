"""The critic: the planner reads its own differential against the ledger, once, before it stands."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.costs import ask
from agent.prompts import prompt
from agent.review import Evidence
from agent.state import CaseState
from agent.submission import Submission

_LINES = 10
_OBJECTIONS = 5


class Criticism(BaseModel):
    """What the critic must answer with."""

    model_config = ConfigDict(extra="forbid")

    problems: list[str]


def criticism(
    planner: BaseChatModel, submission: Submission, state: CaseState, evidence: Evidence
) -> tuple[list[str], AIMessage]:
    """What the critic objects to, and its reply.

    An answer that is no JSON object of problems objects to nothing: a critic that cannot be
    understood must not keep a differential back that has passed every mechanical check.
    """
    reply = ask(
        planner,
        [SystemMessage(prompt("critic")), HumanMessage(_case_of(submission, state, evidence))],
    )
    text = str(reply.text).strip()
    try:
        said = Criticism.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
    except ValidationError:
        return [], reply
    return [f"critic: {problem}" for problem in said.problems[:_OBJECTIONS]], reply


def _case_of(submission: Submission, state: CaseState, evidence: Evidence) -> str:
    """Submission, findings and the ledger's lines of what was submitted, as JSON."""
    lines: dict[str, Any] = {}
    for diagnosis in submission.diagnoses[:_LINES]:
        line = evidence.ledger.lines.get(diagnosis.disease_id)
        if line is not None:
            lines[line.disease_id] = {
                "probability": round(line.probability, 3),
                "for": list(line.speaks_for),
                "against": list(line.speaks_against),
                "not_looked_for": list(line.not_looked_for),
            }
    keys = ("id", "name", "present", "certainty", "source", "side")
    return json.dumps(
        {
            "submission": submission.model_dump(),
            "findings": [
                {k: f[k] for k in keys if f.get(k) not in ("", None)}
                for f in state.get("findings", [])
                if f["id"] in evidence.findings
            ],
            "ledger": lines,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
