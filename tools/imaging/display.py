"""Radiographs in 8-bit grey and screen pictures in grey or colour, as a viewer would show them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.imaging.colour import is_coloured, luminance
from tools.imaging.decode import Task, fill
from tools.imaging.frames import PROJECTIONS, FileFrames
from tools.imaging.header import read_header
from tools.imaging.pixels import MOST_BYTES, READ_ERRORS, LeftOut, Pixels
from tools.imaging.series import Series
from tools.imaging.volume import Volume
from tools.imaging.windows import Window, apply_window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_MOST_COLOURED = 512 << 20  # bytes; what is larger is shown in grey


class _Shown:
    """A sink that turns each frame into what a viewer shows as it comes.

    Attributes:
        voxels: (frames, rows, columns) or (frames, rows, columns, 3) float32, 0..255.
        is_coloured: Whether a frame showed colour.
    """

    def __init__(self, file: FileFrames, dataset: Dataset) -> None:
        shape: tuple[int, ...] = file.pixels.shape
        if _may_be_coloured(file, dataset) and int(np.prod(shape)) * 12 <= _MOST_COLOURED:
            shape = (*shape, 3)
        self.voxels = np.empty(shape, dtype=np.float32)
        self.is_coloured = False
        self._file = file
        self._dataset = dataset

    def room(
        self, index: int, stored: np.dtype[np.generic], shape: tuple[int, ...]
    ) -> NDArray[Any]:
        return np.empty(shape, dtype=stored)

    def settle(
        self,
        index: int,
        stored: NDArray[Any],
        pixels: Pixels,
        rescale: tuple[float, float] | None,
    ) -> None:
        try:
            if stored.ndim == 2 and _is_radiograph(self._file):
                self.voxels[index] = _windowed(self._dataset, stored, pixels)
                return
            shown = _eight_bits(self._dataset, stored, pixels)
            if self.voxels.ndim == 3:
                self.voxels[index] = luminance(shown)
                return
            shown = shown.reshape(*shown.shape[:2], -1)
            self.is_coloured |= is_coloured(shown)
            self.voxels[index] = shown
        except READ_ERRORS as error:
            raise LeftOut("its pixels do not fit its header", "export it again") from error


def displayed(file: FileFrames) -> tuple[Series, Volume]:
    """A radiograph, or a screen picture that a person has released, of one frame or several.

    Raises:
        LeftOut: When its pixels cannot be read.
    """
    frames, rows, columns = file.pixels.shape
    if frames * rows * columns * 4 > MOST_BYTES:
        raise LeftOut(f"its pictures are larger than {MOST_BYTES >> 20} MiB")
    dataset = read_header(file.source).dataset()
    shown = _Shown(file, dataset)
    outcome = fill(shown, [Task(file=file, frames=file.frames, slices=tuple(range(frames)))])
    if outcome.failed:
        raise outcome.failed[0]
    what = "a radiograph" if _is_radiograph(file) else "a screen picture"
    series = Series(
        ref="",
        kind="image" if frames == 1 else "slices",
        modality=file.derived.modality,
        unit="display",
        slices=frames,
        rows=rows,
        columns=columns,
        body_part=file.derived.body_part,
        limits=(f"{what} as displayed: no measuring", *_unusual_way_round(dataset)),
    )
    voxels = shown.voxels
    if voxels.ndim == 4 and not shown.is_coloured:
        greys = [luminance(frame.astype(np.uint8)) for frame in voxels]
        voxels = np.stack(greys).astype(np.float32)
    volume = Volume(
        voxels=voxels,
        unit="stored",
        affine_lps_mm=None,
        spacing_mm=None,
        instances=(file.instance,) if file.instance else None,
    )
    return series, volume


def _is_radiograph(file: FileFrames) -> bool:
    pixels = file.pixels
    return len(file.frames) == 1 and (
        file.derived.modality in PROJECTIONS or (pixels.samples == 1 and pixels.bits_stored > 8)
    )


def _unusual_way_round(dataset: Dataset) -> Iterator[str]:
    """A picture is shown as stored; where its header says which way that is, it may be unusual.

    PatientOrientation (PS3.3 C.7.6.1.1.1) names where rows and columns lead.
    """
    said = dataset.get("PatientOrientation")
    ways = [] if said is None or isinstance(said, str) else [str(v)[:1].upper() for v in said]
    if len(ways) == 2 and (ways[0] in ("R", "H", "F") or ways[1] == "H"):
        yield (
            "by its header it is not stored the usual way round (mirrored, turned or upside down): "
            "go by the side marker in the picture before naming a side"
        )


def _windowed(dataset: Dataset, stored: NDArray[Any], pixels: Pixels) -> NDArray[np.uint8]:
    """A radiograph as its header shows it: modality LUT, window or min-max, right way round."""
    from pydicom.pixels.processing import apply_modality_lut

    valid = None
    if pixels.padding is not None:
        valid = (stored < pixels.padding[0]) | (stored > pixels.padding[1])
    try:
        values = apply_modality_lut(stored, dataset)
        window = _header_window(dataset)
    except READ_ERRORS:
        values, window = stored, None
    if window is not None:
        grey = apply_window(values, window)
    else:
        counted = values if valid is None or not valid.any() else values[valid]
        low, high = float(counted.min()), float(counted.max())
        scaled = (values.astype(np.float64) - low) / (high - low if high > low else 1.0)
        grey = np.rint(np.clip(scaled, 0.0, 1.0) * 255.0).astype(np.uint8)
    if pixels.is_inverted:
        grey = 255 - grey
    if valid is not None:
        grey = np.where(valid, grey, 0).astype(np.uint8)
    return grey


def _header_window(dataset: Dataset) -> Window | None:
    from pydicom.multival import MultiValue

    level, width = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    if level is None or width is None or level == "" or width == "":
        return None
    numbers = [float(v[0] if isinstance(v, MultiValue) else v) for v in (level, width)]
    if not numbers[1] >= 1:
        return None
    return Window(name="header", level_hu=numbers[0], width_hu=numbers[1])


def _may_be_coloured(file: FileFrames, dataset: Dataset) -> bool:
    is_palette = str(dataset.get("PhotometricInterpretation", "")) == "PALETTE COLOR"
    return not _is_radiograph(file) and (file.pixels.samples == 3 or is_palette)


def _eight_bits(dataset: Dataset, stored: NDArray[Any], pixels: Pixels) -> NDArray[np.uint8]:
    """A screen picture, (rows, columns) or (rows, columns, 3); all frames on one scale."""
    from pydicom.pixels.processing import apply_color_lut

    bits = pixels.bits_stored
    if str(dataset.get("PhotometricInterpretation", "")) == "PALETTE COLOR":
        stored = apply_color_lut(stored, dataset)
        bits = 8 * stored.itemsize
    values = stored.astype(np.int64) + ((1 << (bits - 1)) if stored.dtype.kind == "i" else 0)
    eight = np.clip(values >> (bits - 8) if bits > 8 else values, 0, 255).astype(np.uint8)
    if eight.ndim == 3:
        return eight[..., :3]
    return 255 - eight if pixels.is_inverted else eight
