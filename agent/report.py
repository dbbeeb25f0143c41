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


class LedgerLine(BaseModel):
    """One candidate against every finding; weights are ln likelihood ratios.

    Attributes:
        probability: 0..1, of the ledger.
        neutral: Findings that the entry does not list, or that say nothing either way.
        background: What else counted: words, history, age, sex, rarity, differentials, the study.
        unknown: Findings that it mostly shows and nobody has looked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    disease_id: str
    name: str
    probability: float
    speaks_for: Mapping[str, float] = {}
    speaks_against: Mapping[str, float] = {}
    neutral: tuple[str, ...] = ()
    background: Mapping[str, float] = {}
    unknown: tuple[str, ...] = ()


class OpenQuestion(BaseModel):
    """What is worth asking next.

    Attributes:
        gain: Expected information over the present candidates, bits.
        p_yes: How likely the answer is yes.
        splits: P(yes) of the leading candidates, by disease id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    term: str
    question: str
    window: str
    modality: str = ""
    gain: float
    p_yes: float
    splits: Mapping[str, float] = {}


class Report(BaseModel):
    """A whole run, checkable line by line.

    Attributes:
        ledger: The leading candidates of the ledger and those of the differential.
        questions: The open questions of the largest expected information gain.
        planner: One line that says what planned.
        trace: What was done, in order.
        costs: Planner calls, vision calls, tokens and, where they are known, dollars of the thread.
        versions: Package, planner, vision model, index, encoder and prompt hashes.
        removed_claims: Claims that review took out because nothing supported them.
        stopped: Why the run ended: "submitted", "nothing left to ask", "stable", "abstained" or
            "budget spent".
        stopped_because: The same in words, with the figure behind it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: Case
    findings: tuple[Finding, ...]
    passages: tuple[Passage, ...]
    differential: Differential
    ledger: tuple[LedgerLine, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()
    planner: str
    trace: tuple[Step, ...] = ()
    costs: Mapping[str, float] = {}
    versions: Mapping[str, str] = {}
    removed_claims: int = 0
    stopped: str = "submitted"
    stopped_because: str = ""
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
        lines += [
            f"{d.name}: planner {d.probability:.0%}, ledger {d.ledger_probability:.0%}; "
            f"{d.differs_because}."
            for d in differential.diagnoses
            if d.differs_because and d.ledger_probability is not None
        ]
        settles = differential.diagnoses[0].settles
        if settles:
            lines += [f"**What would settle the first:** {settles}", ""]
    lines += _outlook(report)
    if differential.limits:
        lines += ["**Limits:** " + " ".join(_sentence(limit) for limit in differential.limits), ""]
    lines += [report.planner, "", f"*{report.notice}*"]
    return "\n".join(lines)


def _outlook(report: Report) -> list[str]:
    """What is dangerous and near, what is open, and what to do next."""
    differential = report.differential
    lines: list[str] = []
    if differential.considered:
        near = "; ".join(f"{c.name} ({c.why_not})" for c in differential.considered)
        lines += [f"**Dangerous, considered and not listed:** {near}.", ""]
    if differential.undecided_why:
        lines += [f"**Undecided:** {differential.undecided_why}.", ""]
    if differential.next_step:
        lines += [f"**Next:** {_sentence(differential.next_step)}", ""]
    elif report.questions:
        best = report.questions[0]
        lines += [
            f"**Question that would tell most:** {best.question} ({best.window}, "
            f"{best.gain:.2f} bits)",
            "",
        ]
    return lines


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
