"""Height in the lungs: thirds, and the slices that show most of something."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SHOWN, _APART = 5, 3


def thirds(lung: NDArray[np.int64]) -> tuple[slice, slice, slice]:
    """Slices of the upper, middle and lower third of a lung's height.

    Args:
        lung: (slices,), how much lung is in each, lowest slice first.
    """
    used = np.flatnonzero(lung)
    if not len(used):
        return slice(0), slice(0), slice(0)
    low, high = int(used[0]), int(used[-1]) + 1
    cuts = [low + round(i * (high - low) / 3) for i in range(4)]
    return slice(cuts[2], cuts[3]), slice(cuts[1], cuts[2]), slice(cuts[0], cuts[1])


def spread_slices(weight: NDArray[np.float64]) -> tuple[int, ...]:
    """Indices of up to five slices with the largest weight above 0, no two next to each other."""
    chosen: list[int] = []
    for k in np.argsort(-weight, kind="stable"):
        if weight[k] <= 0 or len(chosen) == _SHOWN:
            break
        if all(abs(int(k) - other) >= _APART for other in chosen):
            chosen.append(int(k))
    return tuple(sorted(chosen))
