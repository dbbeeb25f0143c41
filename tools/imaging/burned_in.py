"""A second look at pixels for text, by tesseract where it is installed.

It adds to what is held back and never clears: text over anatomy is often missed, and noise is
sometimes read as a word. What it reads is thrown away at once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TIMEOUT_S = 30.0
_SMALLEST_PX = 1000  # smaller pictures are enlarged: tesseract wants letters some 20 pixels high
_LARGEST_PX = 3000
_SURE = 60.0  # tesseract's confidence in a word, 0 to 100
_WORD = re.compile(r"[^\W_]{3,}")  # markers of side and patient position are one or two letters
_TEXT, _CONFIDENCE = 11, 10  # columns of its TSV


def text_in_pixels(pixels: NDArray[np.uint8]) -> bool | None:
    """Whether tesseract reads a word of three and more letters or digits in a picture.

    Args:
        pixels: (rows, columns) grey or (rows, columns, 3) RGB, uint8.

    Returns:
        True when it does, False when it does not, which proves nothing; None when tesseract is not
        installed, fails or takes longer than 30 seconds.

    Raises:
        ValueError: When the array is of another shape or type.
    """
    if pixels.dtype != np.uint8 or not (
        pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    ):
        raise ValueError(
            f"pixels are uint8, (rows, columns) or (rows, columns, 3), got {pixels.dtype} "
            f"{pixels.shape}"
        )
    binary = shutil.which("tesseract")
    if binary is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; pixels go through its input
            [binary, "stdin", "stdout", "--psm", "11", "-l", "eng", "tsv"],
            input=_pnm(pixels),
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _has_word(done.stdout.decode("utf-8", "replace")) if done.returncode == 0 else None


def _pnm(pixels: NDArray[np.uint8]) -> bytes:
    """The picture as PGM or PPM, at a size that tesseract reads best."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    longest, shortest = max(image.size), min(image.size)
    scale = _LARGEST_PX / longest if longest > _LARGEST_PX else 1.0
    if longest < _SMALLEST_PX and shortest:
        scale = min(4.0, 2 * _SMALLEST_PX / longest)
    if scale != 1.0:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BICUBIC)
    header = f"{'P6' if image.mode == 'RGB' else 'P5'} {image.width} {image.height} 255\n"
    return header.encode() + image.tobytes()


def _has_word(tsv: str) -> bool:
    for line in tsv.splitlines()[1:]:
        columns = line.split("\t")
        if len(columns) > _TEXT and _WORD.search(columns[_TEXT]) and _sure(columns[_CONFIDENCE]):
            return True
    return False


def _sure(confidence: str) -> bool:
    try:
        return float(confidence) >= _SURE
    except ValueError:
        return False


def display_grey(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Any pixel values as 8-bit grey from their least to their greatest, so that text stands out.

    Args:
        values: (rows, columns) or (rows, columns, 3), any number type.
    """
    as_float = values.astype(np.float32)
    low, high = float(as_float.min()), float(as_float.max())
    if high <= low:
        return np.zeros(values.shape, dtype=np.uint8)
    grey: NDArray[np.uint8] = np.rint((as_float - low) * (255.0 / (high - low))).astype(np.uint8)
    return grey
