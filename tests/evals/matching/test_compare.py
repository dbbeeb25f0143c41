from __future__ import annotations

import pytest

from evals.matching.level import Level
from evals.matching.levels import judge
from evals.truth import Truth
from tests.evals.matching.names_of_diseases import BROADER, COMPONENT, NARROWER, NOT_RIGHT, SAME


@pytest.mark.parametrize(("item", "truth"), SAME)
def test_one_disease_by_other_words_is_exact(item: str, truth: str) -> None:
    assert judge(item, Truth(primary=truth)).is_exact
    assert judge(truth, Truth(primary=item)).is_exact or "vs" in item


@pytest.mark.parametrize(("item", "truth"), NARROWER)
def test_a_kind_or_a_place_of_the_truth_is_narrower(item: str, truth: str) -> None:
    assert judge(item, Truth(primary=truth)) is Level.L2


@pytest.mark.parametrize(("item", "truth"), NARROWER)
def test_what_is_wider_than_the_truth_is_never_right(item: str, truth: str) -> None:
    assert not judge(truth, Truth(primary=item)).is_right


@pytest.mark.parametrize(("item", "truth"), NOT_RIGHT)
def test_look_alikes_are_never_right(item: str, truth: str) -> None:
    assert not judge(item, Truth(primary=truth)).is_right


@pytest.mark.parametrize(("item", "truth"), BROADER)
def test_the_truth_without_a_qualifier_is_broader(item: str, truth: str) -> None:
    assert judge(item, Truth(primary=truth)) is Level.L3


@pytest.mark.parametrize(("item", "truth"), COMPONENT)
def test_a_part_of_what_goes_together_is_a_component(item: str, truth: str) -> None:
    assert judge(item, Truth(primary=truth)) is Level.L4
