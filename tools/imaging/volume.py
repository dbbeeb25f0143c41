"""A stack of slices with what is known of its unit and geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Unit = Literal["HU", "stored"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Volume:
    """Voxels along the slice normal.

    Attributes:
        voxels: (slices, rows, columns); int16 Hounsfield units when unit is "HU", else float32:
            stored values after the header's rescale, each slice with its own, where it has one.
        unit: "HU" for CT with a rescale to Hounsfield units, else "stored".
        affine_lps_mm: (4, 4) float64; maps (slice, row, column, 1) indices to DICOM's LPS
            millimetres. None when the headers do not give one geometry for all slices.
        spacing_mm: Distance between slices, rows and columns; None when unknown, and then nothing
            may be measured.
        valid: (slices, rows, columns) bool, False where PixelPaddingValue stands; None when there
            is no padding.
    """

    voxels: NDArray[np.int16] | NDArray[np.float32]
    unit: Unit
    affine_lps_mm: NDArray[np.float64] | None
    spacing_mm: tuple[float, float, float] | None
    valid: NDArray[np.bool_] | None = None

    @property
    def slices(self) -> int:
        """How many slices there are."""
        return int(self.voxels.shape[0])
