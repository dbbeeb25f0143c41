"""How the voxels of a NIfTI file lie in the patient, in DICOM's axes and millimetres.

NIfTI's world is RAS (x to the right, y to the front, z to the head), DICOM's is LPS. Nothing is
resampled: axes are only swapped and turned round until slices read as DICOM's do, and the affine
follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.imaging.deidentify import plane_of

Floats = NDArray[np.float64]
Header = Any  # nibabel's header classes are not annotated
Three = tuple[int, int, int]

_UNITS_MM = {"meter": 1000.0, "mm": 1.0, "micron": 0.001}
_PLAUSIBLE_MM = (0.2, 10.0)  # voxels of a clinical scanner
_POSSIBLE_MM = (0.01, 50.0)  # beyond it the unit that the file names is wrong
_IN_PATIENT = (1, 2)  # codes: scanner, and aligned to another scan; the others are atlases
_FAR = 1e7  # beyond it, and where numbers are no numbers, an affine is broken
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_SQUARE = 0.0175  # cosine: axes within one degree of a right angle
_SAME_SIZE = 0.02
_COARSE = 1.5  # an axis whose voxels are that much longer is the one of the slices

# By the world axis that slices are stacked along: the world axis and direction that slices, rows
# and columns run to, as in DICOM images that are not turned.
_READING = {
    0: ((0, -1), (2, -1), (1, 1)),  # sagittal: to the right, to the feet, to the back
    1: ((1, 1), (2, -1), (0, 1)),  # coronal: to the back, to the feet, to the left
    2: ((2, 1), (1, 1), (0, 1)),  # axial: to the head, to the back, to the left
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Geometry:
    """How the file's axes become slices, rows and columns, and where these lie.

    Attributes:
        order: The file's axes that become slices, rows and columns.
        turned: Which of those three run against the file's axis.
        plane: axial, sagittal, coronal, oblique, or "" when unknown.
        is_regular: Several slices in one square geometry whose orientation is known.
        affine_lps_mm: (4, 4), from (slice, row, column, 1) to LPS millimetres; None when unknown.
        spacing_mm: Between slices, rows and columns; None likewise.
    """

    order: Three = (2, 1, 0)
    turned: tuple[bool, bool, bool] = (False, False, False)
    plane: str = ""
    is_regular: bool = False
    affine_lps_mm: Floats | None = None
    spacing_mm: tuple[float, float, float] | None = None


def geometry_of(header: Header, shape: Three) -> tuple[Geometry, tuple[str, ...]]:
    """Read the geometry out of a NIfTI-1 or NIfTI-2 header.

    Args:
        header: nibabel's.
        shape: Along the file's first three axes.

    Returns:
        The geometry, and what it leaves unknown and why.

    Raises:
        ValueError and the like: When the header is broken.
    """
    limits: list[str] = []
    ras, is_atlas = _affine(header, shape, limits)
    if ras is None:
        return Geometry(), tuple(limits)
    lps = _LPS @ ras
    sizes = np.linalg.norm(lps[:3, :3], axis=0)
    if not (float(np.abs(lps).max()) < _FAR and float(sizes.min()) > 0):
        limits.append("its orientation is broken: right and left are not known, no measuring")
        return Geometry(), tuple(limits)
    cosines = lps[:3, :3] / sizes
    order, turned = _reading_order(cosines, _slice_axis(header, shape, sizes))
    known = Geometry(order=order, turned=turned)
    if float(np.abs(cosines.T @ cosines - np.eye(3)).max()) > _SQUARE:
        limits.append("its slices are tilted against their stack: no volume, no measuring")
        return known, tuple(limits)
    known = replace(known, plane=plane_of([*cosines[:, order[2]], *cosines[:, order[1]]]))
    if shape[order[0]] == 1:
        limits.append("a single slice: no measuring")
        return known, tuple(limits)
    known = replace(known, is_regular=True)
    unit_mm = _unit_mm(header, sizes, limits)
    if is_atlas or unit_mm is None or not _sizes_agree(header, sizes, limits):
        return known, tuple(limits)
    affine = np.eye(4)
    affine[:3, :3] = lps[:3, list(order)] * np.where(turned, -1.0, 1.0)
    corner = [shape[a] - 1 if turned[order.index(a)] else 0 for a in range(3)]
    affine[:3, 3] = (lps @ [*corner, 1.0])[:3]
    affine[:3] *= unit_mm
    slice_mm, row_mm, column_mm = (float(s) * unit_mm for s in sizes[list(order)])
    return (
        replace(known, affine_lps_mm=affine, spacing_mm=(slice_mm, row_mm, column_mm)),
        tuple(limits),
    )


def _affine(header: Header, shape: Three, limits: list[str]) -> tuple[Floats | None, bool]:
    """The affine to RAS, None when unknown, and whether it leads into an atlas."""
    coded = [header.get_sform(coded=True), header.get_qform(coded=True)]
    known = [(np.asarray(a, dtype=np.float64), int(c)) for a, c in coded if c and a is not None]
    patient = [affine for affine, code in known if code in _IN_PATIENT]
    if len(patient) == 2:
        corners = np.array(
            [[i, j, k, 1] for i in (0, shape[0]) for j in (0, shape[1]) for k in (0, shape[2])]
        )
        apart = float(np.abs((patient[0] - patient[1]) @ corners.T).max())
        if not apart <= 0.5 * float(np.linalg.norm(patient[0][:3, :3], axis=0).max()):
            if not _run_alike(patient[0], patient[1]):
                limits.append(
                    "its two orientations (sform and qform) contradict each other: right and left, "
                    "up and down are not known, no measuring"
                )
                return None, False
            limits.append("its two places (sform and qform) disagree: the sform is taken")
    if patient:
        return patient[0], False
    if known:
        limits.append("it is aligned to an atlas: its sizes are not the patient's, no measuring")
        return known[0][0], True
    limits.append(
        "the file does not say how it lies in the patient (sform and qform codes are 0): right and "
        "left, up and down are not known, no measuring"
    )
    return None, False


def _run_alike(one: Floats, other: Floats) -> bool:
    """Whether every axis runs to the same side of the patient, within 45 degrees."""
    a, b = (m[:3, :3] / np.linalg.norm(m[:3, :3], axis=0) for m in (one, other))
    return bool(((a * b).sum(axis=0) > 0.7).all())


def _slice_axis(header: Header, shape: Three, sizes: Floats) -> int:
    """The file's axis that slices were acquired along: single, said, coarse, else the third."""
    single = [a for a in range(3) if shape[a] == 1]
    if len(single) == 1:
        return single[0]
    said = header.get_dim_info()[2]
    if said is not None:
        return int(said)
    longest = int(np.argmax(sizes))
    if float(sizes[longest]) > _COARSE * float(np.sort(sizes)[1]):
        return longest
    return 2


