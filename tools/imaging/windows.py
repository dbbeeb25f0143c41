"""Windows, and the 8-bit views they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.imaging.lookup import TABLES_AT_ONCE, every_int16, look_up, pack_tables

Projection = Literal["slice", "mean", "maximum", "minimum"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A display window: level (centre) and width in HU."""

    name: str
    level_hu: float
    width_hu: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class View:
    """One picture that a model or a person looks at.

    Attributes:
        pixels: (rows, columns) or (rows, columns, 3), uint8.
        window: The window's name, or "as displayed" for a screenshot.
        level_hu, width_hu: None for "as displayed" and for the RGB composites.
        series: The series id, S1 and on.
        slices: 1-based numbers of the slices of the series that the view is made of, along the
            slice normal: one for a slice, several for a slab, a projection or a reformat.
        pixel_aspect: Row spacing over column spacing; 1.0 when unknown.
        plane: Plane of the picture: axial, coronal, sagittal, oblique, or "" when unknown.
        projection: How several slices became one picture.
        cut: 1-based row (coronal of an axial series) or column (sagittal) that a reformat runs
            through; None for everything else.
    """

    pixels: NDArray[np.uint8]
    window: str
    level_hu: float | None
    width_hu: float | None
    series: str
    slices: tuple[int, ...]
    pixel_aspect: float = 1.0
    plane: str = ""
    projection: Projection = "slice"
    cut: int | None = None


_PRESETS = (
    Window(name="lung", level_hu=-600, width_hu=1500),
    Window(name="soft tissue", level_hu=50, width_hu=350),
    Window(name="mediastinum", level_hu=40, width_hu=400),
    Window(name="bone", level_hu=400, width_hu=1800),
    Window(name="brain", level_hu=40, width_hu=80),
    Window(name="subdural", level_hu=75, width_hu=215),
    Window(name="stroke", level_hu=40, width_hu=40),
    Window(name="liver", level_hu=60, width_hu=160),
    Window(name="angio", level_hu=300, width_hu=600),
    Window(name="wide", level_hu=0, width_hu=2048),
)

WINDOWS: Mapping[str, Window] = MappingProxyType({w.name: w for w in _PRESETS})
"""The presets that a planner may name."""


class _Range(NamedTuple):
    """A channel of a composite: HU clipped to the range and scaled, not DICOM's LINEAR."""

    low_hu: float
    high_hu: float


# Red, green and blue.
_MEDGEMMA = (_Range(-1024, 1024), _Range(-135, 215), _Range(0, 80))
_NOTE = (_Range(-1350, 150), _Range(-125, 225), _Range(-500, 1300))


def apply_window(volume_hu: NDArray[Any], window: Window) -> NDArray[np.uint8]:
    """Map HU to 8-bit grey with DICOM's LINEAR function (PS3.3 C.11.2.1.2.1).

    Args:
        volume_hu: Any shape, HU: rescale already applied. int16 takes a look-up table that holds
            what the formula gives.
        window: Level and width in HU.

    Returns:
        Same shape, uint8; 0 at or below the window, 255 above it, rounded to the nearest between.

    Raises:
        ValueError: If width_hu is below 1, the LINEAR minimum.
    """
    return apply_windows(volume_hu, (window,))[0]


def apply_windows(
    volume_hu: NDArray[Any], windows: Sequence[Window]
) -> tuple[NDArray[np.uint8], ...]:
    """The same for several windows, which share one pass over int16 values.

    Returns:
        One array for each window, in order, each of the volume's shape.

    Raises:
        ValueError: If a width_hu is below 1.
    """
    values = np.asarray(volume_hu)
    greys = tuple(np.empty(values.shape, dtype=np.uint8) for _ in windows)
    _fill(values, windows, [grey.reshape(-1) for grey in greys])
    return greys


def medgemma_rgb(volume_hu: NDArray[Any]) -> NDArray[np.uint8]:
    """The composite MedGemma was trained on: wide, soft tissue and brain as red, green, blue.

    Red is -1024..1024 HU, green -135..215 HU, blue 0..80 HU, each clipped, scaled to 0..255 in
    float32 and rounded (Google's CT notebook for MedGemma 1.5).

    Args:
        volume_hu: Any shape, HU.

    Returns:
        The same shape with a last axis of 3, uint8.
    """
    return _composite(volume_hu, _MEDGEMMA)


def note_rgb(volume_hu: NDArray[Any]) -> NDArray[np.uint8]:
    """A widely copied composite: lung, soft tissue and bone as red, green, blue.

    Red is -1350..150 HU, green -125..225 HU, blue -500..1300 HU. This is not what MedGemma saw in
    training; it is kept so that the two can be compared.

    Args:
        volume_hu: Any shape, HU.

    Returns:
        The same shape with a last axis of 3, uint8.
    """
    return _composite(volume_hu, _NOTE)


def _composite(volume_hu: NDArray[Any], channels: tuple[_Range, ...]) -> NDArray[np.uint8]:
    values = np.asarray(volume_hu)
    picture = np.empty((*values.shape, len(channels)), dtype=np.uint8)
    by_channel = picture.reshape(-1, len(channels))
    _fill(values, channels, [by_channel[:, c] for c in range(len(channels))])
    return picture


def _fill(
    values: NDArray[Any], shades: Sequence[Window | _Range], outs: Sequence[NDArray[np.uint8]]
) -> None:
    """Write what each shade gives for the values, in C order, into its (n,) array."""
    if values.dtype != np.int16:
        for shade, out in zip(shades, outs, strict=True):
            out[...] = _grey(values, shade).reshape(-1)
        return
    flat = np.ascontiguousarray(values).reshape(-1)
    for first in range(0, len(shades), TABLES_AT_ONCE):
        some = slice(first, first + TABLES_AT_ONCE)
        look_up(flat, _table(tuple(shades[some])), outs[some])


@lru_cache(maxsize=32)  # of 256 KiB
def _table(shades: tuple[Window | _Range, ...]) -> NDArray[np.uint32]:
    every = every_int16()
    return pack_tables([_grey(every, shade) for shade in shades])


def _grey(values: NDArray[Any], shade: Window | _Range) -> NDArray[np.uint8]:
    """The formula, for any values; the tables hold what it gives for all of int16."""
    if isinstance(shade, _Range):
        low, high = (np.float32(limit) for limit in shade)
        clipped = np.clip(values.astype(np.float32), low, high)
        return np.round((clipped - low) / (high - low) * np.float32(255.0)).astype(np.uint8)
    if not shade.width_hu >= 1:
        raise ValueError(f"window width must be >= 1 HU, got {shade.width_hu!r}")
    centre = shade.level_hu - 0.5
    if shade.width_hu == 1:  # a step: the standard's formula would divide by zero
        return np.where(values > centre, 255, 0).astype(np.uint8)
    scaled = (values.astype(np.float64) - centre) / (shade.width_hu - 1) + 0.5
    return np.rint(np.clip(scaled, 0.0, 1.0) * 255.0).astype(np.uint8)
