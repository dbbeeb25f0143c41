"""A chat on the offline planner: questions it answers from the ledger, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from agent import Settings, build_agent
from agent.budget import RunContext
from agent.run import Agent
from tests.agent.scripted import ScriptedPlanner

_CHAT = RunContext(interactive=True)


def _thread(name: str) -> RunnableConfig:
    return {"configurable": {"thread_id": name}}


@pytest.fixture(scope="module")
def agent(settings: Settings) -> Agent:
    return build_agent(settings, checkpointer=InMemorySaver())


@pytest.fixture(scope="module")
def read(agent: Agent) -> dict[str, Any]:
    """A case that has been read to its report, in thread "read"."""
    words = "36-year-old woman. CT: thin-walled cysts in both lungs, no honeycombing. Pneumothorax."
    state: dict[str, Any] = agent.invoke({"messages": [HumanMessage(words)]}, _thread("read"))
    return state


def _ask(agent: Agent, words: str, thread: str = "read") -> dict[str, Any]:
    state: dict[str, Any] = agent.invoke({"messages": [HumanMessage(words)]}, _thread(thread))
    return state


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("What speaks against the second?", "(-"),
        ("Why the first one?", "thin walled cysts (+"),
        ("What would settle the first?", "Lymphangioleiomyomatosis"),
        ("What speaks for number 2?", "(+"),
        ("What should I look for next?", " bits, p(yes)"),
        ("Compare the first and the second.", "| this case |"),
        ("Compare with the prior study.", "one study in this thread"),
        ("Look again at the right hilum.", "No vision model is configured"),
        ("Tell me a joke about horses.", "Nothing in that changes the case"),
    ],
)
def test_a_question_is_answered_in_words_and_the_report_stands(
    agent: Agent, read: dict[str, Any], words: str, told: str
) -> None:
    state = _ask(agent, words)
    assert told in str(state["messages"][-1].content)
    assert state["report"] == read["report"]


def test_that_finding_is_the_one_that_was_spoken_of(agent: Agent) -> None:
    first = _ask(agent, "CT: thin-walled cysts in both lungs. Crazy paving.", "that")
    cysts = next(f["id"] for f in first["findings"] if f["term"] == "thin-walled-cysts")
    _ask(agent, f"What does {cysts} speak for?", "that")
    state = _ask(agent, "Forget that finding.", "that")
    assert [f["id"] for f in state["findings"] if f["retracted"]] == [cysts]
    assert state["report"] != first["report"]


def test_a_word_taken_back_no_longer_weighs(agent: Agent) -> None:
    first = _ask(agent, "CT: consolidation. Fever and cough for a week.", "fever")
    fever = {line["disease_id"]: line["background"] for line in first["report"]["ledger"]}
    assert any("fever" in source for weights in fever.values() for source in weights)
    second = _ask(agent, "No fever.", "fever")
    after = {line["disease_id"]: line["background"] for line in second["report"]["ledger"]}
    assert not any("fever" in source for weights in after.values() for source in weights)


def test_what_is_no_case_is_answered_in_one_line(agent: Agent) -> None:
    state = agent.invoke(
        {"messages": [HumanMessage("Hello, what is the weather like?")]},
        _thread("weather"),
        context=_CHAT,
    )
    said = str(state["messages"][-1].content)
    assert said.startswith("I read radiology cases")
    assert "\n" not in said
    assert "report" not in state


def test_a_chat_asks_once_for_what_is_decisive_and_goes_on_with_the_answer(agent: Agent) -> None:
    thread = _thread("clarify")
    words = "CT chest: multiple pulmonary nodules in both lungs."
    paused = agent.invoke({"messages": [HumanMessage(words)]}, thread, context=_CHAT)
    (asked,) = paused["__interrupt__"]
    assert asked.value["ask"] == [
        "Is a malignancy known?",
        "How old is the patient, and of which sex?",
    ]
    from langgraph.types import Command

    resume: Command[Any] = Command(resume="58-year-old woman, MRN 1234567, known breast cancer")
    state = agent.invoke(resume, thread, context=_CHAT)
    assert (state["case"]["age_years"], state["case"]["sex"]) == (58, "female")
    assert "breast cancer" in state["case"]["history"]
    assert "1234567" not in str(state)
    assert state["report"]["differential"]["diagnoses"]
    again = agent.invoke({"messages": [HumanMessage("Also a pleural effusion.")]}, thread,
                         context=_CHAT)  # fmt: skip
    assert "__interrupt__" not in again


def test_skip_goes_on_without_an_answer_and_a_run_without_a_person_is_never_asked(
    agent: Agent,
) -> None:
    from langgraph.types import Command

    words = {"messages": [HumanMessage("CT chest: multiple pulmonary nodules.")]}
    alone = agent.invoke(words, _thread("alone"))
    assert "__interrupt__" not in alone
    asked = agent.invoke(words, _thread("skip"), context=_CHAT)
    assert asked["__interrupt__"]
    resume: Command[Any] = Command(resume="skip")
    state = agent.invoke(resume, _thread("skip"), context=_CHAT)
    assert state["report"]["differential"] == alone["report"]["differential"]


def test_words_and_images_that_name_different_sides_are_pointed_out(settings: Settings) -> None:
    planner = ScriptedPlanner(turns=["Nothing more."] * 4)
    agent = build_agent(settings, planner=planner, checkpointer=InMemorySaver())
    thread = _thread("sides")
    finding = {
        "id": "F1", "term": "pleural-effusion", "name": "pleural effusion", "present": True,
        "certainty": 0.9, "source": "vision", "backend": "eyes", "series": "S1", "side": "right",
    }  # fmt: skip
    state = agent.invoke(
        {"messages": [HumanMessage("CT: left pleural effusion.")], "findings": [finding]}, thread
    )
    limits = " ".join(state["report"]["differential"]["limits"])
    assert "F1" in limits
    assert "different sides" in limits
