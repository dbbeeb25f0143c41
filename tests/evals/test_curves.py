"""Curves of simulated patients: the common mark, and what share of the questions is needed."""

from __future__ import annotations

import numpy as np
import pytest

from evals.curves import Curve, End, needed, shares


def _curve(order: str, first: int, patients: int = 40, right: int = 20) -> Curve:
    """Half of the patients, from `first` questions on, of ten."""
    led = "0" * first + "1" * (11 - first)
    leads = tuple(led if at < right else "0" * 11 for at in range(patients))
    ends = tuple(End(probability=0.5, among_entries=0.6, is_right=row[-1] == "1") for row in leads)
    return Curve(order=order, leads=leads, ends=ends)


def test_the_mark_is_taken_from_the_lowest_end() -> None:
    high = np.array([0.1, 0.3, 0.4, 0.8])
    low = np.array([0.1, 0.2, 0.38, 0.4])
    assert needed([high, low]) == [2, 2]
    assert needed([high, high]) == [3, 3]


def test_the_share_is_that_of_the_questions_of_the_first_order() -> None:
    fast, slow = shares([_curve("fast", 3), _curve("slow", 6)])
    assert fast[0] == 1
    assert slow == pytest.approx((0.5, 0.5, 0.5))  # nobody differs, so no resample does


def test_patients_who_differ_widen_the_interval() -> None:
    mixed = _curve("mixed", 2).leads[:10] + _curve("mixed", 9).leads[10:]
    curve = Curve(order="mixed", leads=mixed, ends=_curve("mixed", 9).ends)
    _, (share, low, high) = shares([_curve("fast", 3), curve])
    assert low <= share <= high
    assert _curve("fast", 3).right[2:4] == (0, 0.5)
