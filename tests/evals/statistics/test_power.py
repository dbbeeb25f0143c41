"""Power of the exact test, against every table there is, and the protocol's numbers."""

from __future__ import annotations

from math import comb

import pytest

from evals.statistics.power import (
    cases_needed,
    detectable_difference,
    main,
    mcnemar_p,
    mcnemar_power,
    splits,
)


@pytest.mark.parametrize(("n", "a", "b"), [(14, 0.5, 0.06), (14, 0.3, 0.3), (9, 1.0, 0.0)])
def test_power_is_the_chance_of_all_tables_that_are_rejected(n: int, a: float, b: float) -> None:
    rejected = sum(
        comb(n, x) * comb(n - x, y) * a**x * b**y * (1 - a - b) ** (n - x - y)
        for x in range(n + 1)
        for y in range(n + 1 - x)
        if mcnemar_p(x, y) <= 0.05
    )
    assert mcnemar_power(n, a, b) == pytest.approx(rejected, abs=1e-9)


def test_arms_that_are_right_independently_need_the_protocols_numbers() -> None:
    assert cases_needed(0.7 * 0.8, 0.2 * 0.3) == 19  # 20 -> 70
    assert cases_needed(0.7 * 0.4, 0.6 * 0.3) == 377  # 60 -> 70
    assert [cases_needed(0.5, 0.0), cases_needed(0.1, 0.0)] == [15, 78]  # right on the same cases
    assert mcnemar_power(377, 0.28, 0.18) >= 0.8 > mcnemar_power(376, 0.28, 0.18)


def test_six_pairs_one_way_are_the_fewest_that_can_be_significant() -> None:
    assert mcnemar_p(5, 0) == pytest.approx(0.0625)
    assert mcnemar_p(6, 0) == pytest.approx(0.03125)
    assert mcnemar_p(1, 6) == pytest.approx(0.125)
    assert cases_needed(1.0, 0.0) == 6


def test_two_and_seven_of_ten_can_come_about_in_three_ways() -> None:
    assert list(splits(10, 2, 7)) == [(0, 5), (1, 6), (2, 7)]
    assert list(splits(10, 8, 7)) == [(1, 0), (2, 1), (3, 2)]


def test_the_detectable_difference_is_found_as_often_as_asked_and_a_smaller_one_less() -> None:
    found = detectable_difference(325, 0.2)
    assert found is not None
    assert mcnemar_power(325, (0.2 + found) / 2, (0.2 - found) / 2) == pytest.approx(0.8, abs=1e-3)
    # Miettinen's approximation: (1.96 sqrt(0.2) + 0.84 sqrt(0.2 - d^2)) / sqrt(325) = d at 0.0692.
    assert found == pytest.approx(0.0692, abs=0.005)


def test_too_few_discordant_pairs_can_show_nothing() -> None:
    assert detectable_difference(10, 0.3) is None
    assert detectable_difference(325, 0.0) is None


@pytest.mark.parametrize(("a", "b"), [(0.0, 0.0), (0.7, 0.4), (-0.1, 0.2)])
def test_chances_that_cannot_be_are_refused(a: float, b: float) -> None:
    with pytest.raises(ValueError, match="chances"):
        mcnemar_power(10, a, b)


def test_no_number_of_cases_tells_equal_arms_apart() -> None:
    with pytest.raises(ValueError, match="same share"):
        cases_needed(0.2, 0.2)


def test_the_command_tells_cases_power_and_what_can_come_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--share", "0.2", "--share-other", "0.7", "--cases", "10"]) == 0
    said = capsys.readouterr().out
    for told in ("19", "36%", "2 of 10 against 7 of 10", "0.0625", "0.125", "0.1797"):
        assert told in said


@pytest.mark.parametrize(
    "wrong",
    [["--share-other", "0.2"], ["--share-other", "20"], ["--share-other", "0.7", "--cases", "0"]],
)
def test_an_argument_that_does_not_fit_is_code_2(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--share", "0.2", *wrong])
    assert caught.value.code == 2
