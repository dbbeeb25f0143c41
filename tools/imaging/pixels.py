"""Reading and decoding single DICOM files that may be broken, hostile or unusual."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.imaging.sources import Source

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MOST_BYTES = 2 << 30  # pixels of one file or one series
_MOST_FRAMES = 20_000
_MOST_INFLATED = 512 << 20
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_AIR_HU, _MOST_HU = -1024, 32767

# What pydicom, its plugins and Pillow let escape on broken files, as seen on awkward ones.
READ_ERRORS = (
    ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError,
    OSError, RecursionError, RuntimeError, StopIteration, TypeError, ValueError, lzma.LZMAError,
    struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class LeftOut(Exception):
    """A file or series that is not taken.

    Attributes:
        reason: What it is, in words that name no file, person or value: "it is a localizer".
        advice: What would help, or "".
    """

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


def read_dataset(source: Source, *, with_pixels: bool) -> Dataset:
    """A data set, with its pixels or up to them.

    Raises:
        LeftOut: When the file cannot be parsed or unpacks without bound.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        with source.open() as file:
            _refuse_bomb(file.read(1024), source)
            file.seek(0)
            return dcmread(file, stop_before_pixels=not with_pixels, force=True)
    except (InvalidDicomError, *READ_ERRORS) as error:
        raise LeftOut("its DICOM header is broken", "export it again") from error


def _refuse_bomb(head: bytes, source: Source) -> None:
    """A deflated data set may unpack a thousandfold; pydicom would hold all of it."""
    if _DEFLATED not in head or len(head) < 144 or head[128:132] != b"DICM":
        return
    start = 144 + int(struct.unpack("<I", head[140:144])[0])
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = 0
    with source.open() as file:
        file.seek(start)
        while chunk := file.read(1 << 16):
            while chunk:
                unpacked += len(inflate.decompress(chunk, 1 << 20))
                if unpacked > _MOST_INFLATED:
                    raise LeftOut(f"it unpacks to more than {_MOST_INFLATED >> 20} MiB")
                chunk = inflate.unconsumed_tail


def stored_frames(dataset: Dataset) -> NDArray[Any]:
    """Stored pixel values, (frames, rows, columns), no rescale.

    Raises:
        LeftOut: When the header claims too much, the transfer syntax has no decoder here, or the
            pixels are broken.
    """
    from pydicom.errors import InvalidDicomError

    refuse_large(dataset)
    _need_decoder(dataset)
    try:
        values = dataset.pixel_array
    except (InvalidDicomError, *READ_ERRORS) as error:
        raise LeftOut(
            "its pixels are truncated, or encoded in a way that cannot be decoded here"
            f" ({dataset.file_meta.TransferSyntaxUID.name})",
            "export it again, uncompressed",
        ) from error
    return values if values.ndim == 3 else values[np.newaxis]


def refuse_large(dataset: Dataset) -> None:
    """Refuse by what the header claims, before anything is allocated.

    Raises:
        LeftOut: Above 2 GiB, or when rows or columns are no numbers.
    """
    try:
        claimed = (
            int(dataset.Rows)
            * int(dataset.Columns)
            * int(dataset.get("NumberOfFrames") or 1)
            * int(dataset.get("SamplesPerPixel") or 1)
            * max(1, int(dataset.get("BitsAllocated") or 16) // 8)
        )
    except READ_ERRORS as error:
        raise LeftOut("its header gives no rows and columns") from error
    if claimed > MOST_BYTES:
        raise LeftOut(
            f"its header claims {claimed >> 20} MiB of pixels; at most {MOST_BYTES >> 20} are read"
        )
    if int(dataset.get("NumberOfFrames") or 1) > _MOST_FRAMES:
        raise LeftOut(f"its header claims more than {_MOST_FRAMES} frames")
    if claimed <= 0:
        raise LeftOut("its header claims no pixels")


def _need_decoder(dataset: Dataset) -> None:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    meta = getattr(dataset, "file_meta", None)
    syntax = UID(str(meta.get("TransferSyntaxUID", ""))) if meta is not None else UID("")
    if not syntax:
        raise LeftOut("it does not say how its pixels are encoded", "export it again")
    known = syntax.name if syntax.is_transfer_syntax else "an unknown transfer syntax"
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise LeftOut(
            f"its pixels are encoded as {known}, which cannot be decoded",
            "export it uncompressed",
        ) from error
    if not decoder.is_available:
        packages = decoder.missing_dependencies[-1].rpartition("requires ")[2]
        raise LeftOut(f"its pixels are encoded as {known}", f"install {packages}")


def padding_mask(dataset: Dataset, stored: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Where PixelPaddingValue (or its range) stands; None when there is none to be found.

    Scanners write the value as unsigned beside signed pixels (63536 for -2000): it is read as
    the pixels are.
    """
    low = _padding(dataset, "PixelPaddingValue")
    if low is None:
        return None
    high = _padding(dataset, "PixelPaddingRangeLimit")
    first, last = min(low, low if high is None else high), max(low, low if high is None else high)
    mask: NDArray[np.bool_] = (stored >= first) & (stored <= last)
    return mask if bool(mask.any()) else None


def _padding(dataset: Dataset, keyword: str) -> int | None:
    try:
        value = dataset.get(keyword)
        if isinstance(value, bytes):  # an unknown VR leaves the two bytes as they are
            value = int.from_bytes(value[:2], "little")
        if value is None or value == "":
            return None
        number = int(value)
        if int(dataset.get("PixelRepresentation") or 0) == 1:
            return number - 65536 if number > 32767 else number
        return number + 65536 if number < 0 else number
    except READ_ERRORS:
        return None


def to_hu(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[np.int16]:
    """Rescale to HU, rounded; below -1024 is -1024, as nothing is thinner than air."""
    hu: NDArray[Any]
    if slope == 1.0 and intercept == int(intercept) and stored.dtype.kind in "iu":
        hu = stored.astype(np.int32) + np.int32(intercept)
    else:
        hu = np.rint(stored.astype(np.float64) * slope + intercept)
    clipped: NDArray[np.int16] = np.clip(hu, _AIR_HU, _MOST_HU).astype(np.int16)
    return clipped


def rescaled(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[np.float32]:
    """Values that are not HU (MR, PET) in the unit that the header's rescale leads to.

    Raises:
        LeftOut: When the rescale leads out of float32.
    """
    values = stored.astype(np.float64) * slope + intercept
    if bool(np.any(np.abs(values) > np.finfo(np.float32).max)):
        raise LeftOut("its rescale makes numbers that are too large")
    return values.astype(np.float32)
