"""The lesions of the phantom, drawn into a finished thorax, with what was drawn as ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from tools.imaging.phantom_anatomy import Build, Thorax
from tools.imaging.phantom_vessels import Floats, Mask

_CYST_HU, _WALL_HU, _WALL_MM = -985.0, -620.0, 1.2
_CYSTS_PER_LUNG = 260


class Lesion(StrEnum):
    """What may be wrong with a phantom."""

    NONE = "none"
    CYSTS = "cysts"
    HYPERLUCENT_LUNG = "hyperlucent lung"
    MICROLITHIASIS = "microlithiasis"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cyst:
    """A round cyst: centre (z, y, x) and radius of its lumen in millimetres."""

    centre_mm: tuple[float, float, float]
    radius_mm: float


def build_for(lesion: Lesion) -> Build:
    """The thorax a lesion lives in: all but the hyperlucent lung leave the anatomy alone."""
    if lesion is Lesion.HYPERLUCENT_LUNG:
        return Build(shift_mm=9.0, left_dome_mm=10.0, left_calibre=0.55, left_lung_hu=-90.0)
    return Build()


def draw_cysts(thorax: Thorax, seed: int) -> tuple[Cyst, ...]:
    """Thin-walled round cysts of 3 to 20 mm, all over both lungs, none touching another."""
    random = np.random.default_rng([seed, 10])
    drawn: list[Cyst] = []
    for lung in (thorax.left, thorax.right):
        inside = np.argwhere(lung)
        # Most are small: diameters are exponential above 3 mm, cut at 20.
        sizes = np.clip(3.0 + random.exponential(6.0, size=_CYSTS_PER_LUNG), 3.0, 20.0)
        placed: list[Cyst] = []
        for radius in sorted(sizes / 2.0, reverse=True):
            cyst = _place(thorax, lung, inside, float(radius), placed, random)
            if cyst is not None:
                placed.append(cyst)
                _draw_cyst(thorax, lung, cyst)
        drawn.extend(placed)
    return tuple(drawn)


def _place(
    thorax: Thorax,
    lung: Mask,
    inside: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    radius: float,
    placed: list[Cyst],
    random: np.random.Generator,
) -> Cyst | None:
    """A free place in lung without large vessels, or None after 40 tries."""
    canvas = thorax.canvas
    centres = np.array([c.centre_mm for c in placed]).reshape(-1, 3)
    apart = np.array([c.radius_mm for c in placed]) + radius + 2 * _WALL_MM
    for k, row, column in inside[random.integers(len(inside), size=40)]:
        centre = (float(canvas.z[k]), float(canvas.y[row, 0]), float(canvas.x[0, column]))
        if bool(np.all(np.linalg.norm(centres - centre, axis=1) > apart)):
            reach = radius + _WALL_MM
            low, high = ([c + s * reach for c in centre] for s in (-1, 1))
            box = canvas.box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
            in_lung = _reaches(thorax, lung, (int(k), int(row), int(column)), reach)
            if in_lung and canvas.hu[box][lung[box]].mean() < -780:
                return Cyst(centre_mm=centre, radius_mm=radius)
    return None


def _reaches(thorax: Thorax, lung: Mask, at: tuple[int, int, int], reach_mm: float) -> bool:
    """Whether lung lies that far from a voxel along all three axes."""
    for axis, spacing in enumerate(thorax.canvas.spacing_mm):
        for sign in (-1, 1):
            end = list(at)
            end[axis] += sign * round(reach_mm / spacing)
            if not 0 <= end[axis] < lung.shape[axis] or not lung[end[0], end[1], end[2]]:
                return False
    return True


def _draw_cyst(thorax: Thorax, lung: Mask, cyst: Cyst) -> None:
    canvas = thorax.canvas
    reach = cyst.radius_mm + _WALL_MM + canvas.spacing_mm[2]
    low, high = ([c + s * reach for c in cyst.centre_mm] for s in (-1, 1))
    box = canvas.box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    distance = np.sqrt(
        sum((g - c) ** 2 for g, c in zip(canvas.grid(box), cyst.centre_mm, strict=True))
    )
    for radius, hu in ((cyst.radius_mm + _WALL_MM, _WALL_HU), (cyst.radius_mm, _CYST_HU)):
        coverage = np.clip((radius - distance) / canvas.spacing_mm[2] + 0.5, 0, 1) * lung[box]
        canvas.hu[box] += (coverage * (hu - canvas.hu[box])).astype(np.float32)


def draw_microliths(thorax: Thorax, seed: int) -> Floats:
    """Sand of calcium: innumerable stones under a millimetre, denser below and behind.

    Stones lie anywhere in the lung, thicker under the pleura and along thin septa.

    Returns:
        HU added to each voxel, (slices, rows, columns).
    """
    from scipy import ndimage

    random = np.random.default_rng([seed, 11])
    canvas = thorax.canvas
    lungs = thorax.left | thorax.right
    z, y, x = canvas.grid((slice(None), slice(None), slice(None)))
    low = np.clip((190.0 - z) / 150.0, 0.05, 1.0)
    back = np.clip((y + 75.0) / 150.0, 0.1, 1.0)
    density = (0.30 * low * (0.35 + back)).astype(np.float32)
    flat = np.ones((1, 3, 3), dtype=np.bool_)
    rim = lungs & ~ndimage.binary_erosion(lungs, flat)
    septa = np.abs(np.sin(0.16 * x + 0.9 * np.sin(0.05 * z)) * np.sin(0.15 * y + 0.07 * z)) < 0.05
    density = np.where(rim | (septa & lungs), np.minimum(density * 2.0, 0.8), density) * lungs
    stones = random.random(canvas.hu.shape, dtype=np.float32) < density
    sizes = random.gamma(2.0, 420.0, size=int(stones.sum())).astype(np.float32)
    added = np.zeros_like(canvas.hu)
    added[stones] = np.minimum(sizes + 250.0, 2600.0)
    canvas.hu[stones] += added[stones]
    return added
