"""Windows, and the 8-bit views they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
        slices: 1-based numbers of the slices shown, along the slice normal.
        pixel_aspect: Row spacing over column spacing; 1.0 when unknown.
    """

    pixels: NDArray[np.uint8]
    window: str
    level_hu: float | None
    width_hu: float | None
    series: str
    slices: tuple[int, ...]
    pixel_aspect: float = 1.0


_PRESETS = (
    Window(name="lung", level_hu=-600, width_hu=1500),
    Window(name="soft tissue", level_hu=50, width_hu=350),
    Window(name="mediastinum", level_hu=40, width_hu=400),
    Window(name="bone", level_hu=400, width_hu=1800),
    Window(name="brain", level_hu=40, width_hu=80),
    Window(name="angio", level_hu=300, width_hu=600),
    Window(name="wide", level_hu=0, width_hu=2048),
)

WINDOWS: Mapping[str, Window] = MappingProxyType({w.name: w for w in _PRESETS})
"""The presets that a planner may name."""

# Red, green and blue as (lowest, highest) HU.
_MEDGEMMA_HU = ((-1024.0, 1024.0), (-135.0, 215.0), (0.0, 80.0))
_NOTE_HU = ((-1350.0, 150.0), (-125.0, 225.0), (-500.0, 1300.0))


def apply_window(volume_hu: NDArray[Any], window: Window) -> NDArray[np.uint8]:
    """Map HU to 8-bit grey with DICOM's LINEAR function (PS3.3 C.11.2.1.2.1).

    Args:
        volume_hu: Any shape, HU: rescale already applied.
        window: Level and width in HU.

    Returns:
        Same shape, uint8; 0 at or below the window, 255 above it, rounded to the nearest between.

    Raises:
        ValueError: If width_hu is below 1, the LINEAR minimum.
    """
    if window.width_hu < 1:
        raise ValueError(f"window width must be >= 1 HU, got {window.width_hu!r}")
    centre = window.level_hu - 0.5
    if window.width_hu == 1:  # a step: the standard's formula would divide by zero
        return np.where(np.asarray(volume_hu) > centre, 255, 0).astype(np.uint8)
    scaled = (np.asarray(volume_hu, dtype=np.float64) - centre) / (window.width_hu - 1) + 0.5
    return np.rint(np.clip(scaled, 0.0, 1.0) * 255.0).astype(np.uint8)


def medgemma_rgb(volume_hu: NDArray[Any]) -> NDArray[np.uint8]:
    """The composite MedGemma was trained on: wide, soft tissue and brain as red, green, blue.

    Red is -1024..1024 HU, green -135..215 HU, blue 0..80 HU, each clipped, scaled to 0..255 in
    float32 and rounded (Google's CT notebook for MedGemma 1.5).

    Args:
        volume_hu: Any shape, HU.

    Returns:
        The same shape with a last axis of 3, uint8.
    """
    return _composite(volume_hu, _MEDGEMMA_HU)


def note_rgb(volume_hu: NDArray[Any]) -> NDArray[np.uint8]:
    """A widely copied composite: lung, soft tissue and bone as red, green, blue.

    Red is -1350..150 HU, green -125..225 HU, blue -500..1300 HU. This is not what MedGemma saw in
    training; it is kept so that the two can be compared.

    Args:
        volume_hu: Any shape, HU.

    Returns:
        The same shape with a last axis of 3, uint8.
    """
    return _composite(volume_hu, _NOTE_HU)


def _composite(
    volume_hu: NDArray[Any], channels_hu: tuple[tuple[float, float], ...]
) -> NDArray[np.uint8]:
    values = np.asarray(volume_hu, dtype=np.float32)
    picture = np.empty((*values.shape, len(channels_hu)), dtype=np.uint8)
    for channel, (low, high) in enumerate(channels_hu):
        scaled = (np.clip(values, low, high) - np.float32(low)) / np.float32(high - low)
        picture[..., channel] = np.round(scaled * np.float32(255.0)).astype(np.uint8)
    return picture
