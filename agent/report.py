"""Report: what a run ends in, and how it reads in a terminal or a chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from agent.case import Case
from agent.differential import Differential
from knowledge.index.passages import Passage
from tools.findings import Finding

if TYPE_CHECKING:
    from agent.settings import Settings

NOT_CLINICAL = "Not for clinical use: research and teaching only."


class Step(BaseModel):
    """One thing that the run did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str
    what: str
    seconds: float = 0.0


class Report(BaseModel):
    """A whole run, checkable line by line.

    Attributes:
        planner: One line that says what planned.
        trace: What was done, in order.
        costs: Planner calls, vision calls and tokens of the whole thread.
        versions: Package, planner, vision model, index, encoder and prompt hashes.
        removed_claims: Claims that review took out because nothing supported them.
        stopped: Why the run ended: "submitted", "abstained" or "budget spent".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: Case
    findings: tuple[Finding, ...]
    passages: tuple[Passage, ...]
    differential: Differential
    planner: str
    trace: tuple[Step, ...] = ()
    costs: Mapping[str, float] = {}
    versions: Mapping[str, str] = {}
    removed_claims: int = 0
    stopped: str = "submitted"
    notice: str = NOT_CLINICAL

    def save_html(self, path: str | Path, settings: Settings | None = None) -> None:
        """Write one self-contained page with the images; whole or not at all."""
        from agent.page import write_page

        write_page(self, Path(path), settings)

    def named(self, finding_ids: Sequence[str]) -> str:
        """Findings by id in words: "F1 thin-walled cysts, F4 no pleural effusion"."""
        by_id = {f.id: f for f in self.findings}
        return ", ".join(
            f"{i} {'' if by_id[i].present else 'no '}{by_id[i].name}"
            for i in finding_ids
            if i in by_id
        )


def answer(report: Report) -> str:
    """The report as a chat message (Markdown)."""
    differential = report.differential
    lines: list[str] = []
    if differential.abstained:
        lines += [f"**No differential:** {differential.abstained_why}.", ""]
    else:
        lines += ["| # | Diagnosis | Probability | For | Against |", "|---|---|---|---|---|"]
        lines += [
            f"| {number} | {'⚠ ' if d.cant_miss else ''}{d.name} | {d.probability:.0%} "
            f"| {report.named(d.evidence_for) or '-'} | {report.named(d.evidence_against) or '-'} |"
            for number, d in enumerate(differential.diagnoses, start=1)
        ]
        lines += [f"| | Other | {differential.other_probability:.0%} | | |", ""]
        settles = differential.diagnoses[0].settles
        if settles:
            lines += [f"**What would settle the first:** {settles}", ""]
    if differential.limits:
        lines += ["**Limits:** " + " ".join(_sentence(limit) for limit in differential.limits), ""]
    lines += [report.planner, "", f"*{report.notice}*"]
    return "\n".join(lines)


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def from_state(state: Mapping[str, Any], **made: Any) -> Report:
    """A report over the case in a graph state."""
    return Report(
        case=Case.model_validate(state["case"]),
        findings=tuple(Finding.model_validate(f) for f in state.get("findings", [])),
        passages=tuple(Passage.model_validate(p) for p in state.get("passages", [])),
        trace=tuple(Step.model_validate(s) for s in state.get("trace", [])),
        costs=state.get("spent", {}),
        **made,
    )
