"""How a volume lies in the patient, and which way round its pictures are shown.

Pictures are shown as radiologists read them. Axial: the patient's right at the left, front at the
top. Coronal: the patient's right at the left, head at the top. Sagittal: front at the left, head at
the top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tools.imaging.volume import Volume

_ALIGNED = 0.966  # cosine of 15 degrees: within it a plane is called by its name
_SQUARE = 0.02  # cosine: axes within a degree of right angles
_X, _Y, _Z = 0, 1, 2  # LPS: to the patient's left, to the back, to the head


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shown:
    """A plane on the screen: across, down and to the right as (patient axis, direction)."""

    across: int
    down: tuple[int, int]
    right: tuple[int, int]
    letters: tuple[str, str, str, str]


_PLANES: Mapping[str, _Shown] = MappingProxyType(
    {
        "axial": _Shown(across=_Z, down=(_Y, 1), right=(_X, 1), letters=("R", "L", "A", "P")),
        "coronal": _Shown(across=_Y, down=(_Z, -1), right=(_X, 1), letters=("R", "L", "H", "F")),
        "sagittal": _Shown(across=_X, down=(_Z, -1), right=(_Y, 1), letters=("A", "P", "H", "F")),
    }
)
PLANES = tuple(_PLANES)


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientAxes:
    """Which voxel axis runs along which patient axis.

    Attributes:
        voxel_axes: For left, back and head: 0 for slices, 1 for rows, 2 for columns.
        signs: 1 where the voxel index grows to the left, back or head, else -1.
    """

    voxel_axes: tuple[int, int, int]
    signs: tuple[int, int, int]

    def across(self, plane: str) -> int:
        """The voxel axis that a plane is cut across: 0 for the plane of the slices themselves."""
        return self.voxel_axes[_PLANES[plane].across]

    @property
    def plane(self) -> str:
        """The plane of the slices."""
        return next(plane for plane in PLANES if self.across(plane) == 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What brings a picture, cut along two voxel axes in their order, the right way round.

    Attributes:
        plane: axial, coronal or sagittal.
        is_transposed: Rows and columns change places, before the flips.
        is_upside_down, is_mirrored: Whether rows, or columns, are then reversed.
    """

    plane: str
    is_transposed: bool
    is_upside_down: bool
    is_mirrored: bool

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture, (rows, columns) or (rows, columns, 3), the right way round."""
        turned = picture.swapaxes(0, 1) if self.is_transposed else picture
        turned = turned[::-1] if self.is_upside_down else turned
        turned = turned[:, ::-1] if self.is_mirrored else turned
        return np.ascontiguousarray(turned)


def patient_axes(volume: Volume) -> PatientAxes | None:
    """How the volume's axes lie in the patient.

    Returns:
        None without an affine, and when an axis is more than 15 degrees off the patient's or not
        at right angles to the others: then no plane has a name and no side a letter.
    """
    if volume.affine_lps_mm is None:
        return None
    columns = volume.affine_lps_mm[:3, :3]
    lengths = np.linalg.norm(columns, axis=0)
    if not (lengths > 0).all():
        return None
    cosines = columns / lengths  # [patient axis, voxel axis]
    nearest = np.abs(cosines).argmax(axis=1)
    along = cosines[np.arange(3), nearest]
    angles = cosines.T @ cosines - np.eye(3)
    if not (np.abs(along) > _ALIGNED).all() or not (np.abs(angles) < _SQUARE).all():
        return None
    x, y, z = (int(axis) for axis in nearest)
    signs = (1 if along[0] > 0 else -1, 1 if along[1] > 0 else -1, 1 if along[2] > 0 else -1)
    return PatientAxes(voxel_axes=(x, y, z), signs=signs)


def turn_for(axes: PatientAxes, across: int) -> Turn:
    """How to turn a picture that is cut across a voxel axis."""
    plane = next(plane for plane in PLANES if axes.across(plane) == across)
    down, right = _PLANES[plane].down, _PLANES[plane].right
    return Turn(
        plane=plane,
        is_transposed=axes.voxel_axes[down[0]] > axes.voxel_axes[right[0]],
        is_upside_down=axes.signs[down[0]] != down[1],
        is_mirrored=axes.signs[right[0]] != right[1],
    )


def edge_letters(plane: str) -> tuple[str, str, str, str] | None:
    """What lies at the left, right, top and bottom edge of a view, in DICOM's letters.

    Right, Left, Anterior, Posterior, Head, Foot; None for an oblique or unknown plane.
    """
    return _PLANES[plane].letters if plane in _PLANES else None


def column_spacing_mm(volume: Volume, plane: str) -> float | None:
    """Millimetres from column to column of a view of the volume; None when unknown."""
    if volume.spacing_mm is None:
        return None
    axes = patient_axes(volume)
    if axes is None or plane not in _PLANES:
        return volume.spacing_mm[2]
    return volume.spacing_mm[axes.voxel_axes[_PLANES[plane].right[0]]]
