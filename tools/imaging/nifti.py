"""NIfTI files (.nii, .nii.gz) as series: their values in HU where they are a CT's.

A NIfTI file does not say its modality. Without a word from the person, values that look like
Hounsfield units are taken as such, and that is said; all others are in an unknown unit.
"""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from tools.errors import UserError
from tools.imaging.deidentify import MODALITIES
from tools.imaging.nifti_header import Layout, read_header
from tools.imaging.pixels import READ_ERRORS, LeftOut
from tools.imaging.series import Series
from tools.imaging.sources import Source
from tools.imaging.volume import Volume, pack_valid

Voxels = NDArray[np.int16] | NDArray[np.float32]

_AIR_HU, _MOST_HU = -1024, 32767
_THINNEST_HU = -1500  # noise does not reach it; scanners pad with -2000 or less
_PADDING = -32768  # stands for padding in an HU array until the mask is packed; NaN in others
_SAMPLE_SLICES, _SAMPLE_ROWS, _SAMPLE_COLUMNS = 24, 128, 4096
_BOMB_BYTES, _BOMB_RATIO = 64 << 20, 200  # gzip packs images two to tenfold
_ALIKE = 0.75  # share of neighbours with one value, above which values are labels
_SOFT_TISSUE_HU = (-150.0, 150.0)

_INFERRED = (
    "a NIfTI file does not say its modality: values look like HU and are taken as CT; "
    "say --modality MR if that is wrong"
)
_UNKNOWN = (
    "a NIfTI file does not say what its values mean: they are not known to be HU; "
    "give --modality CT if it is a CT"
)
_NO_HU = "it is given as a CT, but no value is below 0: they are not HU, no measuring in HU"
_NO_DETAILS = "a NIfTI file does not say slice thickness, kernel or contrast"


def read_nifti(source: Source, *, modality: str = "") -> tuple[Series, Volume]:
    """Read the first volume of a NIfTI-1 or NIfTI-2 file, packed with gzip or not.

    Slices are read one by one into their place, so memory is the result and one slice. The file is
    gone through twice: first a sample, which says what the values are.

    Args:
        source: The file, by its content; its name is not looked at.
        modality: A DICOM modality ("CT", "MR", "PT"), or "" when it is not known.

    Returns:
        The series, its `id` and `ref` still empty, and its volume: int16 HU for CT, padding
        (below -1500 HU) masked, float32 else. Slices, rows and columns run as in an axial (or
        coronal, or sagittal) DICOM image; values that are not finite are masked.

    Raises:
        LeftOut: For what is no image, is broken, or is too large.
        UserError: For a modality that DICOM does not know.
    """
    from nibabel.spatialimages import HeaderDataError

    said = modality.strip().upper()
    if said and said not in MODALITIES:
        raise UserError(f"{modality!r} is no modality; give one of {', '.join(sorted(MODALITIES))}")
    try:
        # Numbers in a broken header may overflow; what comes of them is checked.
        with _unpacked(source) as (file, size), np.errstate(all="ignore"):
            layout = read_header(file)
            _refuse_bomb(layout, size)
            sample = _sample(file, layout)
    except (HeaderDataError, *READ_ERRORS) as error:
        raise LeftOut("its NIfTI header is broken", "export it again") from error
    if _are_labels(sample):
        raise LeftOut(
            "it is a segmentation or empty, not an image", "give the image it was drawn on"
        )
    modality, is_hu, why = _meaning(said, sample)
    try:
        with _unpacked(source) as (file, _), np.errstate(all="ignore"):
            voxels, has_padding = _read(file, layout, is_hu)
    except READ_ERRORS as error:
        raise LeftOut("its voxels are truncated or damaged", "export it again") from error
    valid_bits = _pack(voxels, is_hu) if has_padding else None
    series = Series(
        ref="",
        kind="volume" if layout.geometry.is_regular else "slices",
        modality=modality,
        unit="HU" if is_hu else "stored",
        slices=voxels.shape[0],
        rows=voxels.shape[1],
        columns=voxels.shape[2],
        spacing_mm=layout.geometry.spacing_mm,
        plane=layout.geometry.plane,
        origin="NIfTI",
        limits=(*((why,) if why else ()), *layout.limits, _NO_DETAILS),
    )
    volume = Volume(
        voxels=voxels,
        unit="HU" if is_hu else "stored",
        affine_lps_mm=layout.geometry.affine_lps_mm,
        spacing_mm=layout.geometry.spacing_mm,
        valid_bits=valid_bits,
    )
    return series, volume


@contextmanager
def _unpacked(source: Source) -> Iterator[tuple[BinaryIO, int]]:
    """The file without its gzip packing, and how many bytes it has as it is."""
    with source.open() as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast("BinaryIO", unpacked), size
        else:
            yield file, size


def _refuse_bomb(layout: Layout, size: int) -> None:
    """Refuse what would unpack to far more than the file, before unpacking it."""
    claimed = math.prod(layout.shape) * layout.dtype.itemsize
    if claimed > _BOMB_BYTES and claimed > _BOMB_RATIO * size:
        raise LeftOut(f"it claims to hold more than {_BOMB_RATIO} times its size, as no image does")


