"""What a NIfTI header says of the voxels behind it, checked before any of them is read.

The header's free text (descrip, aux_file, db_name, intent_name) may name a patient and is never
looked at, nor are its extensions.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from tools.imaging.nifti_geometry import Geometry, Header, Three, geometry_of
from tools.imaging.pixels import MOST_BYTES, LeftOut

_SIZES = (348, 540)  # bytes of a NIfTI-1 and a NIfTI-2 header
_MOST_PLANE = 25_000_000  # pixels of a slice: 5000 x 5000
_MOST_OFFSET = 64 << 20  # extensions may stand before the voxels


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Layout:
    """How the voxels of the first volume stand in a file, and how they lie in the patient.

    Attributes:
        shape: Along the file's axes i, j, k; i runs fastest.
        dtype: Of the stored values, with the file's byte order.
        offset: Of the first voxel, in bytes of the unpacked file.
        scale: Slope and intercept; None when values are used as stored.
        limits: What cannot be known or done, and why.
    """

    shape: Three
    dtype: np.dtype[Any]
    offset: int
    scale: tuple[float, float] | None
    geometry: Geometry
    limits: tuple[str, ...]


def read_header(file: BinaryIO) -> Layout:
    """Read the header at the start of an unpacked NIfTI file.

    Raises:
        LeftOut: For what is no single-file NIfTI image: a header of a pair, a segmentation, a
            statistical map, vectors, colour, complex values; and for one that claims too much.
        HeaderDataError, ValueError and the like: When the header is broken.
    """
    header = _parse(file)
    _refuse_other_than_image(header)
    claimed = [int(n) for n in header.get_data_shape()]
    if not claimed or min(claimed) < 1:
        raise LeftOut("its header claims no voxels")
    if any(n > 1 for n in claimed[4:]):
        raise LeftOut("it holds vectors, not an image")
    columns, rows, slices, volumes = [*claimed, 1, 1, 1][:4]
    shape = (columns, rows, slices)
    if columns * rows > _MOST_PLANE:
        raise LeftOut(
            f"its header claims slices of more than {_MOST_PLANE // 1_000_000} million pixels"
        )
    bytes_needed = columns * rows * slices * 4
    if bytes_needed > MOST_BYTES:
        raise LeftOut(
            f"its header claims {bytes_needed >> 20} MiB of voxels; "
            f"at most {MOST_BYTES >> 20} are read"
        )
    offset = int(header["vox_offset"])
    if not header.sizeof_hdr <= offset <= _MOST_OFFSET:
        raise LeftOut("its header does not say where its voxels begin", "export it again")
    slope, intercept = header.get_slope_inter()
    geometry, limits = geometry_of(header, shape)
    if volumes > 1:
        limits = (
            f"the first of {volumes} volumes (time points, echoes or directions): the others are "
            "left out, split the file to see them",
            *limits,
        )
    return Layout(
        shape=shape,
        dtype=header.get_data_dtype(),
        offset=offset,
        scale=None if slope is None or (slope, intercept) == (1.0, 0.0) else (slope, intercept),
        geometry=geometry,
        limits=limits,
    )


def _parse(file: BinaryIO) -> Header:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    start = file.read(4)
    sizes = (int.from_bytes(start, "little"), int.from_bytes(start, "big"))
    size = next((s for s in _SIZES if s in sizes), 0)
    block = start + file.read(max(0, size - 4))
    if not size or len(block) < size:
        raise LeftOut("it is no NIfTI file", "export it again")
    kind: Any = Nifti1Header if size == _SIZES[0] else Nifti2Header
    header = kind(block, check=False)
    magic = bytes(header["magic"].item())
    if magic.startswith(b"ni"):
        raise LeftOut("it is half of a NIfTI pair (.hdr and .img)", "convert it to one .nii file")
    if not magic.startswith(b"n+"):
        raise LeftOut("it is an ANALYZE file, whose sides are not known", "convert it to NIfTI")
    quiet = logging.Logger("nifti")  # nibabel mends small faults and would tell the log of each
    quiet.disabled = True
    header.check_fix(logger=quiet)
    return header


def _refuse_other_than_image(header: Header) -> None:
    intent = int(header["intent_code"])
    if intent in (1002, 1003):
        raise LeftOut("it is a segmentation, not an image", "give the image it was drawn on")
    if 2 <= intent <= 24:
        raise LeftOut("it is a statistical map, not an image", "give the image it was made from")
    if 1004 <= intent <= 1010 or 2002 <= intent <= 2005:
        raise LeftOut("it holds vectors or a surface, not an image")
    dtype = header.get_data_dtype()
    if dtype.fields is not None:
        raise LeftOut("it is in colour: a picture or a map, not an image")
    if dtype.kind == "c":
        raise LeftOut("its values are complex numbers", "export the magnitude")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise LeftOut("its values are of a type that is not read", "export it as float32")
