"""Draw sheets of pictures before and after cleaning: `python -m evals.views.contact_sheet`.

The sheets are for the eye: nothing else tells whether a name survived or anatomy was cut.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from evals.views.cleaning import clean
from evals.views.pictures import read_pixels
from tools.errors import UserError

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
_COLUMNS = 5
_SIDE_PX = 256
_GAP_PX = 4
_GROUND = (0, 60, 60)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.views.contact_sheet", description=__doc__
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="a folder of pictures, or MedPix's"
    )
    parser.add_argument("--out", type=Path, required=True, help="a folder for the sheets")
    parser.add_argument("--per-sheet", type=int, default=20, help="images (default: 20)")
    parser.add_argument("--after-only", action="store_true", help="twice as many on a sheet")
    options = parser.parse_args(argv)
    try:
        sheets = write_sheets(
            options.data, options.out, options.per_sheet, after_only=options.after_only
        )
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    for sheet in sheets:
        sys.stdout.write(f"{sheet}\n")
    return 0


def write_sheets(data: Path, out: Path, per_sheet: int, *, after_only: bool = False) -> list[Path]:
    """Write the sheets; each picture bears its number in the order of file names.

    Args:
        data: A folder with pictures, or one with a folder "images".
        out: Made when it is not there.
        per_sheet: How many pictures.
        after_only: Leave out how they were before.

    Raises:
        UserError: When there is no picture, or one cannot be read.
    """
    folder = data / "images" if (data / "images").is_dir() else data
    if not folder.is_dir():
        raise UserError(f"{data} is no folder: --data takes a folder of pictures")
    pictures = sorted(path for path in folder.iterdir() if path.suffix.casefold() in _SUFFIXES)
    if not pictures:
        raise UserError(f"{folder} holds no picture: --data takes a folder of PNG, JPEG or WebP")
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for start in range(0, len(pictures), per_sheet):
        tiles = [
            _tile(number, read_pixels(path), after_only=after_only)
            for number, path in enumerate(pictures[start : start + per_sheet], start=start + 1)
        ]
        written.append(out / f"sheet{start // per_sheet + 1:02d}.png")
        _sheet(tiles).save(written[-1])
    return written


def _tile(number: int, pixels: NDArray[np.uint8], *, after_only: bool) -> Image.Image:
    shown = [clean(pixels)] if after_only else [pixels, clean(pixels)]
    tile = Image.new("RGB", (len(shown) * (_SIDE_PX + _GAP_PX), _SIDE_PX + _GAP_PX), _GROUND)
    for place, one in enumerate(shown):
        thumbnail = Image.fromarray(one).convert("RGB")
        thumbnail.thumbnail((_SIDE_PX, _SIDE_PX))
        tile.paste(thumbnail, (place * (_SIDE_PX + _GAP_PX), 0))
    ImageDraw.Draw(tile).text((4, _SIDE_PX - 14), str(number), fill=(0, 255, 255))
    return tile


def _sheet(tiles: Sequence[Image.Image]) -> Image.Image:
    width, height = tiles[0].size
    sheet = Image.new("RGB", (width * _COLUMNS, height * -(-len(tiles) // _COLUMNS)), _GROUND)
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % _COLUMNS * width, place // _COLUMNS * height))
    return sheet


if __name__ == "__main__":
    sys.exit(main())
