"""Body, airway and touching lungs: the shapes that a lung search has to set aside or part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools.imaging.preconditions import CannotMeasure

Mask = NDArray[np.bool_]

_TISSUE_HU = -300
_AIRWAY_CM2 = (0.1, 8.0)  # a trachea has 1 to 4, a main bronchus cut across less
_TRACHEA_CM2 = 0.4
_MIDLINE_MM = 35.0
_PARTED_SHARE, _PARTED_MM = 0.35, 90.0  # of the larger lung; between their middles
_GAS_HU, _GAS_SHARE = -965, 0.6  # gas is air through and through, lung is not
_IN_PLANE = np.zeros((3, 3, 3), dtype=np.bool_)
_IN_PLANE[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]


def inside_body(grid: NDArray[np.int16]) -> Mask:
    """The body with the air in it, slice by slice; no table and no clothes.

    Args:
        grid: (slices, rows, columns) int16, HU.

    Raises:
        CannotMeasure: When there is no tissue.
    """
    from scipy import ndimage

    flat = np.ones((1, 3, 3), dtype=np.bool_)
    tissue = ndimage.binary_erosion(grid > _TISSUE_HU, flat)
    pieces, count = ndimage.label(tissue)
    if count == 0:
        raise CannotMeasure("no body is found")
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    body = ndimage.binary_dilation(pieces == int(sizes.argmax()), flat)
    outside, _ = ndimage.label(~body, structure=_IN_PLANE)
    edge = np.zeros(int(outside.max()) + 1, dtype=np.bool_)
    for side in (outside[:, 0], outside[:, -1], outside[:, :, 0], outside[:, :, -1]):
        edge[np.unique(side)] = True
    edge[0] = False
    enclosed: Mask = ~edge[outside]
    return enclosed


def find_airway(air: Mask, spacing: tuple[float, float, float]) -> Mask:
    """Trachea and main bronchi: followed from the top until they run into a lung.

    Args:
        air: (slices, rows, columns), head last: air inside the body.
        spacing: Between slices, rows and columns in millimetres.
    """
    from scipy import ndimage

    pixel_cm2 = spacing[1] * spacing[2] / 100.0
    spots, count = ndimage.label(air, structure=_IN_PLANE)
    areas = np.bincount(spots.ravel(), minlength=count + 1) * pixel_cm2
    middle = float(np.flatnonzero(air.any(axis=(0, 1))).mean()) if count else 0.0
    airway = np.zeros_like(air)
    current: Mask | None = None
    for k in range(len(air) - 1, -1, -1):
        met = np.unique(spots[k] if current is None else spots[k][current])
        here = [int(i) for i in met if i and _AIRWAY_CM2[0] <= areas[i] <= _AIRWAY_CM2[1]]
        if current is None:
            here = [i for i in here if _is_trachea(spots[k] == i, areas[i], middle, spacing)]
        elif not here:
            break
        if here:
            current = np.isin(spots[k], here)
            airway[k] = current
    return airway


def _is_trachea(
    spot: Mask, area_cm2: float, middle: float, spacing: tuple[float, float, float]
) -> bool:
    """Round, of a trachea's size and near the midline."""
    rows, columns = np.nonzero(spot)
    height = (np.ptp(rows) + 1) * spacing[1]
    width = (np.ptp(columns) + 1) * spacing[2]
    off_mm = abs(float(columns.mean()) - middle) * spacing[2]
    round_enough = 0.4 < height / width < 2.5
    return bool(area_cm2 >= _TRACHEA_CM2 and off_mm < _MIDLINE_MM and round_enough)


def part_lungs(both: Mask, spacing: tuple[float, float, float]) -> list[Mask]:
    """Two lungs that touch: erode until they part, then grow back along the distance.

    Raises:
        CannotMeasure: When they do not part into two of similar size.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    flat = np.ones((1, 3, 3), dtype=np.bool_)
    core = both
    for _ in range(8):
        core = ndimage.binary_erosion(core, flat)
        pieces, count = ndimage.label(core)
        sizes = np.bincount(pieces.ravel(), minlength=count + 1)
        sizes[0] = 0
        order = np.argsort(sizes)[::-1]
        if count >= 2 and sizes[order[1]] > _PARTED_SHARE * sizes[order[0]]:
            halves = [pieces == order[0], pieces == order[1]]
            # A recess may part from its lung before the lungs part from each other.
            if abs(_middle(halves[0]) - _middle(halves[1])) * spacing[2] < _PARTED_MM:
                continue
            markers = np.zeros(both.shape, dtype=np.int32)
            markers[halves[0]], markers[halves[1]] = 1, 2
            # Lungs touch along thin lines in the plane; through slices the same lines may be deep.
            depth = np.stack([ndimage.distance_transform_edt(one) for one in both])
            parts = watershed(-depth, markers, mask=both)  # type: ignore[no-untyped-call]
            return [parts == 1, parts == 2]
    raise CannotMeasure("only one aerated lung is found, or the two cannot be told apart")


def is_gas(grid: NDArray[np.int16], piece: Mask) -> bool:
    """Whether a piece is gas in stomach or bowel (or one large bulla) and not lung."""
    return float((grid[piece] < _GAS_HU).mean()) > _GAS_SHARE


def _middle(mask: Mask) -> float:
    """Mean column of a mask."""
    return float(mask.sum(axis=(0, 1)) @ np.arange(mask.shape[2]) / mask.sum())
