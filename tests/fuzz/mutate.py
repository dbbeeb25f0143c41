"""Mutants of real files: bytes flipped, cut, repeated, spliced, and lengths that lie."""

from __future__ import annotations

import gzip
import io
import random
import struct
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

_LARGEST = 300_000  # bytes of an original: small files make many mutants a second
_LIES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)

Mutation = Callable[[bytearray, random.Random, Sequence[bytes]], bytearray]


def originals() -> list[bytes]:
    """Small files of every kind that the loader reads: pydicom's own, NIfTI, pictures, zips."""
    import pydicom.data

    # Not get_testdata_files: it would try to download those that the package does not carry.
    folder = Path(pydicom.data.__file__).parent / "test_files"
    dicom = [p for p in sorted(folder.glob("*.dcm")) if p.stat().st_size < _LARGEST]
    images = [p.read_bytes() for p in dicom if _has_pixels(p)]
    return [*images, *_nifti(), *_pictures(), _zip(images[:3])]


def _has_pixels(path: Path) -> bool:
    from pydicom import dcmread

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return "Rows" in dcmread(path, stop_before_pixels=True, force=True)


def mutant(files: Sequence[bytes], seed: int, number: int) -> bytes:
    """The mutant of that number: the same seed and number give the same bytes."""
    chance = random.Random(f"{seed}-{number}")
    content = bytearray(chance.choice(files))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        content = chance.choice(_MUTATIONS)(content, chance, files)
    return bytes(content)


def _flip(content: bytearray, chance: random.Random, files: Sequence[bytes]) -> bytearray:
    """Single bits, most of them where the header is."""
    for _ in range(chance.choice((1, 4, 32))):
        if content:
            end = len(content) if chance.random() < 0.3 else min(len(content), 4096)
            content[chance.randrange(end)] ^= 1 << chance.randrange(8)
    return content


def _truncate(content: bytearray, chance: random.Random, files: Sequence[bytes]) -> bytearray:
    return content[: chance.randrange(len(content) + 1)]


def _lie(content: bytearray, chance: random.Random, files: Sequence[bytes]) -> bytearray:
    """A two- or four-byte number, which may be a length, a count or a size."""
    form = chance.choice(("<H", ">H", "<I", ">I"))
    size = struct.calcsize(form)
    if len(content) > size:
        at = chance.randrange(min(len(content), 6000) - size + 1)
        content[at : at + size] = struct.pack(form, chance.choice(_LIES) & (256**size - 1))
    return content


def _repeat(content: bytearray, chance: random.Random, files: Sequence[bytes]) -> bytearray:
    start = chance.randrange(len(content) + 1)
    piece = content[start : start + chance.randrange(1, 2000)]
    return content[:start] + piece * chance.choice((2, 3, 50)) + content[start:]


def _drop(content: bytearray, chance: random.Random, files: Sequence[bytes]) -> bytearray:
    start = chance.randrange(len(content) + 1)
    return content[:start] + content[start + chance.randrange(1, 400) :]


def _splice(content: bytearray, chance: random.Random, files: Sequence[bytes]) -> bytearray:
    """The head of one file and the tail of another."""
    other = chance.choice(files)
    return content[: chance.randrange(len(content) + 1)] + other[chance.randrange(len(other)) :]


def _swap_value(content: bytearray, chance: random.Random, files: Sequence[bytes]) -> bytearray:
    """Digits of decimal and integer strings: spacing, positions, numbers of frames."""
    digits = [i for i, byte in enumerate(content[:6000]) if 48 <= byte <= 57]
    for _ in range(min(len(digits), chance.choice((1, 3, 20)))):
        content[chance.choice(digits)] = chance.choice(b"0123456789-.eE\\ ")
    return content


_MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _truncate,
    _lie,
    _lie,
    _repeat,
    _drop,
    _splice,
    _swap_value,
)


def _nifti() -> list[bytes]:
    from nibabel.nifti1 import Nifti1Image
    from nibabel.nifti2 import Nifti2Image

    values = np.arange(8 * 9 * 10, dtype=np.int16).reshape(8, 9, 10)
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    plain, second = (
        kind(values, affine).to_bytes()  # type: ignore[no-untyped-call]
        for kind in (Nifti1Image, Nifti2Image)
    )
    return [plain, gzip.compress(plain), second]


def _pictures() -> list[bytes]:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    made = []
    for form in ("PNG", "JPEG", "WEBP"):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, form)
        made.append(buffer.getvalue())
    return made


def _zip(files: Sequence[bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(files):
            archive.writestr(f"{number}.dcm", content)
    return buffer.getvalue()
