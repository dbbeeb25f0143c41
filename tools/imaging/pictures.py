"""PNG, JPEG and WebP pictures: screenshots and photographs of images, shown as they are."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from tools.imaging.colour import is_coloured
from tools.imaging.pixels import READ_ERRORS, LeftOut
from tools.imaging.sources import Source

_MOST_PIXELS = 64_000_000
_MOST_COLOURED = 16_000_000  # three times the memory of grey
_FORMATS = ("PNG", "JPEG", "WEBP")


def read_picture(source: Source) -> tuple[NDArray[np.float32], int]:
    """A picture upright, without its metadata; of an animation the first.

    Returns:
        (1, rows, columns) float32, whole numbers 0..255, or (1, rows, columns, 3) where it shows
        colour and has at most 16 million pixels; and how many pictures the file holds.

    Raises:
        LeftOut: When it is broken or larger than 64 million pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with source.open() as file, Image.open(file, formats=_FORMATS) as picture:
                if picture.width * picture.height > _MOST_PIXELS:
                    raise LeftOut(
                        f"the picture is larger than {_MOST_PIXELS // 1_000_000} million pixels",
                        "make it smaller",
                    )
                upright = ImageOps.exif_transpose(picture)
                shown = np.asarray(_shown(upright), dtype=np.float32)[np.newaxis]
                return shown, int(getattr(picture, "n_frames", 1))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise LeftOut("the picture is too large", "make it smaller") from error
    except (UnidentifiedImageError, SyntaxError, *READ_ERRORS) as error:
        raise LeftOut("the picture is broken", "export it again") from error


def _shown(picture: Image.Image) -> Image.Image:
    """8-bit grey, or RGB where there is colour.

    What is transparent is black, as around an image on a viewer.
    """
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, dtype=np.float64)
        low, high = float(values.min()), float(values.max())
        scaled = (values - low) / (high - low if high > low else 1.0) * 255.0
        return Image.fromarray(np.rint(scaled).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, picture)
    if picture.mode in ("1", "L") or picture.width * picture.height > _MOST_COLOURED:
        return picture.convert("L")
    rgb = picture.convert("RGB")
    return rgb if is_coloured(np.asarray(rgb)) else rgb.convert("L")
