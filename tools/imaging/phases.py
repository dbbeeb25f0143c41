"""Series that hold several images at each place, taken apart: echoes, phases, b-values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations

from tools.imaging.frames import PHASES, Frame, numbers_of
from tools.imaging.geometry import in_order, same_place, stack

_UNITS = {"echo time": "ms", "b-value": "s/mm2", "trigger time": "ms", "slice thickness": "mm"}


def split(frames: Sequence[Frame]) -> list[tuple[tuple[int, ...], str]]:
    """Take frames apart by what the header says differs, where that makes every part regular.

    A dynamic study, a dual echo or a diffusion series is several volumes under one series UID. The
    fewest attributes that leave one image at each place, and even steps between them, are taken.

    Returns:
        Indices of the frames of each part, and by what they were told apart; one part with all of
        them and "" when there is one image at each place, or nothing tells them apart.
    """
    whole = [(tuple(range(len(frames))), "")]
    if len(frames) < 4 or not same_place(frames):
        return whole
    names = list(PHASES)
    varying = [n for n in range(len(names)) if len({f.phase[n] for f in frames}) > 1]
    for chosen in chain(combinations(varying, 1), combinations(varying, 2)):
        parts: dict[tuple[str, ...], list[int]] = {}
        for index, frame in enumerate(frames):
            parts.setdefault(tuple(frame.phase[n] for n in chosen), []).append(index)
        if 2 * len(parts) <= len(frames) and all(
            _is_regular([frames[i] for i in part]) for part in parts.values()
        ):
            told = [
                " and ".join(
                    _named(names[n], value) for n, value in zip(chosen, values, strict=True)
                )
                for values in parts
            ]
            return [
                (
                    tuple(part),
                    f"part {number} of {len(parts)} of a series with several images at each "
                    f"place, told apart by {by}",
                )
                for number, (by, part) in enumerate(zip(told, parts.values(), strict=True), start=1)
            ]
    return whole


def _named(name: str, value: str) -> str:
    """An attribute, with its value where that is a quantity of physics and of no person."""
    size = numbers_of([value], 1)
    return name if name not in _UNITS or size is None else f"{name} ({size[0]:.6g} {_UNITS[name]})"


def _is_regular(frames: Sequence[Frame]) -> bool:
    if len(frames) < 2 or same_place(frames):
        return False
    return stack([frames[i] for i in in_order(frames)]).is_volume
