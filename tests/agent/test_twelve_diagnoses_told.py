"""The second half of the twelve diagnoses: what is told to the model, and what to the person."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from agent import Case
from agent.planner.gemini_errors import PlannerBlocked, PlannerUnavailable
from tests.agent.gemini_play import (
    Stage,
    Staged,
    answers,
    signed,
    submission,
    submit,
    tool,
)
from tests.gemini_server import (
    Json,
    Request,
    call,
    candidate,
    daily_quota,
    refused,
    text,
)

_BUSY = refused(503, "UNAVAILABLE")


def test_unknown_ids_and_a_second_submission_in_one_turn_go_back(staged: Staged) -> None:
    case = Case(
        history="Recurrent cholangitis.",
        findings_text="Saccular dilatation of the intrahepatic bile ducts. Central dot sign.",
        age_years=24,
        sex="female",
    )
    for_it = ["saccular-intrahepatic-duct-dilatation", "central-dot-sign"]
    line_1 = ("caroli-disease", 0.9, for_it)

    def careless(request: Request) -> Json:
        made = submission(request, line_1)
        made["diagnoses"][0]["evidence_for"] += ["F99"]
        made["diagnoses"][0]["passages"] = ["P77"]
        first = call("submit_differential", made, call_id="one")
        return candidate(signed(first), call("submit_differential", made, call_id="two"))

    def mended(request: Request) -> Json:
        one, two = answers(request)[-2:]
        assert "F99 is no standing finding" in json.dumps(one)
        assert "P77 does not exist" in json.dumps(one)
        assert "only the first submission" in json.dumps(two)
        return candidate(call("submit_differential", submission(request, line_1)))

    with staged(case, careless, mended) as stage:
        report = stage.begin(stage.agent())
    first = report.differential.diagnoses[0]
    assert (first.disease_id, first.evidence_for) == ("caroli-disease", ("F1", "F2"))
    assert (report.removed_claims, report.stopped) == (0, "submitted")
    assert stage.tools.ran == {}
    assert len(stage.asked) == 2


def test_wrong_arguments_and_a_refused_question_are_told_and_mended(staged: Staged) -> None:
    case = Case(
        history="Night pain in the shin relieved by aspirin.",
        findings_text="Lucent nidus in the tibial cortex with cortical thickening.",
        age_years=16,
        sex="male",
    )
    wrong = candidate(
        signed(tool("search_knowledge", "1", query="nidus", limit=50)),
        tool("search_knowledge", "2", query="nidus", disease_ids=["osteoid-osteomma"]),
        tool("search_knowledge", "3", words="nidus"),
        tool("ask", "4", terms=["lucent-nidus"]),
        tool("biopsy", "5", site="tibia"),
    )

    def mended(request: Request) -> Json:
        told = answers(request)
        assert [set(a) for a in told] == [{"error"}] * 5
        wants = ("wrong arguments: limit", "no entry", "no argument 'words'", "no vision", "biopsy")
        assert all(want in a["error"] for want, a in zip(wants, told, strict=True))
        return candidate(tool("search_knowledge", "6", query="lucent nidus in the cortex"))

    line_1 = ("osteoid-osteoma", 0.9, ["lucent-nidus", "cortical-thickening"])
    with staged(case, wrong, mended, submit(line_1)) as stage:
        report = stage.begin(stage.agent())
    assert report.differential.diagnoses[0].disease_id == "osteoid-osteoma"
    assert report.differential.diagnoses[0].passages
    assert len(stage.asked) == 3


def test_a_submission_beside_other_calls_and_one_in_words_do_not_count(staged: Staged) -> None:
    case = Case(
        history="Pain moving to the right lower quadrant, fever.",
        findings_text="Dilated appendix, appendicolith, periappendiceal fat stranding.",
        age_years=22,
        sex="male",
    )
    for_it = ["dilated-appendix", "appendicolith"]
    lines = (("acute-appendicitis", 0.7, for_it), ("appendiceal-abscess", 0.25, for_it))

    def hasty(request: Request) -> Json:
        made = call("submit_differential", submission(request, *lines), call_id="s")
        return candidate(signed(tool("weigh_evidence", "w")), made)

    def in_words(request: Request) -> Json:
        assert "alone" in answers(request)[-1]["error"]
        return text("It is appendicitis.")

    with staged(case, hasty, in_words, _BUSY, submit(*lines)) as stage:
        report = stage.begin(stage.agent())
    assert report.differential.diagnoses[0].disease_id == "acute-appendicitis"
    assert {d.cant_miss for d in report.differential.diagnoses} == {True}
    assert stage.tools.ran == {"weigh_evidence": 1}
    assert "no differential yet" in json.dumps(stage.asked[-1].contents[-1])


def _reported(
    stage: Stage, kind: type[Exception], says: str, *, ran: Counter[str], **planner: Any
) -> Any:
    """Play until the fault is reported in one line, then resume with a planner of its own."""
    with pytest.raises(kind, match=says) as caught:
        stage.begin(stage.agent(**planner))
    assert "\n" not in str(caught.value)
    assert stage.tools.ran == ran
    failed = stage.asked[-1]
    report = stage.resume(stage.agent())
    assert stage.tools.ran == ran
    # The resumed run asks what the failed one asked: nothing of the case is lost or done again.
    asked_again = stage.asked[-1]
    assert asked_again.contents == failed.contents
    return report


def test_a_filtered_answer_is_reported_and_the_case_resumes(staged: Staged) -> None:
    case = Case(
        history="Seizures since infancy, facial angiofibromas.",
        findings_text="Subependymal nodules, cortical tubers. Renal angiomyolipomas.",
        age_years=19,
        sex="female",
    )
    both = candidate(
        signed(tool("search_knowledge", "s", query="cortical tubers and angiomyolipomas")),
        tool("weigh_evidence", "w"),
    )
    line_1 = ("tuberous-sclerosis-complex", 0.95, ["subependymal-nodules", "cortical-tubers"])
    filtered = candidate({"text": "It "}, finish="SAFETY")
    with staged(case, both, filtered, submit(line_1)) as stage:
        ran = Counter(search_knowledge=1, weigh_evidence=1)
        report = _reported(stage, PlannerBlocked, "SAFETY", ran=ran)
    assert report.differential.diagnoses[0].disease_id == "tuberous-sclerosis-complex"
    assert len(stage.asked) == 3


def test_a_service_that_stays_away_is_reported_and_the_case_resumes(staged: Staged) -> None:
    case = Case(
        history="Slowly progressive dyspnea, smoker.",
        findings_text="Crazy paving in both lungs. No pleural effusion.",
        age_years=42,
        sex="male",
    )
    search = candidate(signed(tool("search_knowledge", "s", query="crazy paving")))
    lines = (
        ("pulmonary-alveolar-proteinosis", 0.7, ["crazy-paving"]),
        ("anti-gbm-disease", 0.1, ["crazy-paving"]),
    )
    with staged(case, search, _BUSY, _BUSY, _BUSY, submit(*lines)) as stage:
        report = _reported(
            stage, PlannerUnavailable, "3 tries", ran=Counter(search_knowledge=1), attempts=3
        )
    assert report.differential.diagnoses[0].disease_id == "pulmonary-alveolar-proteinosis"
    assert len(stage.asked) == 5


def test_no_candidate_and_then_a_spent_day_are_reported_and_the_case_resumes(
    staged: Staged,
) -> None:
    case = Case(
        history="Sudden dyspnea two days after hip replacement.",
        findings_text="Filling defect in the right pulmonary artery. Right ventricular dilatation.",
        age_years=67,
        sex="female",
    )
    weigh = candidate(signed(tool("weigh_evidence", "w")))
    spent = refused(429, "RESOURCE_EXHAUSTED", daily_quota())
    for_it = ["pulmonary-artery-filling-defect", "right-ventricular-enlargement"]
    lines = (
        ("pulmonary-embolism", 0.7, for_it),
        ("chronic-thromboembolic-pulmonary-hypertension", 0.1, for_it),
    )
    with staged(case, {"candidates": []}, weigh, spent, submit(*lines)) as stage:
        with pytest.raises(PlannerBlocked, match="no reason given"):
            stage.begin(stage.agent())
        with pytest.raises(PlannerUnavailable, match="daily quota"):
            stage.resume(stage.agent())
        report = stage.resume(stage.agent())
    first = report.differential.diagnoses[0]
    assert (first.disease_id, first.cant_miss) == ("pulmonary-embolism", True)
    assert stage.tools.ran == {"weigh_evidence": 1}
    assert len(stage.asked) == 4
