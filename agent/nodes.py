"""The nodes: thin adapters between graph state and pure functions."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.prebuilt import ToolNode
from pydantic import ValidationError

from agent.brief import BRIEF, for_planner
from agent.case import Case
from agent.faults import first_fault
from agent.ledger import build_ledger
from agent.planner import about
from agent.progress import tell, trace_step
from agent.prompts import prompt, prompt_hash
from agent.report import answer, from_state
from agent.review import Evidence, problems, settle
from agent.settings import Settings
from agent.state import CaseState
from agent.submission import SUBMIT, Submission, submit_tool
from agent.tool_errors import explained
from agent.tool_turn import (
    doing,
    refuted_by_measurement,
    taken_in,
    vision_cost,
    with_unique_ids,
    within_budget,
)
from agent.version import __version__
from tools import build_tools
from tools.findings import Finding
from tools.workbench import Workbench

Update = dict[str, Any]
_PROMPT = "planner"


class Nodes:
    """plan, act, review and report over one planner and one bench."""

    def __init__(self, planner: BaseChatModel, bench: Workbench, settings: Settings) -> None:
        self._planner = planner
        self._bench = bench
        self._settings = settings
        tools = build_tools(bench)
        self._bound = planner.bind_tools([*tools, submit_tool()])
        self._tools = ToolNode(tools, handle_tool_errors=explained)

    def plan(self, state: CaseState, config: RunnableConfig) -> Update:
        """One call of the planner."""
        started = time.perf_counter()
        messages = [SystemMessage(prompt(_PROMPT)), *for_planner(state["messages"])]
        reply = with_unique_ids(self._bound.invoke(messages, config))
        usage = reply.usage_metadata
        turn = _counted(state, planner_calls=1)
        calls = [c["name"] for c in reply.tool_calls]
        return {
            "messages": [reply],
            "turn": turn,
            "spent": {
                "planner_calls": 1,
                "input_tokens": usage["input_tokens"] if usage else 0,
                "output_tokens": usage["output_tokens"] if usage else 0,
            },
            "trace": [trace_step("plan", ", ".join(calls) or "answered in words", started)],
        }

    def act(self, state: CaseState, config: RunnableConfig) -> Update:
        """Run the tools of the planner's turn side by side, and take in what they found."""
        started = time.perf_counter()
        asked = _last(state)
        left = self._settings.max_vision_calls - state["turn"].get("vision_calls", 0)
        allowed, refused = within_budget(asked, vision_calls_left=left)
        for call in allowed:
            tell(doing(call))
        answered: list[ToolMessage] = []
        if allowed:
            runnable = asked.model_copy(update={"tool_calls": allowed})
            ran = self._tools.invoke({**state, "messages": [runnable]}, config)
            answered = list(ran["messages"])
        by_call = {m.tool_call_id: m for m in (*answered, *refused)}
        ordered = [by_call[str(call["id"])] for call in asked.tool_calls]
        messages, findings, passages = taken_in(state, ordered)
        looks = sum(vision_cost(call) for call in allowed)
        if findings:
            tell(
                f"{sum(f['present'] for f in findings)} findings present, "
                f"{sum(not f['present'] for f in findings)} absent"
            )
        return {
            "messages": messages,
            "findings": [*findings, *refuted_by_measurement(state, findings, self._bench)],
            "passages": passages,
            "turn": _counted(state, vision_calls=looks),
            "spent": {"vision_calls": looks},
            "trace": [
                trace_step("act", "; ".join(doing(c) for c in allowed) or "refused", started)
            ],
        }

    def review(self, state: CaseState) -> Update:
        """Check the submission; send it back while the budget lasts, else take its faults out."""
        started = time.perf_counter()
        asked = _last(state)
        turn = _counted(state, reviews=1)
        call = asked.tool_calls[0] if asked.tool_calls else None
        submission: Submission | None = None
        if call is None:
            faults = [f"no differential yet: call {SUBMIT}, or abstain with it"]
        else:
            try:
                submission = Submission.model_validate(call["args"])
            except ValidationError as error:
                faults = [": ".join(first_fault(error))]
            else:
                faults = problems(submission, self._evidence(state))
        may_repair = (
            turn["reviews"] <= self._settings.max_reviews
            and turn["planner_calls"] < self._settings.max_planner_calls
        )
        update: Update = {
            "turn": turn,
            "problems": faults,
            "submission": submission.model_dump() if submission else {},
            "trace": [trace_step("review", "; ".join(faults) or "passed", started)],
        }
        sent_back = bool(faults) and may_repair
        update["turn"] = {**turn, "sent_back": int(sent_back)}
        if call is not None:
            update["messages"] = _verdicts(asked, faults)
        elif sent_back:  # a turn of words: the next one must answer somebody
            told = {"review": faults}
            update["messages"] = [
                HumanMessage(json.dumps(told), name="review", additional_kwargs={BRIEF: told})
            ]
        tell("sent back: " + faults[0] if sent_back else "reviewed")
        return update

    def report(self, state: CaseState) -> Update:
        """The structured report, and the answer in words."""
        last = state["messages"][-1]
        if isinstance(last, AIMessage) and not last.tool_calls and stands(state):
            return {}  # a question was answered in words
        case = Case.model_validate(state["case"])
        kept = state.get("submission") or {}
        stopped = "submitted" if kept else "budget spent"
        submission = (
            Submission.model_validate(kept)
            if kept
            else Submission(
                diagnoses=[],
                other_probability=1.0,
                abstain_because="the budget was spent before a differential was submitted",
            )
        )
        differential, removed = settle(submission, self._evidence(state), _limits(case))
        if differential.abstained and kept:
            stopped = "abstained"
        made = from_state(
            state,
            differential=differential,
            planner=about(self._planner),
            versions=self._versions(),
            removed_claims=removed,
            stopped=stopped,
        )
        return {
            "report": made.model_dump(mode="json"),
            "messages": [AIMessage(answer(made), name="hoofbeat")],
        }

    def _evidence(self, state: CaseState) -> Evidence:
        findings = [Finding.model_validate(f) for f in state.get("findings", [])]
        knowledge = self._bench.knowledge
        return Evidence(
            findings=frozenset(f.id for f in findings if not f.retracted and not f.refuted),
            passages={p["id"]: p["disease_id"] for p in state.get("passages", [])},
            ledger=build_ledger(Case.model_validate(state["case"]), findings, knowledge),
            entries=knowledge.entries,
            names=knowledge.names,
        )

    def _versions(self) -> dict[str, str]:
        model = getattr(self._planner, "model", None)
        return {
            "hoofbeat": __version__,
            "planner": f"{self._planner._llm_type}{f' {model}' if model else ''}",
            "vision": self._bench.vision.identity if self._bench.vision else "none",
            **self._bench.knowledge.versions(),
            "planner prompt": prompt_hash(_PROMPT),
        }


