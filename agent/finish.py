"""Finishing a run: what it stands on, how it ended, and the report of both."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from langchain_core.language_models import BaseChatModel

from agent.case import Case
from agent.differential import Differential
from agent.ledger import Ledger, ledger_of, without_ranking
from agent.planner import about
from agent.planner.offline import ABOUT
from agent.prompts import planner_prompt, prompt_hash
from agent.report import LedgerLine, OpenQuestion, Report, from_state
from agent.review import Evidence, settle
from agent.settings import Settings
from agent.state import CaseState
from agent.submission import Submission
from agent.version import __version__
from agent.yes_no import FIND_OUT
from tools.findings import Finding
from tools.knowledge_tools import shown
from tools.prompts import prompt_hashes
from tools.questions import STAYED, Next, next_questions
from tools.workbench import Workbench

_LINES = 10  # of the ledger that a report keeps, beside those of the differential
_QUESTIONS = 5
_UNANSWERED = "the planner ended without a differential"


def evidence_of(state: CaseState, bench: Workbench) -> Evidence:
    """What a submission over this state is checked against."""
    findings = [Finding.model_validate(f) for f in state.get("findings", [])]
    knowledge = bench.knowledge
    standing = frozenset(f.id for f in findings if not f.retracted and not f.refuted)
    if not bench.use_knowledge:
        ledger = without_ranking(findings, knowledge.vocabulary)
        return Evidence(findings=standing, passages={}, ledger=ledger, entries={}, names={})
    return Evidence(
        findings=standing,
        passages={p["id"]: p["disease_id"] for p in state.get("passages", [])},
        ledger=ledger_of(bench.weigh(findings, state["case"]), findings, knowledge.vocabulary),
        entries=knowledge.entries,
        names=knowledge.names,
    )


class Finish:
    """Makes the report of a run that has ended."""

    def __init__(self, bench: Workbench, settings: Settings, planner: BaseChatModel) -> None:
        self._bench = bench
        self._settings = settings
        self._planner = planner

    def report(self, state: CaseState) -> Report:
        """The report, with the ledger behind it and what is still open."""
        case = Case.model_validate(state["case"])
        findings = [Finding.model_validate(f) for f in state.get("findings", [])]
        kept = state.get("submission") or {}
        submission = (
            Submission.model_validate(kept)
            if kept
            else Submission(diagnoses=[], other_probability=1.0, abstain_because=_UNANSWERED)
        )
        evidence = evidence_of(state, self._bench)
        open_now = Next(questions=(), answerer="person", stop="")
        if self._bench.use_knowledge:
            open_now = next_questions(self._bench, findings, state["case"], count=_QUESTIONS)
        differential, removed = settle(
            submission,
            evidence,
            [*_limits(case), *self._limits_of_run(state["turn"])],
            next_step=next_step(
                case, findings, open_now, has_vision=self._bench.vision is not None
            ),
        )
        code, because = ending(state["turn"], differential)
        return from_state(
            state,
            differential=differential,
            ledger=_ledger_lines(differential, evidence.ledger, self._bench),
            questions=tuple(OpenQuestion(**shown(q)) for q in open_now.questions),
            planner=self._who(state["turn"]),
            versions=self._versions(),
            removed_claims=removed,
            stopped=code,
            stopped_because=because,
        )

    def _who(self, turn: Mapping[str, Any]) -> str:
        planned = about(self._planner)
        if not turn.get("closing") or planned == ABOUT or not self._bench.use_knowledge:
            return planned
        why = turn.get("fallback") or f"the budget was spent: {turn.get('spent')}"
        return f"{planned} Then the offline planner went on, without a language model ({why})."

    def _limits_of_run(self, turn: Mapping[str, Any]) -> list[str]:
        gone, limits = turn.get("fallback"), []
        if gone:
            limits.append(f"The planner's service was gone ({gone}); the offline planner finished.")
        if self._settings.max_dollars is not None and turn.get("unpriced"):
            limits.append(
                "The budget in dollars was not kept: the planner's model has no price (docs/"
                "planners.md says how to give one)."
            )
        return limits

    def _versions(self) -> dict[str, str]:
        model = getattr(self._planner, "model", None)
        planner = planner_prompt(use_knowledge=self._bench.use_knowledge)
        prompts = (planner, "critic") if self._settings.critic else (planner,)
        return {
            "hoofbeat": __version__,
            "planner": f"{self._planner._llm_type}{f' {model}' if model else ''}",
            "vision": self._bench.vision.identity if self._bench.vision else "none",
            **(self._bench.knowledge.versions() if self._bench.use_knowledge else {}),
            **{f"{name} prompt": prompt_hash(name) for name in prompts},
            **{f"{name} prompt": kept[:12] for name, kept in prompt_hashes().items()},
        }


def ending(turn: Mapping[str, Any], differential: Differential) -> tuple[str, str]:
    """Why the run ended, as one of Report.stopped's words and as a sentence."""
    if turn.get("spent"):
        return "budget spent", str(turn["spent"])
    if differential.abstained:
        return "abstained", differential.abstained_why
    if turn.get("vision_spent"):
        return "budget spent", str(turn["vision_spent"])
    stop = str(turn.get("stop", ""))
    if stop:
        return ("stable" if STAYED in stop else "nothing left to ask"), stop
    return "submitted", "the planner submitted its differential"


def next_step(case: Case, findings: list[Finding], open_now: Next, *, has_vision: bool) -> str:
    """What would bring the case on: something to read, eyes, or an answer."""
    if not case.series and not findings:
        return "send images, or describe what they show"
    if not any(f.present and not f.retracted and not f.refuted for f in findings):
        if case.series and not has_vision:
            return "name a vision model (--vision), or describe what the images show"
        return "send another view, sequence or window, or describe what is abnormal"
    if open_now.questions:
        best = open_now.questions[0]
        return f"{FIND_OUT}: {best.term.question} ({best.term.window}, {best.gain:.2f} bits)"
    return "send another view, sequence or modality"


def _ledger_lines(
    differential: Differential, ledger: Ledger, bench: Workbench
) -> tuple[LedgerLine, ...]:
    listed = [d.disease_id for d in differential.diagnoses if d.disease_id in ledger.lines]
    lines = [ledger.lines[d] for d in dict.fromkeys((*islice(ledger.lines, _LINES), *listed))]
    lines.sort(key=lambda line: -line.probability)
    return tuple(
        LedgerLine(
            disease_id=line.disease_id,
            name=bench.knowledge.entries[line.disease_id].name,
            probability=line.probability,
            speaks_for=_rounded(line.speaks_for),
            speaks_against=_rounded(line.speaks_against),
            neutral=line.neutral,
            background=_rounded(line.background),
            unknown=line.not_looked_for,
        )
        for line in lines
    )


def _rounded(weights: Mapping[str, float]) -> dict[str, float]:
    return {source: round(weight, 2) for source, weight in weights.items()}


def _limits(case: Case) -> list[str]:
    return [*case.limits, *(f"{s.id}: {limit}" for s in case.series for limit in s.limits)]
