"""Deflated DICOM files (PS3.5 section A.5), inflated only as far as they are read."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

from tools.imaging.pixels import LeftOut

_CHUNK = 64 << 10
_PLAIN = b"1.2.840.10008.1.2.1\0"


class Inflated:
    """A deflated file, read as if it were Explicit VR Little Endian.

    However much a file unpacks to, memory holds no more than what is asked for: a bomb costs what
    the reader lets it.
    """

    def __init__(self, file: BinaryIO, *, skip: int) -> None:
        """Read from `file`, whose deflated data set starts at byte `skip`."""
        file.seek(skip)
        self._file = file
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        syntax = struct.pack("<HH2sH", 2, 0x10, b"UI", len(_PLAIN)) + _PLAIN
        length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(syntax))
        self._ready = bytes(128) + b"DICM" + length + syntax

    def read(self, count: int) -> bytes:
        """Up to `count` bytes; b"" at the end.

        Raises:
            zlib.error: When the stream is broken.
        """
        while not self._ready and not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(_CHUNK)
            self._ready = self._inflate.decompress(packed, max(count, _CHUNK))
            if not packed:
                break
        part, self._ready = self._ready[:count], self._ready[count:]
        return part

    def read_all(self, most: int) -> bytes:
        """All that is left, of at most so many bytes.

        Raises:
            LeftOut: When it is more.
            zlib.error: When the stream is broken.
        """
        content = bytearray()
        while part := self.read(1 << 20):
            content += part
            if len(content) > most:
                raise LeftOut(f"it unpacks to more than {most >> 20} MiB")
        return bytes(content)

    def readinto(self, view: memoryview) -> int:
        """Fill a part of `view`; how much, 0 at the end.

        Raises:
            zlib.error: When the stream is broken.
        """
        part = self.read(len(view))
        view[: len(part)] = part
        return len(part)
