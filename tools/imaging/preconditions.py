"""What a volume must have before anything is measured on it, and the refusal when it has not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools.errors import ToolFailure
from tools.imaging.volume import Volume

Spacing = tuple[float, float, float]


class CannotMeasure(ToolFailure):
    """The volume does not allow an honest measurement.

    Attributes:
        reason: Why, in words.
    """

    def __init__(
        self,
        reason: str,
        *,
        what: str = "the lungs",
        instead: str = "look at the slices instead",
    ) -> None:
        super().__init__(f"{what} cannot be measured: {reason}; {instead}")
        self.reason = reason


def require_hu(volume: Volume, what: str) -> None:
    """Refuse a volume whose values are not Hounsfield units.

    Raises:
        CannotMeasure: It names `what`.
    """
    if volume.unit != "HU":
        raise CannotMeasure("the series is not in HU", what=what)


def require_geometry(volume: Volume, what: str) -> tuple[Spacing, NDArray[np.float64]]:
    """The spacing in millimetres and the (4, 4) affine to LPS millimetres.

    Raises:
        CannotMeasure: It names `what`; without either, nothing has a size.
    """
    if volume.spacing_mm is None or volume.affine_lps_mm is None:
        raise CannotMeasure("the spacing of the slices is not known", what=what)
    return volume.spacing_mm, volume.affine_lps_mm
