"""The optional critic, and the dangerous alternatives that a differential must have considered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent import Case, Settings, build_agent, diagnose
from agent.dangers import considered, overlooked
from agent.ledger import Ledger
from agent.run import Agent
from tests.agent.ledger_lines import ledger_line
from tests.agent.scripted import ScriptedPlanner
from tests.knowledge.conftest import entry

_CASE = Case(findings_text="Thin-walled cysts in both lungs.", age_years=36, sex="female")


def _submit(probability: float) -> list[tuple[str, dict[str, Any]]]:
    line = {
        "name": "LAM", "disease_id": "lymphangioleiomyomatosis", "probability": probability,
        "evidence_for": ["F1"],
    }  # fmt: skip
    other = round(1 - probability, 2)
    return [("submit_differential", {"diagnoses": [line], "other_probability": other})]


def _agent(settings: Settings, planner: ScriptedPlanner) -> Agent:
    return build_agent(settings.model_copy(update={"critic": True}), planner=planner)


def test_the_critic_sends_a_differential_back_once(settings: Settings) -> None:
    objection = json.dumps({"problems": ["no evidence carries 90 %: lower it"]})
    planner = ScriptedPlanner(turns=[_submit(0.9), objection, _submit(0.5)])
    report = diagnose(_CASE, agent=_agent(settings, planner))
    assert report.differential.diagnoses[0].probability == pytest.approx(0.5)
    asked = json.loads(str(planner.seen[1][-1].content))
    assert asked["ledger"]["lymphangioleiomyomatosis"]["for"] == ["F1"]
    assert "critic: no evidence carries 90 %" in str(planner.seen[2][-1].content)
    assert report.costs["planner_calls"] == 3
    assert "critic prompt" in report.versions


@pytest.mark.parametrize("answer", ['{"problems": []}', "Looks fine to me."])
def test_a_critic_without_an_objection_lets_it_stand(settings: Settings, answer: str) -> None:
    planner = ScriptedPlanner(turns=[_submit(0.6), answer])
    report = diagnose(_CASE, agent=_agent(settings, planner))
    assert report.differential.diagnoses[0].probability == pytest.approx(0.6)


def test_the_offline_planner_has_no_critic(settings: Settings) -> None:
    with_critic = settings.model_copy(update={"critic": True})
    assert diagnose(_CASE, with_critic).differential.diagnoses


def test_dangerous_diseases_near_the_list_are_named_with_why_not() -> None:
    often = {"a-term": 0.9, "b-term": 0.5, "c-term": 0.1}
    entries = {
        "cyst-disease": entry("cyst-disease", often),
        "likely-killer": entry("likely-killer", often, cant_miss=True),
        "near-killer": entry("near-killer", often, cant_miss=True),
        "far-killer": entry("far-killer", often, cant_miss=True),
    }
    lines = {
        "cyst-disease": ledger_line("cyst-disease", 0.7, F1=2.0),
        "likely-killer": ledger_line("likely-killer", 0.08, F1=1.0),
        "near-killer": ledger_line("near-killer", 0.01, F2=-1.0),
        "far-killer": ledger_line("far-killer", 0.0001),
    }
    ledger = Ledger(lines=lines, other_probability=0.2)
    assert [e.id for e in overlooked({"cyst-disease"}, ledger, entries)] == ["likely-killer"]
    near = considered({"cyst-disease"}, ledger, entries)
    assert [c.disease_id for c in near] == ["likely-killer", "near-killer"]
    assert near[0].why_not == "less likely than those listed; not looked for: honeycombing"
    assert near[1].why_not == "F2 speaks against it"
    assert considered({"cyst-disease", "likely-killer", "near-killer"}, ledger, entries) == ()
