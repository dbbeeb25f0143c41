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
            (slices, rows, columns, 3) for pictures in colour, 0..255, without any geometry.
        unit: "HU" for CT with a rescale to Hounsfield units, else "stored".
        affine_lps_mm: (4, 4) float64; maps (slice, row, column, 1) indices to DICOM's LPS
            millimetres. None when the headers do not give one geometry for all slices.
        spacing_mm: Distance between slices, rows and columns; None when unknown, and then nothing
            may be measured.
        valid_bits: (slices, rows, ceil(columns / 8)) uint8, `valid` packed along columns as
            np.packbits packs, so that a mask costs a sixteenth of the voxels; None when there is
            no padding.
        instances: For each slice its DICOMweb path within a store (PS3.18 10.4.1.1.3),
            "studies/.../series/.../instances/...", by the original UIDs. Kept only for an endpoint
            that reads the study from that store; None otherwise, and when a slice has none.
    """

    voxels: NDArray[np.int16] | NDArray[np.float32]
    unit: Unit
    affine_lps_mm: NDArray[np.float64] | None
    spacing_mm: tuple[float, float, float] | None
    valid_bits: NDArray[np.uint8] | None = None
    instances: tuple[str, ...] | None = None

    @property
    def slices(self) -> int:
        """How many slices there are."""
        return int(self.voxels.shape[0])

    @property
    def valid(self) -> NDArray[np.bool_] | None:
        """(slices, rows, columns) bool, False where padding stands; None when there is none."""
        if self.valid_bits is None:
            return None
        return unpack_valid(self.valid_bits, self.voxels.shape[2])

    def valid_slice(self, index: int) -> NDArray[np.bool_] | None:
        """The same for one slice, (rows, columns); index counts from 0."""
        if self.valid_bits is None:
            return None
        return unpack_valid(self.valid_bits[index], self.voxels.shape[2])


def pack_valid(valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A mask as Volume.valid_bits holds it: packed along the last axis."""
    return np.packbits(valid, axis=-1)


def unpack_valid(bits: NDArray[np.uint8], columns: int) -> NDArray[np.bool_]:
    """The mask that pack_valid packed; `columns` is the length of its last axis."""
    return np.unpackbits(bits, axis=-1, count=columns).view(np.bool_)
