"""Which cases are drawn together."""

from __future__ import annotations

from evals.statistics.clusters import clusters


def test_one_patient_or_one_diagnosis_in_any_spelling_is_one_cluster() -> None:
    found = clusters([
        ("A", "p1", "Haemangioma of the liver"),
        ("B", "p2", "liver hemangioma"),
        ("C", "p1", "sarcoidosis"),
        ("D", "p3", "silicosis"),
        ("E", "p4", "sarcoidosis"),  # joined to B through C and A
    ])  # fmt: skip
    assert found == {"A": 0, "B": 0, "C": 0, "D": 1, "E": 0}
    assert clusters([]) == {}


def test_an_eponym_with_and_without_its_s_is_one_diagnosis() -> None:
    found = clusters([("d", "p3", "Ewing's sarcoma"), ("e", "p4", "Ewing sarcoma.")])
    assert found == {"d": 0, "e": 0}


def test_a_patient_named_like_a_diagnosis_or_a_case_joins_nothing() -> None:
    found = clusters([("lam", "x", "y"), ("b", "lam", "z"), ("c", "d", "lam")])
    assert len(set(found.values())) == 3
