"""Ranking by evidence, worked by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from knowledge.entry import Entry
from knowledge.ranking.evidence import Observation, Ranking
from knowledge.ranking.rank import Ranker
from knowledge.ranking.scope import scope_of
from knowledge.ranking.trust import default_trust
from knowledge.vocabulary import Vocabulary
from tests.knowledge.conftest import entry


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
    ranking = Ranker(small_entries, small_vocabulary).rank([_seen("crazy-paving")])
    sensitivity, specificity = default_trust().of("report")
    disease = sensitivity * 0.9 + (1 - specificity) * 0.1
    other = sensitivity * 0.01 + (1 - specificity) * 0.99
    expected = math.log(disease / other)
    assert _weight(ranking, "paving-disease", "F1") == pytest.approx(expected)


def test_two_observations_of_one_id_are_refused(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    """The one would take the other's place among the contributions, and "other" count both."""
    with pytest.raises(ValueError, match="an id of its own, got 'F1', 'F1'"):
        Ranker(small_entries, small_vocabulary).rank(
            [_seen("crazy-paving"), _seen("pleural-effusion")]
        )


def test_posterior_and_other_sum_to_one(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranking = Ranker(small_entries, small_vocabulary).rank([_seen("thin-walled-cysts")])
    total = ranking.other_probability + sum(r.probability for r in ranking.ranked)
    assert total == pytest.approx(1)
    assert ranking.ranked[0].disease_id == "cyst-disease"


def test_a_term_that_an_entry_does_not_list_is_neutral(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranking = Ranker(small_entries, small_vocabulary).rank(
        [_seen("pleural-effusion", present=False)]
    )
    assert _weight(ranking, "cyst-disease", "F1") == 0


def test_an_absent_obligate_finding_speaks_against(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranking = Ranker(small_entries, small_vocabulary).rank(
        [_seen("thin-walled-cysts", present=False)]
    )
    assert _weight(ranking, "cyst-disease", "F1") < -1.5


def test_a_narrow_listed_term_implies_the_broad_one(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranking = Ranker(small_entries, small_vocabulary).rank([_seen("lung-cysts")])
    assert _weight(ranking, "cyst-disease", "F1") > 1


def test_a_broad_listed_term_speaks_for_a_narrower_one_by_its_share(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    often = entry(
        "cysts-of-any-wall", {"lung-cysts": 0.8, "honeycombing": 0.1, "crazy-paving": 0.1}
    )
    ranking = Ranker({often.id: often}, small_vocabulary).rank([_seen("thin-walled-cysts")])
    assert _weight(ranking, often.id, "F1") > 1


def test_a_family_is_weighed_over_its_states(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    """Worked by hand: no cysts, cysts that are not thin-walled, thin-walled ones."""
    ranking = Ranker(small_entries, small_vocabulary).rank(
        [_seen("lung-cysts"), _seen("thin-walled-cysts", present=False, id_="F2")]
    )
    sensitivity, specificity = default_trust().of("report")

    def whole(broad: float, narrow: float) -> float:
        return (
            (1 - broad) * (1 - specificity) * specificity
            + (broad - narrow) * sensitivity * specificity
            + narrow * sensitivity * (1 - sensitivity)
        )

    told = _weight(ranking, "cyst-disease", "F1") + _weight(ranking, "cyst-disease", "F2")
    assert told == pytest.approx(math.log(whole(0.9, 0.9) / whole(0.05, 0.02)))


def test_kin_terms_do_not_count_twice(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    alone = Ranker(small_entries, small_vocabulary).rank([_seen("thin-walled-cysts")])
    both = Ranker(small_entries, small_vocabulary).rank(
        [_seen("thin-walled-cysts"), _seen("lung-cysts", id_="F2")],
    )
    assert _weight(both, "cyst-disease", "F1") == _weight(alone, "cyst-disease", "F1")
    single = Ranker(small_entries, small_vocabulary).rank([_seen("lung-cysts", id_="F2")])
    second, in_full = _weight(both, "cyst-disease", "F2"), _weight(single, "cyst-disease", "F2")
    assert 0 < second < 0.5 * in_full


def test_a_weak_model_moves_the_ledger_less_than_a_measurement(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    weights = [
        _weight(
            Ranker(small_entries, small_vocabulary).rank([_seen("crazy-paving", source=source)]),
            "paving-disease",
            "F1",
        )
        for source in ("vision", "measurement")
    ]
    assert 0 < 4 * weights[0] < weights[1]


def test_sex_and_age_count_when_known(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    woman = Ranker(small_entries, small_vocabulary).rank([], age_years=35, sex="female")
    old_man = Ranker(small_entries, small_vocabulary).rank([], age_years=85, sex="male")
    assert woman.ranked[0].disease_id == "cyst-disease"
    assert _weight(old_man, "cyst-disease", "sex") == pytest.approx(math.log(0.1))
    assert _weight(old_man, "cyst-disease", "age") == pytest.approx(math.log(0.15))


def test_a_clinical_term_of_the_history_speaks_for_unless_denied(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    source = "history: tuberous sclerosis"
    told = Ranker(small_entries, small_vocabulary).rank([], history="Known tuberous sclerosis.")
    denied = Ranker(small_entries, small_vocabulary).rank([], history="No tuberous sclerosis.")
    assert _weight(told, "cyst-disease", source) > 0
    assert _weight(denied, "cyst-disease", source) == 0


def test_without_evidence_nothing_stands_out(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranking = Ranker(small_entries, small_vocabulary).rank([])
    assert [r.probability for r in ranking.ranked] == pytest.approx([0.25, 0.25, 0.25])
    assert ranking.other_probability == pytest.approx(0.25)


def test_words_that_an_entry_shares_speak_for_it_and_are_named(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranker = Ranker(small_entries, small_vocabulary)
    ranking = ranker.rank([], text="paving of a fluid")
    best = ranking.ranked[0]
    assert best.disease_id in {"paving-disease", "fluid-disease"}
    (words,) = (c for c in best.contributions if c.source.startswith("words: "))
    assert words.log_ratio > 0
    assert words.source.removeprefix("words: ") in {"paving", "fluid"}


def test_a_finding_whose_words_count_as_well_counts_less(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    ranker = Ranker(small_entries, small_vocabulary)
    seen = [_seen("crazy-paving")]
    alone, beside = ranker.rank(seen), ranker.rank(seen, text="crazy paving")
    measured = [_seen("crazy-paving", source="measurement")]
    assert 0 < _weight(beside, "paving-disease", "F1") < _weight(alone, "paving-disease", "F1")
    assert _weight(ranker.rank(measured, text="crazy paving"), "paving-disease", "F1") == (
        _weight(ranker.rank(measured), "paving-disease", "F1")
    )


def test_what_the_study_can_show_counts(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    elsewhere = entry(
        "brain-disease",
        {"crazy-paving": 0.9, "pleural-effusion": 0.1, "honeycombing": 0.05},
        system="neuro",
    )
    ranker = Ranker({**small_entries, elsewhere.id: elsewhere}, small_vocabulary)
    seen = [_seen("crazy-paving")]
    assert [r.probability for r in ranker.rank(seen).ranked][:2] == pytest.approx(
        [0.43] * 2, abs=0.1
    )
    chest = ranker.rank(seen, scope=scope_of(["chest"], ["CT"]))
    assert chest.ranked[0].disease_id == "paving-disease"
    assert _weight(chest, "brain-disease", "study") < 0 < _weight(chest, "paving-disease", "study")


def test_without_entries_all_is_other(small_vocabulary: Vocabulary) -> None:
    assert Ranker({}, small_vocabulary).rank([_seen("lung-cysts")]).other_probability == 1


def test_what_is_shown_adds_up_to_the_posterior(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    common = entry(
        "common-disease",
        {"crazy-paving": 0.5, "pleural-effusion": 0.1, "honeycombing": 0.05},
        rarity="common",
    )
    ranker = Ranker({**small_entries, common.id: common}, small_vocabulary)
    ranking = ranker.rank(
        [_seen("crazy-paving"), _seen("pleural-effusion", present=False, id_="F2")],
        history="Known tuberous sclerosis.", text="paving and fluid", age_years=35, sex="female",
        scope=scope_of(["chest"], ["CT"]),
    )  # fmt: skip
    ln = [
        math.log(r.probability) - sum(c.log_ratio for c in r.contributions) for r in ranking.ranked
    ]
    assert ln == pytest.approx([ln[0]] * 4, abs=0.2)  # contributions under 0.05 are left out