def _verdicts(asked: AIMessage, faults: Sequence[str]) -> list[ToolMessage]:
    """An answer to each submission of the turn; only the first one counts."""
    verdict = {"problems": list(faults)} if faults else {"accepted": True}
    spare = {"problems": ["only the first submission of a turn counts; submit once"]}
    return [
        ToolMessage(
            json.dumps(spare if number else verdict, ensure_ascii=False),
            tool_call_id=str(call["id"]),
            name=SUBMIT,
            status="error" if faults or number else "success",
        )
        for number, call in enumerate(asked.tool_calls)
    ]


def stands(state: CaseState) -> bool:
    """Whether the last report still holds: this turn changed no finding and submitted nothing."""
    turn = state["turn"]
    return bool(state.get("report")) and not turn.get("changed") and not turn.get("reviews")


def _limits(case: Case) -> list[str]:
    return [*case.limits, *(f"{s.id}: {limit}" for s in case.series for limit in s.limits)]


def _counted(state: CaseState, **more: int) -> dict[str, int]:
    turn = dict(state.get("turn", {}))
    for key, count in more.items():
        turn[key] = turn.get(key, 0) + count
    return turn


def _last(state: CaseState) -> AIMessage:
    last = state["messages"][-1]
    if not isinstance(last, AIMessage):
        raise TypeError(f"expected the planner's turn, got {type(last).__name__}")
    return last