def _reading_order(cosines: Floats, slice_axis: int) -> tuple[Three, tuple[bool, bool, bool]]:
    """Which axes become slices, rows and columns, and which of them are turned round."""
    from nibabel.orientations import io_orientation

    affine = np.eye(4)
    affine[:3, :3] = cosines
    nearest: Sequence[Sequence[float]] = io_orientation(affine).tolist()  # type: ignore[no-untyped-call]
    world = [int(axis) for axis, _ in nearest]
    order: list[int] = []
    turned: list[bool] = []
    for axis, direction in _READING[world[slice_axis]]:
        order.append(world.index(axis))
        turned.append(nearest[order[-1]][1] != direction)
    return (order[0], order[1], order[2]), (turned[0], turned[1], turned[2])


def _unit_mm(header: Header, sizes: Floats, limits: list[str]) -> float | None:
    """Millimetres of the unit of length; None when it is not known."""
    unit = header.get_xyzt_units()[0]
    if unit in _UNITS_MM:
        smallest, largest = (float(s) * _UNITS_MM[unit] for s in (sizes.min(), sizes.max()))
        if _POSSIBLE_MM[0] <= smallest and largest <= _POSSIBLE_MM[1]:
            return _UNITS_MM[unit]
        limits.append(
            f"its voxels are {smallest:.3g} to {largest:.3g} mm by the unit of length that the "
            "file names, as no scanner's are: no measuring"
        )
        return None
    if _PLAUSIBLE_MM[0] <= float(sizes.min()) and float(sizes.max()) <= _PLAUSIBLE_MM[1]:
        limits.append("the file names no unit of length: its voxel sizes are taken as millimetres")
        return 1.0
    limits.append(
        "the file names no unit of length, and its voxel sizes do not look like "
        "millimetres: no measuring"
    )
    return None


def _sizes_agree(header: Header, sizes: Floats, limits: list[str]) -> bool:
    """Whether pixdim and the affine give the same voxel sizes."""
    pixdim = np.abs(np.asarray(header["pixdim"][1:4], dtype=np.float64))
    if bool(np.all(np.abs(pixdim / sizes - 1.0) <= _SAME_SIZE)):
        return True
    limits.append("its voxel sizes and its orientation disagree on the scale: no measuring")
    return False
