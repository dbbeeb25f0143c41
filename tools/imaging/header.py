"""Where each element of a DICOM header stands, without converting it.

pydicom spends longer on the headers of a series than reading its pixels takes. Slices of one series
differ in a few elements only, so a header is cut here into what slices share and what is each
slice's own; what is shared is given to pydicom once. A header that cannot be walked goes to pydicom
as it is, which knows more of the ways in which files are odd.

The walk also bounds what a hostile header can cost: its length, its items, and how deep they nest.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from tools.imaging.inflate import Inflated
from tools.imaging.pixels import READ_ERRORS, LeftOut
from tools.imaging.sources import Source

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_BE, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"

SOP_INSTANCE_UID, INSTANCE_NUMBER = 0x00080018, 0x00200013
IMAGE_POSITION, RESCALE_INTERCEPT, RESCALE_SLOPE = 0x00200032, 0x00281052, 0x00281053
ACQUISITION_NUMBER, ACQUISITION_TIME, CONTENT_TIME = 0x00200012, 0x00080032, 0x00080033
# What differs between the slices of one series and says nothing of the series: times, UIDs, dates
# of one slice, exposure, place, window, and the sequences that name neighbouring images.
_OWN = frozenset(
    {
        0x00080012, 0x00080013, SOP_INSTANCE_UID, 0x00080022, 0x00080023, 0x0008002A,
        ACQUISITION_TIME, CONTENT_TIME, 0x00081140, 0x00081155, 0x00082112, 0x00180090, 0x00181150,
        0x00181151, 0x00181152, 0x00181153, 0x00189345, ACQUISITION_NUMBER, INSTANCE_NUMBER,
        IMAGE_POSITION, 0x00201041, 0x00280106, 0x00280107, 0x00281050, 0x00281051,
        RESCALE_INTERCEPT, RESCALE_SLOPE,
    }
)  # fmt: skip
_OWN_VRS = frozenset({b"DT", b"TM", b"UI"})
_OF_THE_SERIES = frozenset({0x00080016, 0x0020000E})  # SOP class and series, which are UIDs too
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})

_FIRST_BYTES, _MOST_BYTES = 16 << 10, 32 << 20
_MOST_ODD_BYTES = 8 << 20  # of a header that only pydicom can read
_MOST_ELEMENTS, _MOST_ITEMS, _DEEPEST = 1_000_000, 200_000, 128
_MOST_AT_TOP = 50_000
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())


class _Odd(Exception):
    """The header cannot be walked."""


class _Short(Exception):
    """More of the file is needed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """A header up to its pixels.

    Attributes:
        content: The file from its first byte to its pixels; of a deflated file, inflated.
        syntax: Transfer syntax UID; "" when it has none.
        shared: The bytes that slices of one series have in common; b"" when it was not walked.
        own: The raw values of the elements that slices have for themselves.
        pixels_at: Where the value of PixelData starts; 0 when there is none or it is not known.
        pixels_bytes: How long it is; 0 likewise, and when it is encapsulated.
    """

    content: bytes
    syntax: str
    shared: bytes = b""
    own: dict[int, bytes]
    pixels_at: int = 0
    pixels_bytes: int = 0

    def dataset(self) -> Dataset:
        """The header as pydicom reads it.

        Raises:
            LeftOut: When it cannot.
        """
        from pydicom import dcmread
        from pydicom.errors import InvalidDicomError

        try:
            return dcmread(BytesIO(self.content), stop_before_pixels=True, force=True)
        except (InvalidDicomError, *READ_ERRORS) as error:
            raise LeftOut("its DICOM header is broken", "export it again") from error


def read_header(source: Source) -> Header:
    """Read a file up to its pixels.

    Raises:
        LeftOut: When it cannot be read, or its header is longer, fuller or deeper than any real
            one.
    """
    try:
        with source.open() as file:
            return _read(file)
    except READ_ERRORS as error:
        raise LeftOut("its DICOM header is broken", "export it again") from error


def _read(file: BinaryIO | Inflated) -> Header:
    content = _exactly(file, _FIRST_BYTES)
    asked = _FIRST_BYTES
    try:
        start, syntax = _meta(content)
        if syntax == DEFLATED:
            file = Inflated(file, skip=start)  # type: ignore[arg-type]
            content = _exactly(file, _FIRST_BYTES)
            start, _ = _meta(content)
        while True:
            try:
                return _walk(content, start, syntax, is_all=len(content) < asked)
            except _Short:
                if asked >= _MOST_BYTES:
                    raise LeftOut(f"its header is longer than {_MOST_BYTES >> 20} MiB") from None
            content += _exactly(file, 7 * asked)
            asked *= 8
    except (_Odd, _Short):
        content += _exactly(file, _MOST_ODD_BYTES - len(content))
        return Header(content=content, syntax=_syntax_of_odd(content), own={})


def data_set_start(file: BinaryIO) -> int:
    """Where the data set of a file starts, behind its meta information.

    Raises:
        LeftOut: When it cannot be told.
    """
    try:
        return _meta(_exactly(file, _FIRST_BYTES))[0]
    except (_Odd, _Short) as error:
        raise LeftOut("its DICOM header is broken", "export it again") from error


