"""Review: what it finds wrong, and what becomes of a submission that still fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.ledger import Ledger
from agent.review import Evidence, problems, settle
from agent.submission import Submission
from knowledge.words import forms
from tests.agent.ledger_lines import ledger_line
from tests.knowledge.conftest import entry


@pytest.fixture
def evidence() -> Evidence:
    entries = {
        "cyst-disease": entry("cyst-disease", {"a-term": 0.9, "b-term": 0.5, "c-term": 0.1}),
        "killer-disease": entry(
            "killer-disease", {"a-term": 0.9, "b-term": 0.5, "c-term": 0.1}, cant_miss=True
        ),
    }
    lines = {
        "cyst-disease": ledger_line("cyst-disease", 0.7, F1=2.0, F2=-1.0),
        "killer-disease": ledger_line("killer-disease", 0.2, F1=1.0),
    }
    return Evidence(
        findings=frozenset({"F1", "F2", "F3"}),
        passages={"P1": "cyst-disease", "P2": "killer-disease"},
        ledger=Ledger(lines=lines, other_probability=0.1, contradictions=(("F2", "F3"),)),
        entries=entries,
        names={forms(e.name): e.id for e in entries.values()},
    )


def _submission(*lines: dict[str, Any], other: float = 0.1, **more: Any) -> Submission:
    return Submission.model_validate({"diagnoses": list(lines), "other_probability": other, **more})


_CYST = {
    "name": "cyst disease", "disease_id": "cyst-disease", "probability": 0.7,
    "evidence_for": ["F1"], "evidence_against": ["F2"], "passages": ["P1"],
}  # fmt: skip
_KILLER = {"name": "killer", "disease_id": "killer-disease", "probability": 0.2}


def test_a_submission_that_stands_on_the_ledger_passes(evidence: Evidence) -> None:
    assert problems(_submission(_CYST, _KILLER), evidence) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"evidence_for": ["F9"]}, "F9 is no standing finding"),
        ({"evidence_for": ["F2"]}, "F2 speaks against it"),
        ({"evidence_for": ["F3"]}, "F3 is neutral"),
        ({"evidence_against": ["F1"]}, "F1 does not speak against it"),
        ({"passages": ["P7"]}, "P7 does not exist"),
        ({"passages": ["P2"]}, "P2 is about killer-disease"),
        ({"disease_id": "", "evidence_for": ["F2"]}, "F2 speaks against it"),
        ({"disease_id": "made-up"}, "no entry 'made-up'"),
        ({"probability": 0.2}, "sum to 0.50"),
    ],
)
def test_each_fault_is_named_with_what_to_do(
    evidence: Evidence, change: dict[str, Any], said: str
) -> None:
    assert any(said in p for p in problems(_submission({**_CYST, **change}, _KILLER), evidence))


def test_a_likely_disease_that_must_not_be_missed_has_to_be_in_the_list(evidence: Evidence) -> None:
    (fault,) = problems(_submission({**_CYST, "probability": 0.9}), evidence)
    assert "killer" in fault
    assert "must not be missed" in fault


def test_an_abstention_has_no_diagnoses(evidence: Evidence) -> None:
    assert problems(_submission(_CYST, abstain_because="unclear"), evidence)
    ledger = replace(
        evidence.ledger, lines={"cyst-disease": ledger_line("cyst-disease", 0.7, F1=2.0)}
    )
    harmless = replace(evidence, ledger=ledger)
    assert problems(_submission(other=1.0, abstain_because="unclear"), harmless) == []


def test_a_likely_danger_is_not_abstained_over(evidence: Evidence) -> None:
    submission = _submission(other=1.0, abstain_because="unclear")
    assert any("killer-disease" in p for p in problems(submission, evidence))
    differential, _ = settle(submission, evidence, [])
    assert [c.disease_id for c in differential.considered] == ["killer-disease"]


def test_unsupported_claims_are_taken_out_and_counted(evidence: Evidence) -> None:
    bad = {**_CYST, "evidence_for": ["F1", "F9", "F3"], "passages": ["P1", "P7"]}
    differential, removed = settle(_submission(bad, _KILLER), evidence, [])
    assert removed == 3
    first = differential.diagnoses[0]
    assert first.evidence_for == ("F1",)
    assert first.passages == ("P1",)
    assert first.not_seen == ("honeycombing",)


def test_probabilities_are_scaled_and_one_disease_is_one_line(evidence: Evidence) -> None:
    twice = _submission(
        {**_CYST, "probability": 0.4}, {**_CYST, "probability": 0.4}, _KILLER, other=1.0
    )
    differential, _ = settle(twice, evidence, [])
    assert [d.disease_id for d in differential.diagnoses] == ["cyst-disease", "killer-disease"]
    assert differential.diagnoses[0].probability == pytest.approx(0.4)
    total = differential.other_probability + sum(d.probability for d in differential.diagnoses)
    assert total == pytest.approx(1)


def test_contradictions_are_named_among_the_limits(evidence: Evidence) -> None:
    differential, _ = settle(_submission(_CYST, _KILLER), evidence, ["a limit"])
    assert differential.limits[0] == "a limit"
    assert any("F2 and F3 contradict" in limit for limit in differential.limits)


def test_no_diagnosis_is_an_abstention(evidence: Evidence) -> None:
    differential, _ = settle(_submission(other=1.0), evidence, [])
    assert differential.abstained
    assert differential.other_probability == 1


def test_a_line_without_an_id_is_found_by_its_name(evidence: Evidence) -> None:
    nameless = {**_CYST, "disease_id": "", "name": "Cyst Diseases"}
    differential, removed = settle(_submission(nameless, _KILLER), evidence, [])
    assert removed == 0
    assert differential.diagnoses[0].disease_id == "cyst-disease"


def test_lines_of_one_disease_keep_the_evidence_of_both(evidence: Evidence) -> None:
    bare = {**_CYST, "probability": 0.1, "evidence_for": [], "passages": []}
    differential, _ = settle(_submission(bare, {**_CYST, "probability": 0.6}), evidence, [])
    (line,) = differential.diagnoses
    assert line.evidence_for == ("F1",)
    assert line.passages == ("P1",)


def test_what_must_not_be_missed_and_was_never_considered_is_named(evidence: Evidence) -> None:
    differential, _ = settle(_submission({**_CYST, "probability": 0.9}), evidence, [])
    assert any("killer disease must not be missed" in limit for limit in differential.limits)
