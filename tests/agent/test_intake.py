"""Intake, and what reaches the planner: scrubbed, by reference, nothing that was not taken in."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from agent import Case, Settings, UserError, build_agent, diagnose
from agent.run import start
from tests.agent.pictures import image_block, png
from tests.agent.scripted import ScriptedPlanner

_THREAD: RunnableConfig = {"configurable": {"thread_id": "one"}}
_ABSTAIN = [
    (
        "submit_differential",
        {"diagnoses": [], "other_probability": 1.0, "abstain_because": "unclear"},
    )
]


def _content(words: str, *blocks: dict[str, str]) -> list[str | dict[Any, Any]]:
    return [{"type": "text", "text": words}, *blocks]


def _sent(planner: ScriptedPlanner) -> str:
    return json.dumps([[str(m.content) for m in messages] for messages in planner.seen])


def test_a_message_that_failed_reaches_no_planner_raw_and_does_not_block_the_thread(
    settings: Settings,
) -> None:
    planner = ScriptedPlanner(turns=[_ABSTAIN])
    agent = build_agent(settings, planner=planner, checkpointer=InMemorySaver())
    torn = base64.b64encode(base64.b64decode(png())[:40]).decode()
    bad = HumanMessage(_content("Mrs Jane Smith, MRN 1234567, cough", image_block(torn)))
    with pytest.raises(UserError):
        agent.invoke({"messages": [bad]}, _THREAD)
    state = agent.invoke({"messages": [HumanMessage("Try without it.")]}, _THREAD)
    sent = _sent(planner)
    assert "1234567" not in sent
    assert "Smith" not in sent
    assert torn not in sent
    assert "cough" in sent
    assert any("could not be read" in limit for limit in state["case"]["limits"])
    assert torn not in str(state["messages"])


def test_two_messages_of_one_turn_both_enter_the_case(settings: Settings) -> None:
    planner = ScriptedPlanner(turns=[_ABSTAIN])
    agent = build_agent(settings, planner=planner)
    data = png(40)
    messages = [
        HumanMessage(_content("56M, cough.", image_block(data))),
        HumanMessage("Lung cysts?"),
    ]
    state = agent.invoke({"messages": messages})
    assert [s["rows"] for s in state["case"]["series"]] == [40]
    assert state["case"]["age_years"] == 56
    assert "cough" in state["case"]["history"]
    assert data not in _sent(planner) + str(state["messages"])


def test_a_case_that_was_made_by_hand_is_scrubbed_too(settings: Settings) -> None:
    planner = ScriptedPlanner(turns=[_ABSTAIN])
    case = Case(
        history="Mr John Smith MRN 1234567, cough since 2024-03-01", findings_text="Dr Jane Doe."
    )
    report = diagnose(case, agent=build_agent(settings, planner=planner))
    for leaked in ("Smith", "1234567", "2024-03-01", "Doe"):
        word = re.compile(rf"\b{leaked}\b")  # "Does" begins a question
        assert not word.search(_sent(planner))
        assert not word.search(report.model_dump_json())


def test_an_image_sent_with_a_given_case_joins_its_series(settings: Settings) -> None:
    planner = ScriptedPlanner(turns=[_ABSTAIN])
    agent = build_agent(settings, planner=planner)
    given = {
        **start(Case(history="Cough.")),
        "messages": [HumanMessage(_content("", image_block(png())))],
    }
    state = agent.invoke(given)
    assert [s["id"] for s in state["case"]["series"]] == ["S1"]


def test_age_and_sex_of_the_history_are_read_when_nothing_else_gives_them(
    settings: Settings,
) -> None:
    planner = ScriptedPlanner(turns=[_ABSTAIN, _ABSTAIN])
    agent = build_agent(settings, planner=planner)
    told = diagnose(Case(history="38-year-old man, dry cough"), agent=agent)
    assert (told.case.age_years, told.case.sex) == (38, "male")
    given = diagnose(Case(history="38-year-old man", age_years=50, sex="female"), agent=agent)
    assert (given.case.age_years, given.case.sex) == (50, "female")


def test_a_later_word_of_the_person_stands_over_an_earlier_one(settings: Settings) -> None:
    agent = build_agent(settings, checkpointer=InMemorySaver())
    agent.invoke({"messages": [HumanMessage("CT: pleural effusion. Lung cysts.")]}, _THREAD)
    state = agent.invoke(
        {"messages": [HumanMessage("Correction: there is no pleural effusion.")]}, _THREAD
    )
    effusions = [f for f in state["findings"] if f["term"] == "pleural-effusion"]
    assert [(f["present"], f["retracted"]) for f in effusions] == [(True, True), (False, False)]
    for line in state["report"]["differential"]["diagnoses"]:
        assert effusions[0]["id"] not in line["evidence_for"]


def test_words_alone_do_not_keep_a_report_whose_finding_was_taken_back(settings: Settings) -> None:
    submit = [
        (
            "submit_differential",
            {
                "diagnoses": [{"name": "LAM", "probability": 0.8, "evidence_for": ["F1"]}],
                "other_probability": 0.2,
            },
        )
    ]
    planner = ScriptedPlanner(turns=[submit, "Noted.", _ABSTAIN])
    agent = build_agent(settings, planner=planner, checkpointer=InMemorySaver())
    agent.invoke({"messages": [HumanMessage("CT: thin-walled cysts.")]}, _THREAD)
    state = agent.invoke({"messages": [HumanMessage("F1 is wrong.")]}, _THREAD)
    assert state["report"]["differential"]["abstained"]
    assert state["report"]["findings"][0]["retracted"]


def test_wrong_arguments_come_back_to_the_planner_without_their_values(settings: Settings) -> None:
    wrong = [
        ("search_knowledge", {"query": "Mr Smith cysts", "limit": 50}),
        ("look", {}),
        ("no_such_tool", {}),
    ]
    planner = ScriptedPlanner(turns=[wrong, _ABSTAIN])
    diagnose(Case(history="Cough."), agent=build_agent(settings, planner=planner))
    told = [str(m.content) for m in planner.seen[1][-3:]]
    assert "limit" in told[0]
    assert "Smith" not in told[0]
    assert "window" in told[1]
    assert "no_such_tool" in told[2]


def test_every_call_of_a_turn_gets_an_answer_of_its_own(settings: Settings) -> None:
    planner = ScriptedPlanner(turns=[_ABSTAIN * 2])
    state = build_agent(settings, planner=planner).invoke(start(Case(history="Cough.")))
    asked = next(m for m in state["messages"] if getattr(m, "tool_calls", None))
    answered = [m.tool_call_id for m in state["messages"] if m.type == "tool"]
    assert answered == [c["id"] for c in asked.tool_calls]
    assert len(set(answered)) == 2
