"""How the pixels of a file lie in it, and what is refused before anything is allocated."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydicom.errors import BytesLengthException

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MOST_BYTES = 2 << 30  # pixels of one file or one series
_MOST_FRAMES = 20_000

# What pydicom, its plugins and Pillow let escape on broken files, as seen on awkward ones.
READ_ERRORS = (
    ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError,
    OSError, RecursionError, RuntimeError, StopIteration, TypeError, ValueError, lzma.LZMAError,
    struct.error, zipfile.BadZipFile, zlib.error, BytesLengthException,
)  # fmt: skip

_NATIVE = {
    "1.2.840.10008.1.2": "<",
    "1.2.840.10008.1.2.1": "<",
    "1.2.840.10008.1.2.1.99": "<",
    "1.2.840.10008.1.2.2": ">",
}


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Pixels:
    """How the stored values of a file are written.

    Attributes:
        syntax: Transfer syntax UID.
        shape: Frames, rows and columns.
        samples: 1, or 3 in colour.
        bits_stored: Of the bits allocated; what the others hold is garbage.
        stored: dtype of the values when they lie in the file as they are; None when pydicom has to
            read them: encapsulated, in colour, of 1 or 32 bits, or with a high bit out of place.
        padding: The lowest and highest value that stands for no value; None without padding.
        is_signed: PixelRepresentation.
        is_inverted: MONOCHROME1, low is bright.
    """

    syntax: str
    shape: tuple[int, int, int]
    samples: int
    bits_stored: int
    stored: np.dtype[np.generic] | None
    padding: tuple[int, int] | None
    is_signed: bool
    is_inverted: bool

    @property
    def is_encapsulated(self) -> bool:
        """Whether a codec is needed."""
        return self.syntax not in _NATIVE

    @property
    def is_deflated(self) -> bool:
        """Whether the whole data set is deflated."""
        return self.syntax == "1.2.840.10008.1.2.1.99"

    @property
    def native_bytes(self) -> int:
        """How long the pixels are when `stored` is known."""
        return 0 if self.stored is None else int(np.prod(self.shape)) * self.stored.itemsize


def pixels_of(dataset: Dataset, syntax: str) -> Pixels:
    """Read from a header how the pixels are written.

    Raises:
        LeftOut: When the header claims too much or nothing, or does not say how.
    """
    _refuse_large(dataset)
    if not syntax:
        raise LeftOut("it does not say how its pixels are encoded", "export it again")
    allocated = int(dataset.get("BitsAllocated") or 16)
    stored_bits = int(dataset.get("BitsStored") or allocated)
    samples = int(dataset.get("SamplesPerPixel") or 1)
    is_signed = int(dataset.get("PixelRepresentation") or 0) == 1
    order = _NATIVE.get(syntax, "")
    is_plain = (
        order
        and samples == 1
        and allocated in ((8, 16) if order == "<" else (16,))
        and 1 <= stored_bits <= allocated
        and int(dataset.get("HighBit", stored_bits - 1)) == stored_bits - 1
    )
    return Pixels(
        syntax=syntax,
        shape=(int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns)),
        samples=samples,
        bits_stored=stored_bits,
        stored=np.dtype(f"{order}{'i' if is_signed else 'u'}{allocated // 8}")
        if is_plain
        else None,
        padding=_padding(dataset, is_signed),
        is_signed=is_signed,
        is_inverted=str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1",
    )


def _refuse_large(dataset: Dataset) -> None:
    """Refuse by what the header claims, before anything is allocated."""
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
        claimed = (
            int(dataset.Rows)
            * int(dataset.Columns)
            * frames
            * int(dataset.get("SamplesPerPixel") or 1)
            * max(1, int(dataset.get("BitsAllocated") or 16) // 8)
        )
    except READ_ERRORS as error:
        raise LeftOut("its header gives no rows and columns") from error
    if claimed > MOST_BYTES:
        raise LeftOut(
            f"its header claims {claimed >> 20} MiB of pixels; at most {MOST_BYTES >> 20} are read"
        )
    if frames > _MOST_FRAMES:
        raise LeftOut(f"its header claims more than {_MOST_FRAMES} frames")
    if claimed <= 0:
        raise LeftOut("its header claims no pixels")


def _padding(dataset: Dataset, is_signed: bool) -> tuple[int, int] | None:
    """PixelPaddingValue, or its range.

    Scanners write the value as unsigned beside signed pixels (63536 for -2000): it is read as
    the pixels are.
    """
    low = _padding_value(dataset, "PixelPaddingValue", is_signed)
    if low is None:
        return None
    high = _padding_value(dataset, "PixelPaddingRangeLimit", is_signed)
    return (low, low) if high is None else (min(low, high), max(low, high))


def _padding_value(dataset: Dataset, keyword: str, is_signed: bool) -> int | None:
    try:
        value = dataset.get(keyword)
        if isinstance(value, bytes):  # an unknown VR leaves the two bytes as they are
            value = int.from_bytes(value[:2], "little")
        if value is None or value == "":
            return None
        number = int(value)
    except READ_ERRORS:
        return None
    if is_signed:
        return number - 65536 if number > 32767 else number
    return number + 65536 if number < 0 else number
