"""Curves: how often the right disease leads after so many questions, by the order of asking.

Orders are held against one another at a top-1 that all of them reach: 95 % of the lowest of their
ends. An order that ends higher gets no harder mark to reach for it, nor an easier one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from evals.statistics.metrics import proportion

REACHED = 0.95
_DRAWS = 1000
_SEED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """The leading disease after the last question: its probability, and whether it is the one.

    Attributes:
        probability: As the ranking tells it, "other" diseases counted in.
        among_entries: The same were it known that the disease has an entry, as a simulated one has.
    """

    probability: float
    among_entries: float
    is_right: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """What one order of questions reached.

    Attributes:
        leads: Patient by patient, "1" for every count of questions, from none on, after which its
            disease leads, else "0".
        ends: Patient by patient.
    """

    order: str
    leads: tuple[str, ...]
    ends: tuple[End, ...]

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(patients, questions + 1) 1.0 where the disease leads."""
        return np.array([[float(c) for c in row] for row in self.leads])

    @property
    def right(self) -> tuple[float, ...]:
        """(questions + 1,) share of the patients whose disease leads after so many questions."""
        return tuple(self.matrix.mean(axis=0).tolist())


def questions_to(right: NDArray[np.float64], share: float) -> int:
    """The first count of questions at which the share is reached, which its end must be."""
    return int(np.argmax(right >= share - 1e-12))


def needed(rights: Sequence[NDArray[np.float64]]) -> list[int]:
    """By order, the questions to 95 % of the lowest end of all orders.

    Args:
        rights: By order, (questions + 1,) share right after so many questions.
    """
    mark = REACHED * min(float(right[-1]) for right in rights)
    return [questions_to(right, mark) for right in rights]


def shares(curves: Sequence[Curve]) -> list[tuple[float, float, float]]:
    """What share of each order's questions the first order needs, with a bootstrap 95 % interval.

    One thousand resamples of the patients, the same ones for all orders, fixed seed; the mark is
    drawn anew with each.
    """
    matrices = [curve.matrix for curve in curves]
    pick = np.random.default_rng(_SEED)
    patients = len(matrices[0])
    drawn = []
    for _ in range(_DRAWS):
        rows = pick.integers(0, patients, patients)
        counts = needed([matrix[rows].mean(axis=0) for matrix in matrices])
        drawn.append([counts[0] / max(1, count) for count in counts])
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    counts = needed([matrix.mean(axis=0) for matrix in matrices])
    return [
        (counts[0] / max(1, count), float(low[at]), float(high[at]))
        for at, count in enumerate(counts)
    ]


def table(curves: Sequence[Curve]) -> Table:
    """An order a row: where it ends, and how many questions bring it to the common mark."""
    shown = Table(
        "order", "top-1 at the end", f"questions to {REACHED:.0%} of the lowest end",
        f"share that {curves[0].order} needs", "mean top-1",
    )  # fmt: skip
    counts = needed([curve.matrix.mean(axis=0) for curve in curves])
    for curve, count, (share, low, high) in zip(curves, counts, shares(curves), strict=True):
        patients = len(curve.ends)
        shown.add_row(
            curve.order,
            str(proportion(sum(end.is_right for end in curve.ends), patients)),
            str(count),
            f"{share:.0%} [{100 * low:.0f}, {100 * high:.0f}]",
            f"{float(np.mean(curve.right)):.3f}",
        )
    return shown
