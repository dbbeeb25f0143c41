"""Repeats, by hand and against a mixed model of statsmodels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from evals.statistics.contrasts import Ranks, Side
from evals.statistics.repeats import Repeats, repeats

SIDE = Side(arm="agent", view="V3")


def of(outcomes: list[list[int]]) -> Repeats:
    """From 0 or 1 by case, then run."""
    by_seed: dict[int, Ranks] = {
        seed: {f"c{i}": 1 if row[seed] else None for i, row in enumerate(outcomes)}
        for seed in range(len(outcomes[0]))
    }
    return repeats(SIDE, by_seed, {f"c{i}": i for i in range(len(outcomes))}, (2000, 1))


def test_variance_is_taken_apart_as_by_hand() -> None:
    found = of([[1, 1, 1], [0, 0, 0], [1, 0, 0], [1, 1, 0]])
    assert found.shares == (0.75, 0.5, 0.25)
    assert found.mean.value == pytest.approx(0.5)
    assert found.run_sd == pytest.approx(0.25)
    # Within the cases: 0, 0, 1/3, 1/3. Their means 1, 0, 1/3, 2/3 vary by 5/27.
    assert found.within_cases == pytest.approx(1 / 6)
    assert found.between_cases == pytest.approx(5 / 27 - 1 / 18)
    assert found.run_share == pytest.approx((1 / 6) / (1 / 6 + 7 / 54))
    assert found.case_sd == pytest.approx((7 / 54 / 4) ** 0.5)
    assert (found.changing.count, found.changing.n) == (2, 4)


def test_the_components_are_those_of_a_random_effects_model() -> None:
    pick = np.random.default_rng(3)
    chance = pick.beta(0.5, 0.5, 60)
    outcomes = (pick.random((60, 4)) < chance[:, None]).astype(int)
    found = of(outcomes.tolist())
    flat = outcomes.ravel().astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MixedLM(flat, np.ones((240, 1)), np.repeat(np.arange(60), 4)).fit(reml=True)
    assert found.between_cases == pytest.approx(float(model.cov_re[0, 0]), rel=1e-3)
    assert found.within_cases == pytest.approx(float(model.scale), rel=1e-3)


def test_runs_that_agree_have_no_variance_of_their_own() -> None:
    found = of([[1, 1], [0, 0], [1, 1]])
    assert (found.run_sd, found.within_cases, found.run_share) == (0, 0, 0)
    assert found.changing.count == 0
    assert of([[1, 1], [1, 1]]).run_share is None


def test_cases_that_a_repeat_lacks_are_left_out_and_counted() -> None:
    runs: dict[int, Ranks] = {0: {"a": 1, "b": 1, "c": 1}, 5: {"a": 1, "b": None}}
    found = repeats(SIDE, runs, {"a": 0, "b": 1, "c": 2}, (100, 1))
    assert (found.seeds, found.n, found.apart, found.shares) == ((0, 5), 2, 1, (1.0, 0.5))
    with pytest.raises(ValueError, match="two runs and two cases"):
        repeats(SIDE, {0: {"a": 1, "b": 1}}, {"a": 0, "b": 1}, (100, 1))
