"""A chat on the offline planner: questions it answers from the ledger, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from agent import Case, Settings, build_agent, diagnose
from agent.budget import RunContext
from agent.run import Agent
from agent.stated import stated
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


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("What speaks against the second?", ""),
        ("Is there a pneumothorax?", ""),
        ("Compare the first and the second. She smokes.", "She smokes."),
        ("No fever. F3 is wrong.", "No fever."),
        ("yes", ""),
        ("Look again at the right hilum", ""),
        ("She has tuberous sclerosis.", "She has tuberous sclerosis."),
        ("No known malignancy.", "No known malignancy."),
        ("Yes, and there is also a pneumothorax", "and there is also a pneumothorax"),
        ("Thanks, there is a 3.5 cm mass.", "there is a 3.5 cm mass."),
        ("F1 is wrong, there is a pneumothorax instead", "there is a pneumothorax instead"),
        ("Was treated for breast cancer.", "Was treated for breast cancer."),
        ("The mass is F18-FDG avid.", "The mass is F18-FDG avid."),
        ("I wonder whether there is a pneumothorax", ""),
        ("Is she a smoker", ""),
        ("You are wrong about the cysts, there is a pneumothorax", "there is a pneumothorax"),
        ("There is a false lumen.", "There is a false lumen."),
    ],
)
def test_only_what_is_stated_of_the_patient_becomes_history(said: str, left: str) -> None:
    assert stated(said) == left


def test_a_question_adds_no_word_and_no_finding_and_a_statement_re_ranks(agent: Agent) -> None:
    first = _ask(agent, "CT chest: thin-walled cysts in both lungs.", "news")
    asked = _ask(agent, "Is there a pneumothorax?", "news")
    assert asked["case"]["history"] == first["case"]["history"]
    assert len(asked["findings"]) == len(first["findings"])
    told = _ask(agent, "She has tuberous sclerosis.", "news")
    assert told["case"]["history"].endswith("She has tuberous sclerosis.")
    assert told["report"]["differential"] != first["report"]["differential"]


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


@pytest.mark.parametrize(("words", "is_there"), [("Yes.", True), ("No, there is not", False)])
def test_a_bare_answer_is_taken_for_the_question_that_was_put(
    agent: Agent, words: str, is_there: bool
) -> None:
    first = _ask(agent, "CT chest: thin-walled cysts in both lungs.", words)
    question = first["report"]["questions"][0]
    assert question["question"] in str(first["messages"][-1].content) or first["report"][
        "differential"
    ]["next_step"].startswith("find out")
    second = _ask(agent, words, words)
    last = second["findings"][-1]
    assert (last["term"], last["present"]) == (question["term"], is_there)
    assert question["term"] not in {q["term"] for q in second["report"]["questions"]}


@pytest.mark.parametrize(
    "words", ["No fever.", "no trauma", "No thanks", "There are surgical clips", "No, F1 is wrong"]
)
def test_a_sentence_is_no_bare_answer(agent: Agent, words: str) -> None:
    first = _ask(agent, "CT chest: thin-walled cysts in both lungs.", f"sentence {words}")
    question = first["report"]["questions"][0]["term"]
    second = _ask(agent, words, f"sentence {words}")
    assert question not in {f["term"] for f in second["findings"]}


def test_what_was_denied_can_be_said_again_and_age_and_sex_be_corrected(agent: Agent) -> None:
    _ask(agent, "CT: consolidation. 45-year-old woman with fever.", "again")
    denied = _ask(agent, "She has no fever.", "again")
    assert "fever" in denied["case"]["taken_back"]
    said = _ask(agent, "There was fever after all. She is 72 years old.", "again")
    assert "fever" not in said["case"]["taken_back"]
    assert said["case"]["age_years"] == 72


@pytest.mark.parametrize(
    "words", ["You are wrong about the cysts.", "Forget the cysts.", "There are no lung cysts."]
)
def test_a_finding_is_taken_back_by_its_name_too(agent: Agent, words: str) -> None:
    _ask(agent, "CT chest: thin-walled cysts in both lungs. Crazy paving.", words)
    state = _ask(agent, words, words)
    taken = [f["term"] for f in state["findings"] if f["retracted"]]
    assert taken == ["thin-walled-cysts"]


def test_what_is_absent_on_one_side_says_nothing_of_the_other(agent: Agent) -> None:
    first = _ask(agent, "CT chest: left pleural effusion.", "side")
    left = first["findings"][0]["id"]
    second = _ask(agent, "No right pleural effusion.", "side")
    assert not next(f for f in second["findings"] if f["id"] == left)["retracted"]


@pytest.mark.parametrize(
    ("answer", "age", "sex", "said"),
    [
        ("62, female, breast cancer 2015", 62, "female", "breast cancer"),
        ("no", None, None, "No known malignancy."),
        ("no, 62-year-old man", 62, "male", "62-year-old man"),
    ],
)
def test_an_answer_to_what_was_asked_is_understood_as_one(
    agent: Agent, answer: str, age: float | None, sex: str | None, said: str
) -> None:
    from langgraph.types import Command

    thread = _thread(f"answer {answer}")
    words = {"messages": [HumanMessage("CT chest: mediastinal lymphadenopathy.")]}
    assert agent.invoke(words, thread, context=_CHAT)["__interrupt__"]
    resume: Command[Any] = Command(resume=answer)
    state = agent.invoke(resume, thread, context=_CHAT)
    assert (state["case"]["age_years"], state["case"]["sex"]) == (age, sex)
    assert said in state["case"]["history"]


def test_a_greeting_does_not_use_up_the_question(agent: Agent) -> None:
    thread = _thread("greeting")
    agent.invoke({"messages": [HumanMessage("Hello.")]}, thread, context=_CHAT)
    words = {"messages": [HumanMessage("CT chest: mediastinal lymphadenopathy.")]}
    assert agent.invoke(words, thread, context=_CHAT)["__interrupt__"]


def test_diagnose_never_waits_for_a_person(settings: Settings) -> None:
    asking = build_agent(settings, checkpointer=InMemorySaver(), interactive=True)
    report = diagnose(Case(findings_text="Multiple pulmonary nodules."), agent=asking)
    assert report.differential.diagnoses


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
