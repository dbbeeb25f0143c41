"""A chest of ellipsoids, so that every number can be worked by hand; any spacing, any direction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.imaging.volume import Volume, pack_valid

Mask = NDArray[np.bool_]
Triple = tuple[float, float, float]

LUNG_HU, TISSUE_HU, AIR_HU = -860, 40, -1000
LUNG_MM: Triple = (75.0, 60.0, 45.0)  # semi-axes along z, y and x: 848 ml
_FIELD_MM: Triple = (190.0, 210.0, 280.0)
_BODY_MM = (92.0, 128.0)  # semi-axes along y and x
_MIDDLE_MM = 58.0  # of a lung, off the midline


@dataclass(frozen=True, kw_only=True, eq=False)
class Chest:
    """Voxels and where the lungs are in them; left is the patient's."""

    volume: Volume
    left: Mask
    right: Mask
    grid: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]

    def with_hu(self, hu: NDArray[Any]) -> Chest:
        """The same chest with other values."""
        rounded = np.clip(np.rint(hu), -1024, 3071).astype(np.int16)
        return replace(self, volume=replace(self.volume, voxels=rounded))

    def ball(self, centre_mm: Triple, diameter_mm: float) -> Mask:
        """The voxels of a ball; z, y and x from the middle of the chest."""
        z, y, x = (g - c for g, c in zip(self.grid, centre_mm, strict=True))
        return np.asarray(z**2 + y**2 + x**2 <= (diameter_mm / 2) ** 2, dtype=np.bool_)


def make_chest(
    spacing_mm: Triple = (2.5, 1.5, 1.5), *, left_mm: Triple = LUNG_MM, right_mm: Triple = LUNG_MM
) -> Chest:
    """A body with two ellipsoid lungs of those semi-axes (z, y, x) in air."""
    shape = [round(f / s) for f, s in zip(_FIELD_MM, spacing_mm, strict=True)]
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing_mm, strict=True)]
    z, y, x = axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]
    body = (y / _BODY_MM[0]) ** 2 + (x / _BODY_MM[1]) ** 2 <= 1
    left, right = (
        np.asarray((z / a) ** 2 + (y / b) ** 2 + ((x - middle) / c) ** 2 <= 1)
        for (a, b, c), middle in ((left_mm, _MIDDLE_MM), (right_mm, -_MIDDLE_MM))
    )
    hu = np.full(shape, AIR_HU, dtype=np.int16)
    hu[np.broadcast_to(body, shape)] = TISSUE_HU
    hu[left | right] = LUNG_HU
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = spacing_mm
    affine[:3, 3] = [axis[0] for axis in reversed(axes)]
    affine[3, 3] = 1
    volume = Volume(voxels=hu, unit="HU", affine_lps_mm=affine, spacing_mm=spacing_mm)
    return Chest(volume=volume, left=left, right=right, grid=(z, y, x))


def ellipsoid_l(semi_axes_mm: Triple) -> float:
    """Volume in litres."""
    return float(4 / 3 * np.pi * np.prod(semi_axes_mm)) / 1e6


def flipped(volume: Volume, axes: tuple[int, ...]) -> Volume:
    """The same patient stored the other way round along some axes."""
    assert volume.affine_lps_mm is not None
    affine = volume.affine_lps_mm.copy()
    for axis in axes:
        affine[:3, 3] += affine[:3, axis] * (volume.voxels.shape[axis] - 1)
        affine[:3, axis] *= -1
    valid = volume.valid
    return replace(
        volume,
        voxels=np.flip(volume.voxels, axes),
        affine_lps_mm=affine,
        valid_bits=None if valid is None else pack_valid(np.flip(valid, axes)),
    )