def _plane(file: BinaryIO, layout: Layout, index: int) -> NDArray[Any]:
    """Plane k of the first volume, (j, i), as stored."""
    columns, rows = layout.shape[:2]
    size = columns * rows * layout.dtype.itemsize
    file.seek(layout.offset + index * size)
    content = file.read(size)
    if len(content) < size:
        raise LeftOut("its voxels are truncated", "export it again")
    return np.frombuffer(content, dtype=layout.dtype).reshape(rows, columns)


def _scaled(stored: NDArray[Any], layout: Layout) -> NDArray[np.float64]:
    values = stored.astype(np.float64)
    if layout.scale is not None:
        values *= layout.scale[0]
        values += layout.scale[1]
    return values


def _sample(file: BinaryIO, layout: Layout) -> NDArray[np.float64]:
    """Even slices, every few rows of them: (lines, i), what is not finite as NaN."""
    slices = np.unique(np.linspace(0, layout.shape[2] - 1, _SAMPLE_SLICES).round().astype(int))
    step = -(-layout.shape[1] // _SAMPLE_ROWS)
    lines = [
        _scaled(_plane(file, layout, int(k))[::step, :_SAMPLE_COLUMNS], layout) for k in slices
    ]
    sample = np.concatenate(lines)
    sample[~np.isfinite(sample)] = np.nan
    return sample


def _are_labels(sample: NDArray[np.float64]) -> bool:
    """Whether values are labels: whole, none negative, and nearly all like their neighbour.

    Noise sets even 8-bit images apart, whatever the count of labels.
    """
    values = sample[np.isfinite(sample)]
    if values.size == 0 or values.min() == values.max():
        return True
    if values.min() < 0 or bool(np.any(values != np.rint(values))):
        return False
    a, b = sample[:, 1:], sample[:, :-1]
    counted = (a > 0) | (b > 0)
    return bool(counted.any()) and float((a == b)[counted].mean()) > _ALIKE


def _meaning(said: str, sample: NDArray[np.float64]) -> tuple[str, bool, str]:
    """Modality, whether the values are HU, and what has to be said of it."""
    if said == "CT":
        is_hu = bool(np.nanmin(sample) < 0)
        return "CT", is_hu, "" if is_hu else _NO_HU
    if said:
        return said, False, ""
    if _look_like_hu(sample[np.isfinite(sample)]):
        return "CT", True, _INFERRED
    return "OT", False, _UNKNOWN


def _look_like_hu(values: NDArray[np.float64]) -> bool:
    """Air at about -1000, soft tissue about 0, and nothing below but one constant of padding."""
    below = values[values < -1100.0]
    if below.size:
        padding = below == below.min()
        if float((~padding).sum()) > 0.01 * values.size:
            return False
        values = values[values >= -1100.0]
    if values.size == 0 or not -1100.0 <= float(values.min()) <= -900.0:
        return False
    tissue = values[(values > -300.0) & (values < 3000.0)]
    if tissue.size < 0.02 * values.size or float(values.max()) > _MOST_HU:
        return False
    counts, edges = np.histogram(tissue, bins=66, range=(-300.0, 3000.0))
    peak = float(edges[int(counts.argmax())]) + 25.0
    share = float(((tissue > _SOFT_TISSUE_HU[0]) & (tissue < _SOFT_TISSUE_HU[1])).mean())
    return _SOFT_TISSUE_HU[0] <= peak <= _SOFT_TISSUE_HU[1] and share > 0.3


def _read(file: BinaryIO, layout: Layout, is_hu: bool) -> tuple[Voxels, bool]:
    """All voxels in their place, and whether any is padding."""
    where = layout.geometry
    shape = tuple(layout.shape[axis] for axis in where.order)
    voxels: NDArray[Any] = np.empty(shape, dtype=np.int16 if is_hu else np.float32)
    against = tuple(axis for axis in range(3) if where.turned[axis])
    # A view of the result along the file's own axes, the slowest first.
    as_filed = np.flip(voxels, against).transpose([where.order.index(a) for a in (2, 1, 0)])
    has_padding = False
    for k in range(layout.shape[2]):
        values = _scaled(_plane(file, layout, k), layout)
        if is_hu:
            np.rint(values, out=values)
            padding = ~((values >= _THINNEST_HU) & (values < np.inf))
            np.clip(values, _AIR_HU, _MOST_HU, out=values)
            values[padding] = _PADDING
        else:
            padding = ~np.isfinite(values)
            values[padding] = np.nan
            if bool(np.any(np.abs(values) > np.finfo(np.float32).max)):
                raise LeftOut("its rescale makes numbers that are too large")
        has_padding |= bool(padding.any())
        as_filed[k] = values
    return voxels, has_padding


def _pack(voxels: Voxels, is_hu: bool) -> NDArray[np.uint8]:
    """Turn the marks of padding into air or zero, and into a packed mask."""
    bits = np.empty((*voxels.shape[:2], -(-voxels.shape[2] // 8)), dtype=np.uint8)
    for picture, line in zip(voxels, bits, strict=True):
        padding = picture == _PADDING if is_hu else np.isnan(picture)
        line[:] = pack_valid(~padding)
        picture[padding] = _AIR_HU if is_hu else 0
    return bits
