"""How long windows take over a whole CT: `python -m benchmarks.windows`.

300 slices of 512 x 512 int16 HU, made up, to three uint8 volumes and to RGB. Medians of 5 in one
run, every way writing into new arrays. Beside ours: writing the output alone; one packed table
read with np.take, which leaves three windows in the bytes of 32-bit words; and the formula.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tools.imaging.windows import (
    WINDOWS,
    Window,
    apply_window,
    apply_windows,
    medgemma_rgb,
    note_rgb,
)

_RUNS = 5
_SHAPE = (300, 512, 512)
_LOWEST_HU, _HIGHEST_HU = -1024, 3071
_LIMIT = 1.5
_WINDOWS = tuple(WINDOWS[name] for name in ("lung", "soft tissue", "bone"))


def main() -> None:
    """Print seconds and the ratio to the packed table."""
    volume_hu = _made_up()
    packed = _packed_table(_WINDOWS)
    ways: dict[str, Callable[[], object]] = {
        "write the output alone": lambda: np.full((3, *_SHAPE), 1, dtype=np.uint8),
        "packed table, np.take (reference)": lambda: _take(volume_hu, packed),
        "three windows, apply_windows": lambda: apply_windows(volume_hu, _WINDOWS),
        "medgemma, RGB": lambda: medgemma_rgb(volume_hu),
        "note-rgb, RGB": lambda: note_rgb(volume_hu),
        "three windows, formula in float64": lambda: _naive(volume_hu),
    }
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_RUNS):  # in turn, so that a busy machine slows all of them alike
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    reference = medians["packed table, np.take (reference)"]
    for name, median in medians.items():
        print(f"{name:36} {median * 1000:8.1f} ms   x{median / reference:.2f}")
    ratio = medians["three windows, apply_windows"] / reference
    print(f"three windows: {ratio:.2f} of the packed table's time, limit {_LIMIT}")


def _made_up() -> NDArray[np.int16]:
    """Values spread as in a chest: much air and lung, some tissue, a little bone."""
    random = np.random.default_rng(1)
    volume_hu = np.empty(_SHAPE, dtype=np.int16)
    for one in volume_hu:
        middles = random.choice(
            [-1000.0, -850.0, 40.0, 500.0], _SHAPE[1:], p=[0.4, 0.3, 0.27, 0.03]
        )
        noisy = middles + random.normal(0, 60, _SHAPE[1:])
        one[...] = np.clip(noisy, _LOWEST_HU, _HIGHEST_HU)
    return volume_hu


def _packed_table(windows: tuple[Window, ...]) -> NDArray[np.uint32]:
    values = np.arange(_LOWEST_HU, _HIGHEST_HU + 1, dtype=np.float64)
    packed = np.zeros(values.size, dtype=np.uint32)
    for byte, window in enumerate(windows):
        packed |= apply_window(values, window).astype(np.uint32) << np.uint32(8 * byte)
    return packed


def _take(volume_hu: NDArray[np.int16], packed: NDArray[np.uint32]) -> NDArray[np.uint32]:
    words = np.empty(volume_hu.shape, dtype=np.uint32)
    index = np.empty(volume_hu.shape[1:], dtype=np.intp)
    for one, out in zip(volume_hu, words, strict=True):
        np.subtract(one, _LOWEST_HU, out=index)
        np.take(packed, index, out=out, mode="clip")
    return words


def _naive(volume_hu: NDArray[np.int16]) -> list[NDArray[np.uint8]]:
    return [apply_window(volume_hu.astype(np.float64), window) for window in _WINDOWS]


if __name__ == "__main__":
    main()
