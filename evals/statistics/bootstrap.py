"""Bootstrap over clusters of cases: percentile 95 % intervals of figures that are means over cases.

Cases of one patient or one diagnosis are drawn together. A draw is a count for each cluster, so
every figure of the same cases is one matrix product with the same draws, which also keeps two arms
paired: they are resampled on the same cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
SEED = 5

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A figure with its bootstrap 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Resample:
    """The draws over the clusters of some cases."""

    def __init__(self, clusters: Sequence[int], draws: int = DRAWS, seed: int = SEED) -> None:
        """Draw.

        Args:
            clusters: Of each case, in the order in which values will come; any numbers.
            draws: Resamples.
            seed: The same seed and clusters give the same draws.

        Raises:
            ValueError: If there is no case.
        """
        if not len(clusters):
            raise ValueError("a bootstrap needs at least one case, got none")
        _, self._cluster = np.unique(np.asarray(clusters), return_inverse=True)
        self.clusters = int(self._cluster.max()) + 1
        self._weights = _drawn(self.clusters, draws, seed)
        self._sizes = self._weights @ self._sums(np.ones((len(clusters), 1)))[:, 0]

    def means(self, values: Values) -> Values:
        """The mean over cases in every draw.

        Args:
            values: (cases,) or (cases, figures).

        Returns:
            (draws,) or (draws, figures).
        """
        table = values.reshape(len(values), -1)
        drawn = self._weights @ self._sums(table) / self._sizes[:, None]
        return drawn if values.ndim > 1 else drawn[:, 0]

    def estimates(self, values: Values) -> list[Estimate]:
        """The mean of every column with its interval.

        Args:
            values: (cases, figures).
        """
        low, high = np.percentile(self.means(values), [2.5, 97.5], axis=0)
        return [
            Estimate(value=float(v), low=float(a), high=float(b))
            for v, a, b in zip(values.mean(axis=0), low, high, strict=True)
        ]

    def estimate(self, values: Values) -> Estimate:
        """The mean with its interval.

        Args:
            values: (cases,)
        """
        return self.estimates(values[:, None])[0]

    def _sums(self, table: Values) -> Values:
        """(clusters, figures) from (cases, figures)."""
        sums = np.zeros((self.clusters, table.shape[1]))
        np.add.at(sums, self._cluster, table)
        return sums


@lru_cache(maxsize=4)
def _drawn(clusters: int, draws: int, seed: int) -> Values:
    """(draws, clusters) how often each cluster is in a draw; kept, since arms share their cases."""
    pick = np.random.default_rng(seed)
    chosen = pick.integers(0, clusters, (draws, clusters))
    chosen += np.arange(draws)[:, None] * clusters
    counts = np.bincount(chosen.ravel(), minlength=draws * clusters)
    return np.asarray(counts.reshape(draws, clusters), dtype=np.float64)
