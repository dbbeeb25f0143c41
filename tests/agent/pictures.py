"""A picture of noise, as a chat client sends it."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def png(size: int = 64, *, seed: int = 0) -> str:
    """A square 8-bit PNG, base64."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (size, size), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def image_block(data: str) -> dict[str, str]:
    """The content block that carries it."""
    return {"type": "image", "base64": data, "mime_type": "image/png"}
