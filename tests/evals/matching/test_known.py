from __future__ import annotations

from evals.matching.known import Disease, know
from evals.matching.level import Level
from evals.matching.levels import judge, judge_list
from evals.truth import Truth

WINE = Disease(id="a", names=("alpha vasculitis", "Alder disease"), narrower=("red alpha",))
KIND = Disease(id="b", names=("alder nodes",), parents=frozenset({"a"}))
GRANDCHILD = Disease(id="c", names=("small alder nodules",), parents=frozenset({"b"}))
KNOWN = (know([WINE, KIND, GRANDCHILD]),)


def level(item: str, truth: str, **more: tuple[str, ...]) -> Level:
    return judge(item, Truth(primary=truth, **more), KNOWN)


def test_exact_names_of_one_disease_are_exact() -> None:
    assert level("Alder's disease", "alpha vasculitis") is Level.L1
    assert level("Left Alder disease", "alpha vasculitis") is Level.L2  # no paired organ


def test_a_kind_by_name_or_by_descent_is_narrower() -> None:
    assert level("red alpha", "Alder disease") is Level.L2
    assert level("alder nodes", "Alder disease") is Level.L2
    assert level("small alder nodules", "Alder disease") is Level.L2
    assert level("chronic Alder disease", "alpha vasculitis") is Level.L2


def test_only_a_direct_parent_is_broader() -> None:
    assert level("alder nodes", "small alder nodules") is Level.L3
    assert level("Alder disease", "red alpha") is Level.L3
    assert level("Alder disease", "small alder nodules") is Level.DIFFERENT


def test_the_other_side_is_not_accepted_whatever_is_known() -> None:
    both = (know([Disease(id="x", names=("left beta hernia", "right beta hernia"))]),)
    assert judge("left beta hernia", Truth(primary="right beta hernia"), both) is Level.DIFFERENT


def test_a_short_curated_abbreviation_opens_no_other_disease() -> None:
    leukemia = (know([Disease(id="l", names=("acute myeloid leukemia", "AML"))]),)
    truth = Truth(primary="fatty kidney tumor", synonyms=("AML",))
    assert judge("AML", truth, leukemia) is Level.L1
    assert judge("acute myeloid leukemia", truth, leukemia) is Level.DIFFERENT


def test_a_broader_curated_synonym_opens_no_other_kind() -> None:
    truth = Truth(primary="small bowel lipoma", synonyms=("lipoma",))
    assert judge("Lipoma", truth) is Level.L1
    assert judge("Lipoma of the corpus callosum", truth) is Level.DIFFERENT
    assert judge("Jejunal lipoma", truth) is Level.L2


def test_names_of_one_disease_collapse_only_where_that_is_known() -> None:
    names = [
        "alpha vasculitis",
        "Alder disease",
        "gamma",
        "left gamma nodule",
        "right gamma nodule",
    ]
    truth = Truth(primary="right gamma nodule")
    assert judge_list(names, truth).rank == 5
    assert judge_list(names, truth, KNOWN).rank == 4
