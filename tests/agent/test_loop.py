"""The loop: it asks what separates, keeps its budgets, and ends in a report whatever is gone."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from agent import Case, Report, Settings, build_agent, diagnose
from agent.budget import Budget, RunContext, budget_of
from agent.planner.gemini_errors import PlannerUnavailable
from agent.run import Agent
from knowledge.search.retrieve import KnowledgeBase
from tests.agent.pictures import image_block, png
from tests.agent.scripted import ScriptedPlanner
from tests.agent.seer import Seer

_CASE = Case(findings_text="Chest radiograph: hyperlucent left lung.", age_years=27, sex="male")
_THREAD: RunnableConfig = {"configurable": {"thread_id": "one"}}


def _seer(knowledge: KnowledgeBase) -> Seer:
    entry = knowledge.entries["swyer-james-macleod-syndrome"]
    return Seer(entry, knowledge.vocabulary)


def _read(agent: Agent, context: RunContext | None = None) -> dict[str, Any]:
    words = {
        "type": "text",
        "text": "Chest radiograph of a 27-year-old man. Hyperlucent left lung.",
    }
    state: dict[str, Any] = agent.invoke(
        {"messages": [HumanMessage([words, image_block(png(seed=3))])]}, _THREAD, context=context
    )
    return state


def _calls(state: dict[str, Any]) -> list[str]:
    return [c["name"] for m in state["messages"] if isinstance(m, AIMessage) for c in m.tool_calls]


def test_the_offline_planner_asks_what_separates_until_nothing_is_worth_asking(
    settings: Settings, knowledge: KnowledgeBase
) -> None:
    seer = _seer(knowledge)
    agent = build_agent(settings, vision=seer, checkpointer=InMemorySaver())
    state = _read(agent)
    calls = _calls(state)
    assert calls.count("ask") >= 1
    assert calls.index("look") < calls.index("next_question") < calls.index("ask")
    assert calls[-1] == "submit_differential"
    report = Report.model_validate(state["report"])
    assert report.stopped in {"nothing left to ask", "stable"}
    assert report.stopped_because
    asked = [t for m in state["messages"] if isinstance(m, AIMessage) for c in m.tool_calls
             if c["name"] == "ask" for t in c["args"]["terms"]]  # fmt: skip
    assert len(asked) == len(set(asked))
    seen = {f.term for f in report.findings if f.source == "vision"}
    assert set(asked) <= seen


def test_a_correction_re_ranks_without_a_call_of_the_eyes(
    settings: Settings, knowledge: KnowledgeBase
) -> None:
    seer = _seer(knowledge)
    agent = build_agent(settings, vision=seer, checkpointer=InMemorySaver())
    first = _read(agent)
    calls = seer.calls
    wrong = next(f["id"] for f in first["findings"] if f["source"] == "person" and f["present"])
    second = agent.invoke({"messages": [HumanMessage(f"{wrong} is wrong.")]}, _THREAD)
    assert seer.calls == calls
    assert second["report"]["differential"] != first["report"]["differential"]
    assert all(wrong not in line["speaks_for"] for line in second["report"]["ledger"])


def test_vision_calls_end_with_their_budget(settings: Settings, knowledge: KnowledgeBase) -> None:
    seer = _seer(knowledge)
    agent = build_agent(settings, vision=seer, checkpointer=InMemorySaver())
    state = _read(agent, RunContext(max_vision_calls=1))
    assert state["spent"]["vision_calls"] == 1
    assert state["report"]["differential"]["diagnoses"]


@pytest.mark.parametrize(
    ("used", "limit", "why"),
    [
        ({"planner_calls": 3}, {"planner_calls": 3}, "3 of 3 planner calls"),
        ({"tokens": 900}, {"tokens": 1000}, ""),
        ({"tokens": 1000}, {"tokens": 1000}, "1000 of 1000 tokens"),
        ({"seconds": 2.5}, {"seconds": 2.0}, "2.5 of 2 seconds"),
        ({"dollars": 0.1}, {"dollars": 0.05}, "0.1 of 0.05 dollars"),
    ],
)
def test_each_budget_says_what_is_gone(
    used: dict[str, float], limit: dict[str, Any], why: str
) -> None:
    budget = Budget(**{"planner_calls": 12, "vision_calls": 5, **limit})
    assert budget.spent_on(used) == why


def test_a_run_may_have_limits_of_its_own(settings: Settings) -> None:
    budget = budget_of(settings, RunContext(max_tokens=5))
    assert (budget.tokens, budget.planner_calls) == (5, settings.max_planner_calls)
    with pytest.raises(ValueError, match="extra"):
        RunContext.model_validate({"max_token": 5})


def test_a_token_budget_is_checked_before_the_next_call(settings: Settings) -> None:
    class Counting(ScriptedPlanner):
        def _generate(self, *given: Any, **more: Any) -> Any:
            made = super()._generate(*given, **more)
            message = made.generations[0].message
            assert isinstance(message, AIMessage)
            message.usage_metadata = UsageMetadata(
                input_tokens=600, output_tokens=100, total_tokens=700
            )
            return made

    planner = Counting(turns=[[("weigh_evidence", {})]] * 9)
    tight = settings.model_copy(update={"max_tokens": 1000})
    report = diagnose(_CASE, agent=build_agent(tight, planner=planner))
    assert len(planner.seen) == 2
    assert report.stopped_because == "1400 of 1000 tokens"
    assert report.costs["input_tokens"] == 1200
    assert report.differential.diagnoses


class _Gone(ScriptedPlanner):
    """Answers its turns, and is not available after them."""

    def _generate(self, *given: Any, **more: Any) -> Any:
        if len(self.seen) >= len(self.turns):
            raise PlannerUnavailable("Gemini is not available (HTTP 503, 4 tries); try again later")
        return super()._generate(*given, **more)


def test_when_the_service_is_gone_the_offline_planner_finishes_and_says_so(
    settings: Settings,
) -> None:
    planner = _Gone(turns=[[("weigh_evidence", {})]])
    report = diagnose(_CASE, agent=build_agent(settings, planner=planner))
    assert report.differential.diagnoses
    assert "HTTP 503" in report.planner
    assert any("HTTP 503" in limit for limit in report.differential.limits)


def test_without_a_fallback_the_run_stops_and_resumes_where_it_was(settings: Settings) -> None:
    planner = _Gone(turns=[[("weigh_evidence", {})]])
    alone = settings.model_copy(update={"planner_fallback": "none"})
    agent = build_agent(alone, planner=planner, checkpointer=InMemorySaver())
    with pytest.raises(PlannerUnavailable):
        agent.invoke({"messages": [HumanMessage("CT: thin-walled cysts in both lungs.")]}, _THREAD)
    submit = {
        "name": "LAM", "disease_id": "lymphangioleiomyomatosis", "probability": 0.6,
        "evidence_for": ["F1"],
    }  # fmt: skip
    planner.turns.append(
        [("submit_differential", {"diagnoses": [submit], "other_probability": 0.4})]
    )
    state = agent.invoke(None, _THREAD)
    assert state["report"]["stopped"] == "submitted"
    assert [s["node"] for s in state["trace"]].count("act") == 1


def test_the_ledger_of_a_report_sets_every_finding_against_every_candidate(
    offline_agent: Agent,
) -> None:
    report = diagnose(_CASE, agent=offline_agent)
    standing = {f.id for f in report.findings}
    listed = {d.disease_id for d in report.differential.diagnoses}
    assert listed <= {line.disease_id for line in report.ledger}
    for line in report.ledger:
        assert {*line.speaks_for, *line.speaks_against, *line.neutral} == standing
    first = report.differential.diagnoses[0]
    assert first.ledger_probability == pytest.approx(first.probability, abs=1e-3)
    gains = [q.gain for q in report.questions]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 0


def test_probabilities_far_from_the_ledger_are_shown_with_it_and_why(settings: Settings) -> None:
    line = {
        "name": "LAM", "disease_id": "lymphangioleiomyomatosis", "probability": 0.95,
        "evidence_for": ["F1"], "why_differs": "The textbook picture in a woman of this age.",
    }  # fmt: skip
    planner = ScriptedPlanner(
        turns=[[("submit_differential", {"diagnoses": [line], "other_probability": 0.05})]]
    )
    agent = build_agent(settings, planner=planner, checkpointer=InMemorySaver())
    state = agent.invoke({"messages": [HumanMessage("CT: thin-walled cysts.")]}, _THREAD)
    (first,) = state["report"]["differential"]["diagnoses"]
    assert first["ledger_probability"] < 0.6
    assert first["differs_because"] == "The textbook picture in a woman of this age."
    assert "planner 95%, ledger" in str(state["messages"][-1].content)
