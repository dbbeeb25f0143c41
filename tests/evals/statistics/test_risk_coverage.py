"""Risk and coverage by hand."""

from __future__ import annotations

import numpy as np
import pytest

from evals.statistics.calibration import Leads
from evals.statistics.risk_coverage import risk_coverage


def test_the_curve_and_its_area_are_those_worked_by_hand() -> None:
    leads = Leads(np.array([0.3, 0.9, 0.6, 0.8]), np.array([0.0, 1, 1, 0]), without=1)
    curve = risk_coverage(leads)
    assert [p.threshold for p in curve.points] == [0.9, 0.8, 0.6, 0.3]
    assert [p.coverage for p in curve.points] == [0.2, 0.4, 0.6, 0.8]  # of all five
    assert [(p.right.count, p.right.n) for p in curve.points] == [(1, 1), (1, 2), (2, 3), (2, 4)]
    assert (curve.n, curve.answered) == (5, 4)
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert curve.area_by_chance == 0.5
    assert curve.area_at_best == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)


def test_equal_probabilities_count_as_every_order_of_them() -> None:
    probabilities = np.array([0.9, 0.5, 0.5, 0.5])
    curve = risk_coverage(Leads(probabilities, np.array([1.0, 0, 0, 1])))
    assert [p.threshold for p in curve.points] == [0.9, 0.5]
    # Two of the three ties are wrong: 0, 2/3, 4/3 and 2 mistakes are expected among the first k.
    assert curve.area == pytest.approx((0 + 2 / 3 / 2 + 4 / 3 / 3 + 2 / 4) / 4)
    flat = risk_coverage(Leads(np.full(4, 0.5), np.array([1.0, 0, 0, 1])))
    assert flat.area == pytest.approx(flat.area_by_chance)


def test_certainty_that_puts_right_before_wrong_reaches_the_best_area() -> None:
    curve = risk_coverage(Leads(np.array([0.9, 0.8, 0.2, 0.1]), np.array([1.0, 1, 0, 0])))
    assert curve.area == pytest.approx(curve.area_at_best)
