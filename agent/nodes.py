"""The nodes: thin adapters between graph state and pure functions."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langgraph.config import get_config
from langgraph.prebuilt import ToolNode
from langgraph.runtime import Runtime
from pydantic import ValidationError

from agent.brief import BRIEF, for_planner
from agent.budget import Budget, RunContext, budget_of, is_interactive
from agent.case import Case
from agent.costs import added, ask, cost_of
from agent.critic import criticism
from agent.faults import first_fault
from agent.finish import Finish, evidence_of
from agent.planner.gemini_errors import PlannerUnavailable
from agent.planner.offline import OfflinePlanner
from agent.planner.prices import Prices
from agent.progress import tell, trace_step
from agent.prompts import planner_prompt, prompt
from agent.report import answer
from agent.review import Evidence, problems
from agent.settings import Settings
from agent.standing import stands
from agent.state import CaseState
from agent.submission import SUBMIT, Submission, submit_tool
from agent.tool_calls import run_calls
from agent.tool_errors import explained
from agent.tool_turn import (
    doing,
    refuted_by_measurement,
    taken_in,
    vision_cost,
    with_unique_ids,
    within_budget,
)
from tools import build_tools
from tools.findings import Finding
from tools.questions import LEADING
from tools.workbench import Workbench

Update = dict[str, Any]
CLOSED = "(offline planner)"  # in the trace, of a turn that closed a run
CLOSING_STEPS = 6  # of the offline planner, once the budget or the service is gone


class Nodes:
    """plan, act, review and report over one planner and one bench."""

    def __init__(
        self,
        planner: BaseChatModel,
        bench: Workbench,
        settings: Settings,
        *,
        interactive: bool = False,
    ) -> None:
        self._planner = planner
        self._bench = bench
        self._settings = settings
        self._prices = Prices.load(settings.planner_prices)
        self._interactive = interactive
        self._has_critic = settings.critic and not isinstance(planner, OfflinePlanner)
        self._prompt = prompt(planner_prompt(use_knowledge=bench.use_knowledge))
        tools = build_tools(bench)
        self._bound = planner.bind_tools([*tools, submit_tool()])
        self._closer = OfflinePlanner().bind(closing=True)
        self._tools = ToolNode(tools, handle_tool_errors=explained)

    def plan(self, state: CaseState, runtime: Runtime[RunContext]) -> Update:
        """One call of the planner; of the offline one when budget or service is gone."""
        started = time.perf_counter()
        turn = dict(state["turn"])
        messages = [SystemMessage(self._prompt), *for_planner(state["messages"])]
        turn.setdefault("spent", "")
        if not turn["spent"] and not turn.get("fallback"):
            turn["spent"] = self._budget(runtime).spent_on(turn)
            if turn["spent"]:
                tell(f"budget spent ({turn['spent']}): closing without another call")
        reply: AIMessage | None = None
        if not turn["spent"] and not turn.get("fallback"):
            try:
                reply = with_unique_ids(ask(self._bound, messages, get_config()))
            except PlannerUnavailable as gone:
                if self._settings.planner_fallback == "none":
                    raise
                turn["fallback"] = str(gone)
                tell(f"{gone}; the offline planner goes on")
        is_closing = reply is None
        if reply is None:
            reply = self._closed(messages)
        used = {} if is_closing else cost_of(reply, self._planner, self._prices)
        what = ", ".join(c["name"] for c in reply.tool_calls) or "answered in words"
        turn = added(turn, used)
        turn["unpriced"] = not is_closing and "dollars" not in used
        turn["closing"] = turn.get("closing", 0) + int(is_closing)
        turn["seconds"] = turn.get("seconds", 0.0) + time.perf_counter() - started
        return {
            "messages": [reply],
            "turn": turn,
            "spent": used,
            "trace": [trace_step("plan", f"{what} {CLOSED}" if is_closing else what, started)],
        }

    def act(self, state: CaseState, runtime: Runtime[RunContext]) -> Update:
        """Run the tools of the planner's turn side by side, and take in what they found."""
        started = time.perf_counter()
        asked = _last(state)
        left = self._budget(runtime).vision_calls_left(state["turn"])
        allowed, refused = within_budget(asked, vision_calls_left=left)
        for call in allowed:
            tell(doing(call))
        answered = run_calls(self._tools, state, asked, allowed)
        by_call = {m.tool_call_id: m for m in (*answered, *refused)}
        ordered = [by_call[str(call["id"])] for call in asked.tool_calls]
        stop = next((s for m in answered if (s := _stop_said(m))), "")
        messages, findings, passages = taken_in(state, ordered)
        looks = sum(vision_cost(call) for call in allowed)
        if findings:
            tell(
                f"{sum(f['present'] for f in findings)} findings present, "
                f"{sum(not f['present'] for f in findings)} absent"
            )
        findings = [*findings, *refuted_by_measurement(state, findings, self._bench)]
        turn = {**state["turn"], "vision_calls": state["turn"].get("vision_calls", 0) + looks}
        if findings or "leading" not in turn:
            leading = self._leading(state, findings)
            turn["leading"] = [*turn.get("leading", []), leading]
            tell(f"leading: {', '.join(leading)}" if leading else "nothing leads yet")
        if any(vision_cost(c) for c in asked.tool_calls if c not in allowed) and not (left - looks):
            turn["vision_spent"] = f"{turn['vision_calls']} vision calls, and more were asked for"
        turn["stop"] = stop or ("" if findings else turn.get("stop", ""))
        turn["seconds"] = turn.get("seconds", 0.0) + time.perf_counter() - started
        return {
            "messages": messages,
            "findings": findings,
            "passages": passages,
            "turn": turn,
            "spent": {"vision_calls": looks},
            "trace": [
                trace_step("act", "; ".join(doing(c) for c in allowed) or "refused", started)
            ],
        }

    def review(self, state: CaseState, runtime: Runtime[RunContext]) -> Update:
        """Check the submission; send it back while the budget lasts, else take its faults out."""
        started = time.perf_counter()
        asked = _last(state)
        turn = {**state["turn"], "reviews": state["turn"].get("reviews", 0) + 1}
        may_repair = (
            turn["reviews"] <= self._settings.max_reviews
            and not turn.get("closing")
            and not self._budget(runtime).spent_on(turn)
        )
        call = asked.tool_calls[0] if asked.tool_calls else None
        submission: Submission | None = None
        used: dict[str, float] = {}
        if call is None:
            faults = [f"no differential yet: call {SUBMIT}, or abstain with it"]
        else:
            try:
                submission = Submission.model_validate(call["args"])
            except ValidationError as error:
                faults = [": ".join(first_fault(error))]
            else:
                evidence = evidence_of(state, self._bench)
                faults = problems(submission, evidence)
                wants_critic = self._has_critic and not turn.get("criticised")
                if not faults and may_repair and wants_critic:
                    turn["criticised"] = True
                    faults, used = self._criticism(submission, state, evidence)
        sent_back = bool(faults) and may_repair
        turn["sent_back"] = int(sent_back)
        turn = added(turn, used)
        turn["seconds"] = turn.get("seconds", 0.0) + time.perf_counter() - started
        update: Update = {
            "turn": turn,
            "problems": faults,
            # One that can be read stays until a better one comes.
            "submission": submission.model_dump() if submission else state.get("submission", {}),
            "spent": used,
            "trace": [trace_step("review", "; ".join(faults) or "passed", started)],
        }
        if call is not None:
            update["messages"] = _verdicts(asked, faults)
        elif sent_back:  # a turn of words: the next one must answer somebody
            told = {"review": faults}
            update["messages"] = [
                HumanMessage(json.dumps(told), name="review", additional_kwargs={BRIEF: told})
            ]
        tell("sent back: " + faults[0] if sent_back else "reviewed")
        return update

    def report(self, state: CaseState, runtime: Runtime[RunContext]) -> Update:
        """The structured report, and the answer in words."""
        last = state["messages"][-1]
        in_words = isinstance(last, AIMessage) and not last.tool_calls
        if in_words and self.may_answer_in_words(state, runtime.context):
            return {}
        made = Finish(self._bench, self._settings, self._planner).report(state)
        return {
            "report": made.model_dump(mode="json"),
            "messages": [AIMessage(answer(made), name="hoofbeat")],
        }

    def may_answer_in_words(self, state: CaseState, context: RunContext | None) -> bool:
        """Whether words end the run: the last report stands, or a chat has nothing to diagnose."""
        if stands(state):
            return True
        case = Case.model_validate(state["case"])
        is_empty = not (
            case.series
            or case.findings_text
            or state.get("findings")
            or self._bench.knowledge.ranker.knows_history(case.history)
        )
        return is_empty and is_interactive(context, default=self._interactive)

    def _criticism(
        self, submission: Submission, state: CaseState, evidence: Evidence
    ) -> tuple[list[str], dict[str, float]]:
        """What the critic objects to, and its cost; nothing when its service is gone."""
        try:
            faults, reply = criticism(self._planner, submission, state, evidence)
        except PlannerUnavailable as gone:
            if self._settings.planner_fallback == "none":
                raise
            tell(f"the critic could not be asked: {gone}")
            return [], {}
        return faults, cost_of(reply, self._planner, self._prices)

    def _closed(self, messages: Sequence[BaseMessage]) -> AIMessage:
        """The offline planner's turn; words alone where there is no knowledge for it to rank."""
        if not self._bench.use_knowledge:
            return AIMessage("No planner is left, and there is no knowledge base to finish with.")
        return with_unique_ids(self._closer.invoke(list(messages), get_config()))

    def _budget(self, runtime: Runtime[RunContext]) -> Budget:
        return budget_of(self._settings, runtime.context)

    def _leading(self, state: CaseState, new: Sequence[dict[str, Any]]) -> list[str]:
        """The first candidates with the findings of this turn; none where nothing is weighed."""
        if not self._bench.use_knowledge:
            return []
        by_id = {f["id"]: f for f in (*state.get("findings", []), *new)}
        findings = [Finding.model_validate(f) for f in by_id.values()]
        return list(self._bench.weigh(findings, state["case"]).ranked.ids[:LEADING])


def _stop_said(message: ToolMessage) -> str:
    """Why next_question says to stop asking; "" when it does not, or is another tool."""
    found = message.artifact
    return str(found["note"].get("stop", "")) if isinstance(found, dict) else ""


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


def _last(state: CaseState) -> AIMessage:
    last = state["messages"][-1]
    if not isinstance(last, AIMessage):
        raise TypeError(f"expected the planner's turn, got {type(last).__name__}")
    return last
