"""Contrasts, against statsmodels and by hand."""

from __future__ import annotations

import pytest
from statsmodels.stats.contingency_tables import mcnemar

from evals.statistics.contrasts import (
    Contrast,
    Pair,
    Ranks,
    Side,
    compare,
    holm,
    planned,
    read_contrast,
)
from tools.errors import UserError

A, B = Side(arm="a", view="V3"), Side(arm="b", view="V3")


def contrast(both: int, only_a: int, only_b: int, neither: int) -> Contrast:
    outcomes = [(1, 1)] * both + [(1, None)] * only_a + [(2, 1)] * only_b + [(None, None)] * neither
    a: Ranks = {f"c{i}": first for i, (first, _) in enumerate(outcomes)}
    b: Ranks = {f"c{i}": second for i, (_, second) in enumerate(outcomes)}
    return compare((A, B), a, b, {case: i for i, case in enumerate(a)}, (2000, 1))


def pairs(found: tuple[Pair, ...]) -> list[str]:
    return [f"{a}:{b}" for a, b in found]


@pytest.mark.parametrize(
    ("cells", "p"), [((2, 5, 0, 3), 0.0625), ((1, 6, 1, 2), 0.125), ((4, 0, 0, 6), 1.0)]
)
def test_the_p_of_few_discordant_pairs_is_that_worked_by_hand(
    cells: tuple[int, int, int, int], p: float
) -> None:
    found = contrast(*cells)
    assert found.p_exact == pytest.approx(p)  # 2 / 2^5; 2 (1 + 7) / 2^7
    assert (found.both, found.only_a, found.only_b, found.neither) == cells
    assert found.n == 10


@pytest.mark.parametrize("cells", [(30, 21, 9, 40), (5, 1, 14, 2), (0, 8, 8, 0)])
def test_the_p_is_statsmodels(cells: tuple[int, int, int, int]) -> None:
    both, only_a, only_b, neither = cells
    table = [[both, only_a], [only_b, neither]]
    assert contrast(*cells).p_exact == pytest.approx(mcnemar(table, exact=True).pvalue)


def test_the_difference_has_the_interval_of_paired_outcomes() -> None:
    found = contrast(30, 21, 9, 40)
    assert found.difference.value == pytest.approx(0.12)
    # Wald's standard error of a paired difference: sqrt((30 - 12^2 / 100) / 100^2) = 0.0534.
    assert found.difference.low == pytest.approx(0.12 - 1.96 * 0.0534, abs=0.012)
    assert found.difference.high == pytest.approx(0.12 + 1.96 * 0.0534, abs=0.012)
    assert (found.right_a.count, found.right_b.count) == (51, 39)
    assert found.mrr_difference.value == pytest.approx((21 - 9 + 9 / 2) / 100)
    assert found.detectable is not None


def test_cases_of_one_side_alone_are_left_out_and_counted() -> None:
    a: Ranks = {"x": 1, "y": 1, "z": None}
    b: Ranks = {"y": None, "z": 1, "w": 1}
    found = compare((A, B), a, b, {"x": 0, "y": 1, "z": 2, "w": 3}, (100, 1))
    assert (found.n, found.apart, found.only_a, found.only_b) == (2, 2, 1, 1)
    with pytest.raises(ValueError, match="no case in common"):
        compare((A, B), {"x": 1}, {"w": 1}, {"x": 0, "w": 1}, (100, 1))


def test_holm_steps_down_by_hand() -> None:
    # 5:0, 6:0, 9:0 give 0.0625, 0.03125, 0.00390625; times 1, 2, 3.
    family = holm([contrast(0, 5, 0, 9), contrast(0, 6, 0, 9), contrast(0, 9, 0, 9)])
    assert [c.p_holm for c in family] == pytest.approx([0.0625, 0.0625, 0.01171875])
    assert {c.family for c in family} == {3}
    assert holm([]) == ()


def test_the_family_is_the_registered_pairs_that_ran_whatever_came_out() -> None:
    sides = [Side(arm=a, view=v) for v in ("V1", "V3") for a in ("prior", "offline", "bm25")]
    sides.remove(Side(arm="bm25", view="V1"))
    assert pairs(planned(sides)) == [
        "offline V1:prior V1", "offline V3:bm25 V3", "offline V3:prior V3",
    ]  # fmt: skip


def test_an_arm_that_looks_is_held_against_itself_with_another_cases_images() -> None:
    sides = [Side(arm=a, view=v) for v in ("V2", "V2x") for a in ("agent", "planner-alone")]
    assert pairs(planned(sides)) == [
        "agent V2:planner-alone V2", "agent V2x:planner-alone V2x", "agent V2:agent V2x",
    ]  # fmt: skip


def test_an_arm_that_no_list_knows_meets_every_other_arm() -> None:
    sides = [Side(arm=a, view="V1") for a in ("offline", "prior", "mine")]
    assert pairs(planned(sides)) == [
        "offline V1:prior V1", "offline V1:mine V1", "prior V1:mine V1",
    ]  # fmt: skip


def test_a_person_names_pairs_by_arm_or_by_arm_and_view() -> None:
    sides = [Side(arm=a, view=v) for v in ("V1", "V3") for a in ("a", "b")]
    assert pairs(read_contrast("b:a", sides)) == ["b V1:a V1", "b V3:a V3"]
    assert pairs(read_contrast("a@V3:a@V1", sides)) == ["a V3:a V1"]
    for wrong in ("a", "a:c", "a:a", "a@V2:b@V2", "a:b:a", "a@V1:b", ""):
        with pytest.raises(UserError, match="takes A:B or A@VIEW:B@VIEW of a@V1, b@V1"):
            read_contrast(wrong, sides)
