"""Where the lungs are in a chest CT: threshold, components and filling, no trained model.

Shapes are found on a coarse grid of about 3 mm in the plane and kept as labels; every number is
taken from the full resolution afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.imaging.chest import Mask, find_airway, inside_body, is_gas, part_lungs
from tools.imaging.preconditions import CannotMeasure, Spacing, require_geometry, require_hu
from tools.imaging.volume import Volume

Labels = NDArray[np.uint8]

RIGHT, LEFT = 1, 2

AERATED_HU = -400  # lung with air in it, against soft tissue; half way is about -430
_GRID_MM = 2.8
MOST_SLICE_MM = 5.0  # thicker slices miss small cysts and blur calcium
_MOST_PIXEL_MM = 2.5  # coarser pixels blur vessels into lung; scanners make at most 2
_FEWEST_SLICES = 20
_LEAST_LUNG_ML = 150.0
_PIECE_SHARE = 0.03  # of all air in the body: a larger piece apart would be missed in the numbers
_CUT_CM2 = 6.0  # lung in an end slice; costophrenic tips are smaller
_OPEN_CM2 = 3.0  # lung over air outside the body, one slice on
_CLOSE_MM = 11.0  # vessels and dense spots up to twice this are taken into the lung
_HILUM_MM, _RIM_MM = 25.0, 3.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lungs:
    """Lungs in head-up, left-is-right order: axes run to the head, the back and the patient's left.

    Attributes:
        hu: (slices, rows, columns) int16, a view of the volume's voxels cropped to the lungs.
        filled: The same shape; RIGHT or LEFT where lung is with its vessels, nodules and cysts, 0
            elsewhere and in trachea and main bronchi.
        peripheral: Where dense voxels are lung disease and not normal vessels or ribs: away from
            the mediastinum (contrast-filled hilar vessels) and off the chest wall.
        box: Where the crop lies in the turned volume.
        spacing_mm: Between slices, rows and columns in this order.
        numbers: 1-based slice numbers of the volume, one per slice here.
    """

    hu: NDArray[np.int16]
    filled: Labels
    peripheral: Mask
    box: tuple[slice, slice, slice]
    spacing_mm: Spacing
    numbers: tuple[int, ...]


def find_lungs(volume: Volume) -> Lungs:
    """Find both lungs.

    Raises:
        CannotMeasure: Without HU or spacing, with few, thick, coarse or non-axial slices, without
            two aerated lungs, and when the scan or its field of view cuts them off.
    """
    hu, valid, spacing, numbers = _head_up(volume)
    step = max(1, round(_GRID_MM / spacing[2]))
    grid, grid_spacing = _coarse(hu, step), (spacing[0], spacing[1] * step, spacing[2] * step)
    labels, body_air = _grid_lungs(grid, grid_spacing)
    filled, peripheral = _fill(labels, body_air, grid_spacing)
    box = _box(filled)
    fine = tuple(slice(s.start * f, s.stop * f) for s, f in zip(box, (1, step, step), strict=True))
    whole, deep = _finer(filled[box], step), _finer(peripheral[box], step)
    if valid is not None:  # what was not scanned is neither lung nor disease
        scanned = _scanned(valid[fine], whole)
        whole, deep = whole * scanned, deep & scanned
    return Lungs(
        hu=hu[fine],
        box=(fine[0], fine[1], fine[2]),
        filled=whole,
        peripheral=deep,
        spacing_mm=spacing,
        numbers=numbers[box[0]],
    )


def _head_up(
    volume: Volume,
) -> tuple[NDArray[np.int16], Mask | None, Spacing, tuple[int, ...]]:
    """The voxels and which are valid, turned to head, back and left, as views."""
    require_hu(volume, "the lungs")
    sizes, affine = require_geometry(volume, "the lungs")
    if volume.slices < _FEWEST_SLICES:
        raise CannotMeasure(
            f"there are {volume.slices} slices; at least {_FEWEST_SLICES} are needed"
        )
    if sizes[0] > MOST_SLICE_MM + 0.05:
        raise CannotMeasure(
            f"slices are {sizes[0]:.1f} mm apart; at most {MOST_SLICE_MM:g} mm will do"
        )
    if max(sizes[1:]) > _MOST_PIXEL_MM + 0.05:
        raise CannotMeasure(
            f"pixels are {max(sizes[1:]):.1f} mm wide; at most {_MOST_PIXEL_MM:g} mm will do"
        )
    direction = affine[:3, :3] / np.array(sizes)
    toward = [int(np.argmax(np.abs(direction[lps]))) for lps in (2, 1, 0)]
    if toward[0] != 0 or sorted(toward) != [0, 1, 2] or abs(direction[2, 0]) < 0.9:
        raise CannotMeasure("the slices are not axial")
    signs = [float(direction[lps, axis]) for lps, axis in zip((2, 1, 0), toward, strict=True)]
    flips = tuple(slice(None, None, 1 if sign > 0 else -1) for sign in signs)
    hu = volume.voxels.transpose(toward)[flips].astype(np.int16, copy=False)
    valid = volume.valid
    numbers = tuple(range(1, volume.slices + 1))
    return (
        hu,
        None if valid is None else valid.transpose(toward)[flips],
        (sizes[toward[0]], sizes[toward[1]], sizes[toward[2]]),
        numbers if signs[0] > 0 else numbers[::-1],
    )


def _scanned(valid: Mask, lung: Labels) -> Mask:
    """Valid voxels, and thin spots of padding in the lung, which are air at the end of the scale.

    Where the padding value leads to -1024 HU, noise in thin lung reaches it too, and leaving those
    voxels out would lower low attenuation.
    """
    from scipy import ndimage

    if not (lung[~valid] > 0).any():
        return valid
    gone: Mask = ndimage.binary_opening(~valid, np.ones((1, 3, 3), dtype=np.bool_))
    return ~gone


def _coarse(hu: NDArray[np.int16], step: int) -> NDArray[np.int16]:
    """Mean of blocks of step x step pixels in each slice."""
    if step == 1:
        return hu
    rows, columns = (n // step * step for n in hu.shape[1:])
    total = np.zeros((len(hu), rows // step, columns // step), dtype=np.int32)
    for i in range(step):
        for j in range(step):
            total += hu[:, i:rows:step, j:columns:step]
    return (total // (step * step)).astype(np.int16)


def _grid_lungs(grid: NDArray[np.int16], spacing: Spacing) -> tuple[Labels, Mask]:
    """Right and left lung on the grid, and all air inside the body."""
    from scipy import ndimage

    body = inside_body(grid)
    air = (grid < AERATED_HU) & body
    voxel_ml = float(np.prod(spacing)) / 1000.0
    airway = find_airway(air, spacing)
    pieces, count = ndimage.label(air & ~airway)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    sizes[0] = 0
    large = [int(i) for i in np.flatnonzero(sizes > _PIECE_SHARE * sizes.sum())]
    masks = sorted(
        (m for m in (pieces == i for i in large) if not is_gas(grid, m)),
        key=lambda m: -int(m.sum()),
    )
    _refuse_open(masks, body, spacing)
    if not masks or float(masks[0].sum()) * voxel_ml < _LEAST_LUNG_ML:
        raise CannotMeasure("no lung is found")
    if len(masks) > 2:
        raise CannotMeasure("the lungs fall into several pieces")
    labels = np.zeros(grid.shape, dtype=np.uint8)
    seeds = masks if len(masks) == 2 else part_lungs(masks[0], spacing)
    seeds.sort(key=lambda mask: float(np.flatnonzero(mask.any(axis=(0, 1))).mean()))
    for side, mask in ((RIGHT, seeds[0]), (LEFT, seeds[1])):
        if float(mask.sum()) * voxel_ml < _LEAST_LUNG_ML:
            raise CannotMeasure("only one aerated lung is found")
        labels[mask] = side
    _refuse_cut(labels > 0, spacing)
    return labels, air


def _refuse_open(pieces: Sequence[Mask], body: Mask, spacing: Spacing) -> None:
    """Refuse lungs that run into the edge of the picture.

    There they pass for air round the body, but not in the next slice, where they do not yet reach
    the edge; skin never moves that far between slices.
    """
    pixel_cm2 = spacing[1] * spacing[2] / 100.0
    for lung in pieces:
        lost = np.maximum(
            (lung[1:] & ~body[:-1]).sum(axis=(1, 2)), (lung[:-1] & ~body[1:]).sum(axis=(1, 2))
        )
        if float(lost.max()) * pixel_cm2 > _OPEN_CM2:
            raise CannotMeasure(
                "the lungs reach the edge of the field of view or open into the air round the body"
            )


def _refuse_cut(lungs: Mask, spacing: Spacing) -> None:
    cm2 = lungs.sum(axis=(1, 2)) * spacing[1] * spacing[2] / 100.0
    for area, end in ((cm2[-1], "top"), (cm2[0], "bottom")):
        if area > _CUT_CM2:
            raise CannotMeasure(
                f"the scan cuts the lungs off at the {end} ({area:.0f} cm2 in the end slice)"
            )


def _fill(labels: Labels, air: Mask, spacing: Spacing) -> tuple[Labels, Mask]:
    """Close vessels, nodules and dense patches into each lung; find its peripheral part."""
    from scipy import ndimage

    filled = np.zeros_like(labels)
    peripheral = np.zeros(labels.shape, dtype=np.bool_)
    airway = air & (labels == 0)
    pixel = spacing[1:]
    reach = int(np.ceil(_CLOSE_MM / min(pixel)))
    for k in np.flatnonzero((labels > 0).any(axis=(1, 2))):
        closed: dict[int, Mask] = {}
        for side in (RIGHT, LEFT):
            lung = np.pad(labels[k] == side, reach)
            if not lung.any():
                continue
            near = ndimage.distance_transform_edt(~lung, sampling=pixel) <= _CLOSE_MM
            shut = ndimage.distance_transform_edt(near, sampling=pixel) > _CLOSE_MM
            whole = ndimage.binary_fill_holes(shut | lung)
            # One pixel more takes in the edge, which full resolution then decides.
            grown = ndimage.binary_dilation(whole)
            closed[side] = grown[reach:-reach, reach:-reach]
        for side, mask in closed.items():
            other = labels[k] == (LEFT if side == RIGHT else RIGHT)
            filled[k][mask & ~other & (filled[k] == 0)] = side
        filled[k][ndimage.binary_dilation(airway[k]) & (labels[k] == 0)] = 0
        peripheral[k] = _periphery(filled[k], pixel)
    return filled, peripheral


def _periphery(filled: Labels, pixel: tuple[float, ...]) -> Mask:
    from scipy import ndimage

    right_of = np.logical_or.accumulate(filled == RIGHT, axis=1)
    left_of = np.logical_or.accumulate((filled == LEFT)[:, ::-1], axis=1)[:, ::-1]
    between = right_of & left_of & (filled == 0)
    deep: NDArray[Any] = ndimage.distance_transform_edt(filled > 0, sampling=pixel) > _RIM_MM
    if between.any():
        deep &= ndimage.distance_transform_edt(~between, sampling=pixel) > _HILUM_MM
    return np.asarray(deep, dtype=np.bool_)


def _box(filled: Labels) -> tuple[slice, slice, slice]:
    spans = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        used = np.flatnonzero((filled > 0).any(axis=others))
        spans.append(slice(int(used[0]), int(used[-1]) + 1))
    return spans[0], spans[1], spans[2]


def _finer(grid: NDArray[Any], step: int) -> NDArray[Any]:
    return grid if step == 1 else grid.repeat(step, axis=1).repeat(step, axis=2)
