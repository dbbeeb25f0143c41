"""A contact sheet: many views on one picture, for a person to look through."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from tools.imaging.planes import column_spacing_mm, edge_letters
from tools.imaging.volume import Volume
from tools.imaging.windows import View

_TILE_PIXELS = 256  # the longer side of a view
_CAPTION_PIXELS = 14
_MARGIN = 3
_GREY, _BLACK = (200, 200, 200), (0, 0, 0)
_BARS_MM = (100, 50, 20, 10, 5)
_BAR_SHARE = 0.4  # of a tile's width, at most


def contact_sheet(
    views: Sequence[View], columns: int, *, volume: Volume | None = None
) -> Image.Image:
    """Views side by side in true proportions, each with its caption and orientation letters.

    A caption says series, window with level/width, plane, projection and slices. The letters are
    DICOM's: right, left, anterior, posterior, head, foot; views of unknown or oblique planes have
    none.

    Args:
        views: At least one; shapes and planes may differ.
        columns: How many side by side.
        volume: The one that all views are of, for a scale bar; none is drawn when its spacing is
            unknown.

    Returns:
        An RGB picture on black.

    Raises:
        ValueError: Without views, or with columns below 1.
    """
    if not views or columns < 1:
        raise ValueError(f"needs views and columns >= 1, got {len(views)} and {columns!r}")
    tiles = [_tile(view, volume) for view in views]
    width = max(tile.width for tile in tiles)
    height = max(tile.height for tile in tiles)
    columns = min(columns, len(views))
    lines = -(-len(views) // columns)
    sheet = Image.new("RGB", (columns * width, lines * (height + _CAPTION_PIXELS)))
    draw = ImageDraw.Draw(sheet)
    font = _font()
    for index, (view, tile) in enumerate(zip(views, tiles, strict=True)):
        x = index % columns * width
        y = index // columns * (height + _CAPTION_PIXELS)
        left, above = (width - tile.width) // 2, (height - tile.height) // 2
        sheet.paste(tile, (x + left, y + _CAPTION_PIXELS + above))
        text = caption(view)
        while draw.textlength(text, font=font) > width - 2 * _MARGIN and len(text) > 1:
            text = text[:-2] + "…"
        draw.text((x + _MARGIN, y), text, fill=_GREY, font=font)
    return sheet


def caption(view: View) -> str:
    """A view in words: `S1 lung -600/1500, axial, maximum of 51-55`."""
    window = view.window
    if view.level_hu is not None and view.width_hu is not None:
        window += f" {view.level_hu:g}/{view.width_hu:g}"
    slices = f"{view.slices[0]}-{view.slices[-1]}" if len(view.slices) > 1 else f"{view.slices[0]}"
    if view.cut is not None:
        where = f"cut {view.cut}"
    elif view.projection == "slice":
        where = f"slice {slices}"
    else:
        where = f"{view.projection} of {slices}"
    return ", ".join(part for part in (f"{view.series} {window}", view.plane, where) if part)


def _tile(view: View, volume: Volume | None) -> Image.Image:
    rows, columns = view.pixels.shape[:2]
    scale = _TILE_PIXELS / max(rows * view.pixel_aspect, columns)
    size = (max(1, round(columns * scale)), max(1, round(rows * view.pixel_aspect * scale)))
    tile = Image.fromarray(view.pixels).convert("RGB").resize(size, Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(tile)
    letters = edge_letters(view.plane)
    if letters:
        _mark(draw, letters, size)
    spacing = None if volume is None else column_spacing_mm(volume, view.plane)
    if spacing is not None:
        _scale_bar(draw, scale / spacing, size)
    return tile


def _mark(
    draw: ImageDraw.ImageDraw, letters: tuple[str, str, str, str], size: tuple[int, int]
) -> None:
    width, height = size
    middle, centre = height // 2, width // 2
    places = ((_MARGIN, middle, "lm"), (width - _MARGIN, middle, "rm"),
              (centre, _MARGIN, "ma"), (centre, height - _MARGIN, "md"))  # fmt: skip
    for letter, (x, y, anchor) in zip(letters, places, strict=True):
        draw.text((x, y), letter, fill=_GREY, font=_font(), anchor=anchor,
                  stroke_width=1, stroke_fill=_BLACK)  # fmt: skip


def _scale_bar(draw: ImageDraw.ImageDraw, pixels_per_mm: float, size: tuple[int, int]) -> None:
    """The longest bar that fits, at the lower left; none where even the shortest does not."""
    width, height = size
    for length_mm in _BARS_MM:
        length = round(length_mm * pixels_per_mm)
        if 1 <= length <= _BAR_SHARE * width:
            y = height - _MARGIN
            draw.line((_MARGIN, y, _MARGIN + length, y), fill=_GREY, width=2)
            draw.text((_MARGIN, y - 2), f"{length_mm} mm", fill=_GREY, font=_font(), anchor="ld",
                      stroke_width=1, stroke_fill=_BLACK)  # fmt: skip
            return


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=_CAPTION_PIXELS - 3)
