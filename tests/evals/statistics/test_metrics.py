from __future__ import annotations

import pytest

from evals.statistics.metrics import figures, proportion


def test_wilson_interval_of_none_in_fifty_ends_at_seven_percent() -> None:
    none = proportion(0, 50)
    assert none.low == 0
    assert none.high == pytest.approx(0.0713, abs=5e-5)  # z^2 / (n + z^2) = 3.8415 / 53.8415


def test_wilson_interval_of_five_in_ten_is_symmetric() -> None:
    half = proportion(5, 10)
    assert half.low == pytest.approx(0.2366, abs=5e-5)  # 0.5 -+ 0.2634
    assert half.high == pytest.approx(0.7634, abs=5e-5)


def test_top_k_and_mrr_keep_every_miss_in_the_denominator() -> None:
    found = figures([1, 3, None, 11])
    assert {k: p.count for k, p in found.top.items()} == {1: 1, 3: 2, 5: 2, 10: 2}
    assert {p.n for p in found.top.values()} == {4}
    assert found.mrr == pytest.approx((1 + 1 / 3 + 0 + 1 / 11) / 4)


def test_a_proportion_prints_its_counts_and_interval() -> None:
    assert str(proportion(0, 50)) == "0/50 0.0% [0.0, 7.1]"


def test_no_case_has_no_figures() -> None:
    with pytest.raises(ValueError, match="at least one case"):
        figures([])
