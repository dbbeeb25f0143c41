"""What a file is by its first bytes, never by its name."""

from __future__ import annotations

import zlib
from typing import Literal

Form = Literal["dicom", "index", "nifti", "picture", "zip", "other"]

HEAD = 1024  # bytes that are enough to tell
_DICOMDIR = b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10"  # a media storage directory
_NIFTI_1, _NIFTI_2 = 348, 540  # the lengths of their headers, which come first


def sniff(head: bytes) -> Form:
    """What a file is by its first kilobyte."""
    if head[128:132] == b"DICM":
        return "index" if _DICOMDIR in head else "dicom"
    if _is_nifti(head):
        return "nifti"
    if head[:8] == b"\x89PNG\r\n\x1a\n" or head[:3] == b"\xff\xd8\xff":
        return "picture"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "picture"
    if head[:4] == b"PK\x03\x04":
        return "zip"
    # A DICOM data set without a preamble starts with group 0002 or 0008, little or big endian.
    if (
        len(head) >= 8
        and head[:2] in (b"\x02\x00", b"\x08\x00")
        and head[3] == 0
        and head[2] < 0x20
    ):
        return "dicom"
    if len(head) >= 8 and head[:2] == b"\x00\x08" and head[2] == 0 and head[4:6].isalpha():
        return "dicom"
    return "other"


def _is_nifti(head: bytes) -> bool:
    """Whether a file is NIfTI-1 or 2, or the older ANALYZE, plain or packed by gzip."""
    if head[:3] == b"\x1f\x8b\x08":
        try:
            head = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(head, _NIFTI_1)
        except zlib.error:
            return False
    size = head[:4]
    if size in (_NIFTI_1.to_bytes(4, "little"), _NIFTI_1.to_bytes(4, "big")):
        return head[344:348] in (b"n+1\0", b"ni1\0") or head[38:39] == b"r"
    is_second = size in (_NIFTI_2.to_bytes(4, "little"), _NIFTI_2.to_bytes(4, "big"))
    return is_second and head[4:8] in (b"n+2\0", b"ni2\0")
