"""The nodes: thin adapters between graph state and pure functions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer
from langgraph.prebuilt import ToolNode
from pydantic import ValidationError

from agent.brief import BRIEF, for_planner
from agent.case import Case
from agent.ledger import build_ledger
from agent.planner import about
from agent.prompts import prompt, prompt_hash
from agent.report import answer, from_state
from agent.review import Evidence, problems, settle
from agent.settings import Settings
from agent.state import CaseState
from agent.submission import SUBMIT, Submission, submit_tool
from agent.version import __version__
from tools import VISION_TOOLS, build_tools
from tools.errors import ToolFailure
from tools.findings import Finding
from tools.planner_tools import render
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
        self._tools = ToolNode(tools, handle_tool_errors=(ToolFailure,))

    def plan(self, state: CaseState, config: RunnableConfig) -> Update:
        """One call of the planner."""
        started = time.perf_counter()
        messages = [SystemMessage(prompt(_PROMPT)), *for_planner(state["messages"])]
        reply = self._bound.invoke(messages, config)
        usage = reply.usage_metadata if isinstance(reply, AIMessage) else None
        turn = _counted(state, planner_calls=1)
        calls = [c["name"] for c in reply.tool_calls] if isinstance(reply, AIMessage) else []
        return {
            "messages": [reply],
            "turn": turn,
            "spent": {
                "planner_calls": 1,
                "input_tokens": usage["input_tokens"] if usage else 0,
                "output_tokens": usage["output_tokens"] if usage else 0,
            },
            "trace": [_step("plan", ", ".join(calls) or "answered in words", started)],
        }

    def act(self, state: CaseState, config: RunnableConfig) -> Update:
        """Run the tools of the planner's turn side by side, and take in what they found."""
        started = time.perf_counter()
        asked = _last(state)
        allowed, refused = self._within_budget(asked, state["turn"])
        for call in allowed:
            _tell(_doing(call))
        answered: list[ToolMessage] = []
        if allowed:
            runnable = asked.model_copy(update={"tool_calls": allowed})
            ran = self._tools.invoke({**state, "messages": [runnable]}, config)
            answered = list(ran["messages"])
        by_call = {m.tool_call_id: m for m in (*answered, *refused)}
        ordered = [by_call[str(call["id"])] for call in asked.tool_calls]
        messages, findings, passages = _taken_in(state, ordered)
        looks = sum(call["name"] in VISION_TOOLS for call in allowed)
        if findings:
            _tell(
                f"{sum(f['present'] for f in findings)} findings present, "
                f"{sum(not f['present'] for f in findings)} absent"
            )
        return {
            "messages": messages,
            "findings": findings,
            "passages": passages,
            "turn": _counted(state, vision_calls=looks),
            "spent": {"vision_calls": looks},
            "trace": [_step("act", "; ".join(_doing(c) for c in allowed) or "refused", started)],
        }

    def review(self, state: CaseState) -> Update:
        """Check the submission; send it back while the budget lasts, else take its faults out."""
        started = time.perf_counter()
        asked = _last(state)
        turn = _counted(state, reviews=1)
        call = next((c for c in asked.tool_calls if c["name"] == SUBMIT), None)
        submission: Submission | None = None
        if call is None:
            faults = [f"no differential yet: call {SUBMIT}, or abstain with it"]
        else:
            try:
                submission = Submission.model_validate(call["args"])
            except ValidationError as error:
                first = error.errors(include_input=False, include_url=False)[0]
                faults = [f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}"]
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
            "trace": [_step("review", "; ".join(faults) or "passed", started)],
        }
        sent_back = bool(faults) and may_repair
        update["turn"] = {**turn, "sent_back": int(sent_back)}
        if call is not None:
            verdict = {"problems": faults} if faults else {"accepted": True}
            update["messages"] = [
                ToolMessage(
                    json.dumps(verdict, ensure_ascii=False),
                    tool_call_id=str(call["id"]),
                    name=SUBMIT,
                    status="error" if faults else "success",
                )
            ]
        elif sent_back:  # a turn of words: the next one must answer somebody
            told = {"review": faults}
            update["messages"] = [
                HumanMessage(json.dumps(told), name="review", additional_kwargs={BRIEF: told})
            ]
        _tell("sent back: " + faults[0] if sent_back else "reviewed")
        return update

    def report(self, state: CaseState) -> Update:
        """The structured report, and the answer in words."""
        last = _last_ai(state)
        if (
            state.get("report")
            and not state["turn"].get("reviews")
            and last
            and not last.tool_calls
        ):
            return {}  # a follow-up that was answered in words stands as it is
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
            findings=frozenset(f.id for f in findings if not f.retracted),
            passages={p["id"]: p["disease_id"] for p in state.get("passages", [])},
            ledger=build_ledger(Case.model_validate(state["case"]), findings, knowledge),
            entries=knowledge.entries,
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

    def _within_budget(
        self, asked: AIMessage, turn: Mapping[str, int]
    ) -> tuple[list[Any], list[ToolMessage]]:
        left = self._settings.max_vision_calls - turn.get("vision_calls", 0)
        allowed, refused = [], []
        for call in asked.tool_calls:
            why = ""
            if call["name"] == SUBMIT:
                why = f"call {SUBMIT} alone, after the other tools have answered"
            elif call["name"] in VISION_TOOLS:
                left -= 1
                why = "" if left >= 0 else "the vision budget is spent: submit with what there is"
            if why:
                refused.append(
                    ToolMessage(
                        why, tool_call_id=str(call["id"]), name=call["name"], status="error"
                    )
                )
            else:
                allowed.append(call)
        return allowed, refused


def _taken_in(
    state: CaseState, answered: Sequence[ToolMessage]
) -> tuple[list[ToolMessage], list[dict[str, Any]], list[dict[str, Any]]]:
    """Give findings and passages their ids, in call order; artifacts leave the messages."""
    findings: list[dict[str, Any]] = []
    passages: list[dict[str, Any]] = []
    known = {p["source"]: p["id"] for p in state.get("passages", [])}
    messages = []
    for message in answered:
        found = message.artifact
        if not isinstance(found, dict):
            messages.append(message)
            continue
        for finding in found["findings"]:
            finding["id"] = f"F{len(state.get('findings', [])) + len(findings) + 1}"
            findings.append(finding)
        for passage in found["passages"]:
            if passage["source"] not in known:
                known[passage["source"]] = f"P{len(known) + 1}"
                passages.append(passage)
            passage["id"] = known[passage["source"]]
        messages.append(message.model_copy(update={"content": render(found), "artifact": None}))
    return messages, findings, passages


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


def _last_ai(state: CaseState) -> AIMessage | None:
    last = state["messages"][-1]
    return last if isinstance(last, AIMessage) else None


def _doing(call: Mapping[str, Any]) -> str:
    arguments = call["args"]
    what = {
        "look": f"looking at the {arguments.get('window', '')} window",
        "ask": f"asking about {str(arguments.get('term', '')).replace('-', ' ')}",
        "measure": "measuring the lungs",
        "search_knowledge": "searching the knowledge base",
        "weigh_evidence": "weighing the evidence",
    }.get(call["name"], call["name"])
    return f"{what} of {arguments['series']}" if arguments.get("series") else what


def _step(node: str, what: str, started: float) -> dict[str, Any]:
    return {"node": node, "what": what, "seconds": round(time.perf_counter() - started, 3)}


def _tell(what: str) -> None:
    get_stream_writer()({"step": what})
