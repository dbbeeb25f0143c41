"""Whether a picture shows colour, and its grey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Of 255: further apart than JPEG drives the channels of a grey picture.
_APART = 40
# Of the pixels: more than a coloured mark or cursor on a grey image.
_LEAST_SHARE = 0.002


def is_coloured(rgb: NDArray[np.uint8]) -> bool:
    """Whether a picture shows colour: flow in Doppler, a stained slide, a fundus, a colour map.

    Args:
        rgb: (rows, columns, 3).
    """
    apart = rgb.max(axis=-1).astype(np.int16) - rgb.min(axis=-1)
    return float((apart > _APART).mean()) >= _LEAST_SHARE


def luminance(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """ITU-R 601 luminance of (rows, columns, 3); (rows, columns) as they are."""
    from PIL import Image

    if pixels.ndim == 2:
        return pixels
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("L"))
