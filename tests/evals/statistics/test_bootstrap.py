"""The bootstrap over clusters, against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from evals.statistics.bootstrap import Resample

_CLUSTERS = [0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11]
_VALUES = np.array([1, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0.5, 0.2, 0, 1])


def test_the_interval_of_a_mean_over_clusters_is_scipys() -> None:
    sums = np.bincount(_CLUSTERS, _VALUES)
    sizes = np.bincount(_CLUSTERS).astype(float)
    by_scipy = scipy.stats.bootstrap(
        (sums, sizes),
        lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis),
        paired=True, vectorized=True, n_resamples=20_000, method="percentile", rng=1,
    ).confidence_interval  # fmt: skip
    ours = Resample(_CLUSTERS, draws=20_000).estimate(_VALUES)
    assert ours.value == pytest.approx(_VALUES.mean())
    assert [ours.low, ours.high] == pytest.approx([by_scipy.low, by_scipy.high], abs=0.01)


def test_clusters_widen_the_interval_of_what_they_share() -> None:
    values = np.repeat([0.0, 1.0], 20)
    alone = Resample(range(40)).estimate(values)
    together = Resample(np.repeat(range(8), 5).tolist()).estimate(values)
    # Standard errors by hand: sqrt(0.25 / 40) = 0.079, and sqrt(0.25 / 8) = 0.177.
    assert (alone.high - alone.low) / (2 * 1.96) == pytest.approx(0.079, abs=0.006)
    assert (together.high - together.low) / (2 * 1.96) == pytest.approx(0.177, abs=0.02)


def test_several_figures_are_drawn_together_and_again_the_same() -> None:
    table = np.column_stack([_VALUES, 1 - _VALUES])
    first, second = Resample(_CLUSTERS).means(table), Resample(_CLUSTERS).means(table)
    assert np.array_equal(first, second)
    assert first.shape == (10_000, 2)
    assert np.allclose(first.sum(axis=1), 1)


def test_the_numbers_of_the_clusters_do_not_matter() -> None:
    renamed = [7 * cluster + 3 for cluster in _CLUSTERS]
    assert Resample(renamed).estimate(_VALUES) == Resample(_CLUSTERS).estimate(_VALUES)


def test_no_case_gives_no_interval() -> None:
    with pytest.raises(ValueError, match="at least one case"):
        Resample([])
