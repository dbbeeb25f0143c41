"""What spoils a CT volume, as far as its voxels show it.

All are hints taken from every few voxels: the body cut off by the field of view, lungs cut off by
the scan range, a jump of the body's outline, very dense material, noise. What the voxels do not
show for certain (blur by breathing, beam hardening, partial volume) is not guessed at.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tools.imaging.chest import inside_body
from tools.imaging.planes import patient_axes, turn_for
from tools.imaging.preconditions import CannotMeasure
from tools.imaging.volume import Volume

Hu = NDArray[np.int16]
Spacing = tuple[float, float, float]

_TISSUE_HU, _AERATED_HU, _DENSE_HU = -300, -400, 3000
_GRID_MM = 2.8
_SAMPLE_SLICES = 24
_CUT_MM, _CUT_SHARE = 40.0, 0.1  # of the outline in a slice; of the slices
_LUNG_CM2 = 10.0  # in one piece; apices and costophrenic tips are smaller
_GAS_HU, _GAS_SHARE = -965, 0.35  # bowel gas is that thin in most places, lung is not
_DENSE_ML = 1.0
_JUMP_SHARE, _JUMP_AROUND, _JUMP_BESIDE = 0.03, 4.0, 3.0
_MOST_APART_MM = 5.0
_QUIET_HU = 40.0
_BLOCK, _FEWEST_BLOCKS = 8, 200


def limits_of_ct(volume: Volume, *, may_show_lungs: bool) -> Iterator[str]:
    """What spoils a CT volume for a reader.

    Args:
        volume: In HU with a known spacing; other volumes have nothing said of them. Only axial
            volumes are looked at for what is cut off or has moved.
        may_show_lungs: False for a study of another part of the body, where lung at the edge of
            the range is to be expected.
    """
    spacing_mm, affine = volume.spacing_mm, volume.affine_lps_mm
    if volume.unit != "HU" or spacing_mm is None or affine is None:
        return
    hu = volume.voxels.astype(np.int16, copy=False)
    if _is_axial(affine):
        yield from _cut_by_field(volume, spacing_mm)
        if may_show_lungs:
            yield from _cut_by_range(hu, spacing_mm, affine)
        yield from _moved(hu, spacing_mm)
    yield from _dense(hu, spacing_mm)
    yield from _noisy(hu)


def _is_axial(affine: NDArray[np.float64]) -> bool:
    return bool(abs(affine[2, 0]) > 0.9 * float(np.linalg.norm(affine[:3, 0])))


def _cut_by_field(volume: Volume, spacing_mm: Spacing) -> Iterator[str]:
    """Tissue along the border of the field of view; the back is left out, as the table is there."""
    axes = patient_axes(volume)
    if axes is None:
        return
    turn = turn_for(axes, 0)
    down_mm, right_mm = spacing_mm[2:0:-1] if turn.is_transposed else spacing_mm[1:]
    numbers = _even(volume.slices)
    cut = dict.fromkeys(("right", "left", "front"), 0)
    for k in numbers:
        tissue = volume.voxels[k] > _TISSUE_HU
        border = _border(volume.valid_slice(int(k)), tissue.shape)
        upright = turn.apply((tissue & border).view(np.uint8))
        rows, columns = np.nonzero(upright)
        y, x = rows / upright.shape[0] - 0.5, columns / upright.shape[1] - 0.5
        sides = {
            "right": (x < 0) & (np.abs(x) >= np.abs(y)),
            "left": (x > 0) & (np.abs(x) >= np.abs(y)),
            "front": (y < 0) & (np.abs(y) > np.abs(x)),
        }
        for side, there in sides.items():
            mm = right_mm if side == "front" else down_mm
            cut[side] += int(there.sum()) * mm >= _CUT_MM
    where = [side for side, count in cut.items() if count >= max(2, _CUT_SHARE * len(numbers))]
    if where:
        yield f"the field of view cuts the body off ({', '.join(where)}): that part is not shown"


def _border(valid: NDArray[np.bool_] | None, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The outermost pixels that were imaged: of the picture, or of the circle within padding."""
    imaged = np.zeros((shape[0] + 2, shape[1] + 2), dtype=np.bool_)
    imaged[1:-1, 1:-1] = True if valid is None else valid
    within = imaged[:-2, 1:-1] & imaged[2:, 1:-1] & imaged[1:-1, :-2] & imaged[1:-1, 2:]
    return imaged[1:-1, 1:-1] & ~within


