"""Ranking by evidence, worked by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from knowledge.entry import Entry
from knowledge.rank import TRUST, Observation, Ranking, rank
from knowledge.vocabulary import Vocabulary


def _seen(
    term: str, *, present: bool = True, source: str = "report", id_: str = "F1"
) -> Observation:
    return Observation(id=id_, term=term, present=present, certainty=1.0, source=source)


def _weight(ranking: Ranking, disease: str, source: str) -> float:
    (ranked,) = (r for r in ranking.ranked if r.disease_id == disease)
    return next((c.log_ratio for c in ranked.contributions if c.source == source), 0.0)


def test_the_likelihood_ratio_is_that_of_the_formula(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranking = rank(small_entries, small_vocabulary, [_seen("crazy-paving")])
    sensitivity, specificity = TRUST["report"]
    disease = sensitivity * 0.9 + (1 - specificity) * 0.1
    other = sensitivity * 0.01 + (1 - specificity) * 0.99
    expected = math.log(disease / other)
    assert _weight(ranking, "paving-disease", "F1") == pytest.approx(expected)


def test_posterior_and_other_sum_to_one(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranking = rank(small_entries, small_vocabulary, [_seen("thin-walled-cysts")])
    total = ranking.other_probability + sum(r.probability for r in ranking.ranked)
    assert total == pytest.approx(1)
    assert ranking.ranked[0].disease_id == "cyst-disease"


def test_a_term_that_an_entry_does_not_list_is_neutral(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranking = rank(small_entries, small_vocabulary, [_seen("pleural-effusion", present=False)])
    assert _weight(ranking, "cyst-disease", "F1") == 0


def test_an_absent_obligate_finding_speaks_against(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranking = rank(small_entries, small_vocabulary, [_seen("thin-walled-cysts", present=False)])
    assert _weight(ranking, "cyst-disease", "F1") < -1.5


def test_a_narrow_listed_term_implies_the_broad_one(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranking = rank(small_entries, small_vocabulary, [_seen("lung-cysts")])
    assert _weight(ranking, "cyst-disease", "F1") > 1


def test_kin_terms_do_not_count_twice(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    alone = rank(small_entries, small_vocabulary, [_seen("thin-walled-cysts")])
    both = rank(
        small_entries,
        small_vocabulary,
        [_seen("thin-walled-cysts"), _seen("lung-cysts", id_="F2")],
    )
    assert _weight(both, "cyst-disease", "F1") == _weight(alone, "cyst-disease", "F1")
    single = rank(small_entries, small_vocabulary, [_seen("lung-cysts", id_="F2")])
    second, in_full = _weight(both, "cyst-disease", "F2"), _weight(single, "cyst-disease", "F2")
    assert 0 < second < 0.5 * in_full


def test_a_weak_model_moves_the_ledger_less_than_a_measurement(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    weights = [
        _weight(
            rank(small_entries, small_vocabulary, [_seen("crazy-paving", source=source)]),
            "paving-disease",
            "F1",
        )
        for source in ("vision", "measurement")
    ]
    assert 0 < 4 * weights[0] < weights[1]


def test_sex_and_age_count_when_known(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    woman = rank(small_entries, small_vocabulary, [], age_years=35, sex="female")
    old_man = rank(small_entries, small_vocabulary, [], age_years=85, sex="male")
    assert woman.ranked[0].disease_id == "cyst-disease"
    assert _weight(old_man, "cyst-disease", "sex") == pytest.approx(math.log(0.1))
    assert _weight(old_man, "cyst-disease", "age") == pytest.approx(math.log(0.15))


def test_a_clinical_term_of_the_history_speaks_for_unless_denied(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    source = "history: tuberous sclerosis"
    told = rank(small_entries, small_vocabulary, [], history="Known tuberous sclerosis.")
    denied = rank(small_entries, small_vocabulary, [], history="No tuberous sclerosis.")
    assert _weight(told, "cyst-disease", source) > 0
    assert _weight(denied, "cyst-disease", source) == 0


def test_without_evidence_nothing_stands_out(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranking = rank(small_entries, small_vocabulary, [])
    assert [r.probability for r in ranking.ranked] == pytest.approx([0.25, 0.25, 0.25])
    assert ranking.other_probability == pytest.approx(0.25)