def _exactly(file: BinaryIO | Inflated, count: int) -> bytes:
    """So many bytes, fewer only at the end of the file."""
    parts: list[bytes] = []
    while count > 0 and (part := file.read(count)):
        parts.append(part)
        count -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _meta(content: bytes) -> tuple[int, str]:
    """Where the data set starts, and its transfer syntax (PS3.10 section 7.1)."""
    at = 132 if content[128:132] == b"DICM" else 0
    syntax = ""
    while content[at : at + 2] == b"\x02\x00":
        tag, vr, value, end = _element(content, at, explicit=True, order="<")
        if end > len(content):
            raise _Short
        if tag == 0x00020010 and vr == b"UI":
            syntax = content[value:end].rstrip(b"\0 ").decode("ascii", "replace")
        at = end
    if not syntax:
        raise _Odd
    return at, syntax


def _syntax_of_odd(content: bytes) -> str:
    try:
        return _meta(content)[1]
    except (_Odd, _Short):
        return ""


def _element(content: bytes, at: int, *, explicit: bool, order: str) -> tuple[int, bytes, int, int]:
    """Tag, VR, where the value starts and where it ends (-1 for an undefined length)."""
    if at + 8 > len(content):
        raise _Short
    group, element = struct.unpack_from(f"{order}HH", content, at)
    tag = group << 16 | element
    vr = content[at + 4 : at + 6]
    if explicit and group != 0xFFFE:
        if vr in _SHORT:
            (length,) = struct.unpack_from(f"{order}H", content, at + 6)
            return tag, vr, at + 8, at + 8 + length
        if vr not in _LONG:
            raise _Odd
        if at + 12 > len(content):
            raise _Short
        (length,) = struct.unpack_from(f"{order}I", content, at + 8)
        return tag, vr, at + 12, -1 if length == _UNDEFINED else at + 12 + length
    (length,) = struct.unpack_from(f"{order}I", content, at + 4)
    return tag, b"", at + 8, -1 if length == _UNDEFINED else at + 8 + length


def _walk(content: bytes, start: int, syntax: str, *, is_all: bool) -> Header:
    """Walk the top level of a data set."""
    explicit, order = syntax != IMPLICIT_LE, ">" if syntax == EXPLICIT_BE else "<"
    if content[start + 4 : start + 6].isupper() != explicit:
        raise _Odd  # it says one encoding and has another
    size, at, mark = len(content), start, start
    shared: list[bytes] = []
    own: dict[int, bytes] = {}
    bounds = _Bounds()
    item = struct.pack(f"{order}HH", 0xFFFE, 0xE000)
    pixels_at = pixels_bytes = 0
    for _ in range(_MOST_AT_TOP):
        if at == size and is_all:
            break
        tag, vr, value, end = _element(content, at, explicit=explicit, order=order)
        if tag in _PIXELS:
            if tag == 0x7FE00010:
                pixels_at, pixels_bytes = value, max(0, end - value)
            break
        if end < 0 or vr == b"SQ" or (not explicit and content[value : value + 4] == item):
            end = bounds.past(content, value, end, explicit and vr != b"UN", order)
        if end > size:
            raise _Short
        if tag & 0x10000 or not tag & 0xFFFF:  # private, or the length of a group
            shared.append(content[mark:at])
            mark = end
        elif tag in _OWN or (vr in _OWN_VRS and tag not in _OF_THE_SERIES):
            shared.append(content[mark : at + 6 if explicit else at + 4])
            own[tag] = content[value:end]
            mark = end
        at = end
    else:
        raise LeftOut(f"its header has more than {_MOST_AT_TOP} elements")
    shared.append(content[mark:at])
    return Header(
        content=content[:at],
        syntax=syntax,
        shared=b"".join((syntax.encode(), *shared)),
        own=own,
        pixels_at=pixels_at,
        pixels_bytes=pixels_bytes,
    )


class _Bounds:
    """Walks past sequences and counts what stands in them, over a whole header."""

    def __init__(self) -> None:
        self._elements = 0
        self._items = 0

    def past(self, content: bytes, at: int, end: int, explicit: bool, order: str) -> int:
        """Where the sequence ends whose items start at `at`; `end` is -1 when that is not said."""
        # Each entry: where it ends, whether it is an item (or else a sequence), its encoding.
        open_: list[tuple[int, bool, bool]] = [(end, False, explicit)]
        while open_:
            end, is_item, explicit = open_[-1]
            if at == end:
                open_.pop()
                continue
            if 0 <= end < at:
                raise _Odd
            tag, vr, value, after = _element(
                content, at, explicit=explicit and is_item, order=order
            )
            if tag in (_ITEM_END, _SEQUENCE_END):
                if end < 0:
                    open_.pop()
                at = value
            elif not is_item:
                if tag != _ITEM:
                    raise _Odd
                self._items += 1
                open_.append((after, True, explicit))
                at = value
            elif after < 0 and vr in (b"OB", b"OW"):  # an encapsulated icon: items of raw bytes
                at = _past_fragments(content, value, order)
            elif after < 0 or vr == b"SQ":
                open_.append((after, False, explicit and vr != b"UN"))
                at = value
            else:
                at = after
            self._check(len(open_))
        return at

    def _check(self, depth: int) -> None:
        self._elements += 1
        if depth > 2 * _DEEPEST:
            raise LeftOut(f"its header nests sequences more than {_DEEPEST} deep")
        if self._elements > _MOST_ELEMENTS or self._items > _MOST_ITEMS:
            raise LeftOut("its header holds more elements than any real one")


def _past_fragments(content: bytes, at: int, order: str) -> int:
    while True:
        tag, _, value, end = _element(content, at, explicit=False, order=order)
        if tag == _SEQUENCE_END:
            return value
        if tag != _ITEM or end < 0:
            raise _Odd
        at = end