def _cut_by_range(hu: Hu, spacing_mm: Spacing, affine: NDArray[np.float64]) -> Iterator[str]:
    head_last = affine[2, 0] > 0
    step = _step(spacing_mm)
    pixel_cm2 = spacing_mm[1] * spacing_mm[2] * step**2 / 100.0
    for end, index in (("top", -1 if head_last else 0), ("bottom", 0 if head_last else -1)):
        area = _largest_lung(hu[index][::step, ::step]) * pixel_cm2
        if area > _LUNG_CM2:
            yield (
                f"the scan may cut the lungs off at the {end}: {area:.0f} cm2 of aerated tissue in "
                "its end slice"
            )


def _largest_lung(grid: Hu) -> int:
    """Pixels of the largest piece of air in the body that has tissue in it, as lung has."""
    from scipy import ndimage

    flat = grid[np.newaxis]
    try:
        air = (flat < _AERATED_HU) & inside_body(flat)
    except CannotMeasure:  # no tissue in this slice
        return 0
    pieces, count = ndimage.label(air)
    sizes = [
        int(piece.sum())
        for piece in (pieces == i for i in range(1, count + 1))
        if float((flat[piece] < _GAS_HU).mean()) < _GAS_SHARE
    ]
    return max(sizes, default=0)


def _moved(hu: Hu, spacing_mm: Spacing) -> Iterator[str]:
    """One jump of the outline among neighbours that follow each other closely."""
    if spacing_mm[0] > _MOST_APART_MM or len(hu) < 12:
        return
    step = _step(spacing_mm)
    tissue = hu[:, ::step, ::step] > _TISSUE_HU
    # From the first to the last tissue of each row: vessels, lungs and bowel play no part.
    filled = np.logical_or.accumulate(tissue, axis=2)
    filled &= np.logical_or.accumulate(tissue[:, :, ::-1], axis=2)[:, :, ::-1]
    areas = filled.sum(axis=(1, 2))
    changed = (filled[1:] ^ filled[:-1]).sum(axis=(1, 2))
    share = changed / np.maximum(1, np.minimum(areas[1:], areas[:-1]))
    for k in range(4, len(share) - 4):
        around = np.concatenate([share[k - 4 : k], share[k + 1 : k + 5]])
        if (
            share[k] > _JUMP_SHARE
            and share[k] > _JUMP_AROUND * float(np.median(around))
            and share[k] > _JUMP_BESIDE * float(max(share[k - 1], share[k + 1]))
        ):
            yield f"the patient may have moved between slices {k + 1} and {k + 2}"
            return


def _dense(hu: Hu, spacing_mm: Spacing) -> Iterator[str]:
    step = _step(spacing_mm)
    dense = (hu[:, ::step, ::step] >= _DENSE_HU).sum(axis=(1, 2))
    ml = float(dense.sum()) * float(np.prod(spacing_mm)) * step**2 / 1000.0
    if ml >= _DENSE_ML:
        yield (
            f"metal or undiluted contrast, most in slice {int(dense.argmax()) + 1}: "
            "streaks may hide or imitate findings beside it"
        )


def _noisy(hu: Hu) -> Iterator[str]:
    """Standard deviation of small blocks of soft tissue; the calmer quarter has no edges in it."""
    spreads: list[NDArray[np.float32]] = []
    for k in _even(len(hu)):
        rows, columns = (n // _BLOCK for n in hu.shape[1:])
        slice_hu = hu[k][: rows * _BLOCK, : columns * _BLOCK].astype(np.float32)
        blocks = slice_hu.reshape(rows, _BLOCK, columns, _BLOCK)
        means = blocks.mean(axis=(1, 3))
        spreads.append(blocks.std(axis=(1, 3))[(means > 0) & (means < 100)])
    spread = np.concatenate(spreads)
    if spread.size < _FEWEST_BLOCKS:
        return
    noise = float(np.percentile(spread, 25))
    if noise > _QUIET_HU:
        yield (
            f"noisy (about {noise:.0f} HU in soft tissue: low dose or a sharp kernel): subtle "
            "differences of density cannot be seen"
        )


def _step(spacing_mm: Spacing) -> int:
    """Every how many pixels are enough."""
    return max(1, round(_GRID_MM / spacing_mm[2]))


def _even(slices: int) -> NDArray[np.intp]:
    """Up to 24 slice indices, evenly apart, both ends among them."""
    return np.unique(np.linspace(0, slices - 1, _SAMPLE_SLICES).round().astype(np.intp))
