"""Frames of one series to one volume in HU, the file's own unit or display grey."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.imaging.frames import PROJECTIONS, FileFrames, Frame
from tools.imaging.geometry import Stack, same_place, stack
from tools.imaging.pixels import (
    MOST_BYTES,
    READ_ERRORS,
    LeftOut,
    padding_mask,
    read_dataset,
    rescaled,
    stored_frames,
    to_hu,
)
from tools.imaging.series import Series
from tools.imaging.volume import Volume
from tools.imaging.windows import Window, apply_window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Bad = list[tuple[str, LeftOut]]


@dataclass(kw_only=True, slots=True)
class _Decoded:
    """Frames with their voxels; `valid` where there is padding, `is_turned` if the sign is."""

    frames: list[Frame] = field(default_factory=list)
    voxels: list[NDArray[Any]] = field(default_factory=list)
    valid: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    is_turned: bool = False


def assemble(group: Sequence[FileFrames]) -> tuple[tuple[Series, Volume] | None, Bad]:
    """Decode a series and stack it.

    Returns:
        The series with its volume, or None when no file of it could be decoded; and the files
        that were left out, by name, with the reason.
    """
    first = group[0]
    slices = sum(len(file.frames) for file in group)
    name = first.frames[0].source.name
    if slices * first.rows * first.columns * 2 > MOST_BYTES:
        too_large = LeftOut(f"its series is larger than {MOST_BYTES >> 20} MiB")
        return None, [(name, too_large)]
    decoded, bad = _Decoded(), []
    for file in group:
        try:
            _decode(file, decoded)
        except LeftOut as reason:
            bad.append((file.frames[0].source.name, reason))
    if not decoded.frames:
        return None, bad
    dropped = _drop_copies(decoded)
    if first.derived.modality in PROJECTIONS and len(decoded.frames) == 1:
        return _image(first, decoded), bad
    placed = stack(decoded.frames)
    limits = list(placed.limits)
    if dropped:
        limits.append(f"{dropped} identical copies of slices were dropped")
    if bad:
        limits.append(f"{len(bad)} files of this series could not be read")
    is_hu = decoded.frames[0].is_hu
    if not is_hu:
        limits.extend(_own_unit(first, decoded))
    return (_series(first, placed, is_hu, tuple(limits)), _volume(decoded, placed, is_hu)), bad


def _own_unit(first: FileFrames, decoded: _Decoded) -> Iterator[str]:
    """What to know of values that are not HU."""
    if first.derived.modality == "CT":
        yield "no rescale to HU in the header: values in the file's own unit, not HU"
    if len({frame.rescale for frame in decoded.frames}) > 1:
        yield "slices have different rescales: each is applied, values are in the file's own unit"
    if decoded.is_turned:
        yield "the header asks for black on white: values have their sign turned"


def _decode(file: FileFrames, decoded: _Decoded) -> None:
    dataset = read_dataset(file.frames[0].source, with_pixels=True)
    stored = stored_frames(dataset)
    if stored.shape != (len(file.frames), file.rows, file.columns):
        raise LeftOut("its pixels do not fit its header", "export it again")
    padding = padding_mask(dataset, stored)
    inverted = str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1"
    is_display = file.derived.modality in PROJECTIONS and len(file.frames) == 1
    if is_display:
        valid = None if padding is None else ~padding
        stored = _display(dataset, stored, inverted, valid)
    is_turned = inverted and not is_display and not file.frames[0].is_hu
    voxels = [_values(stored[f.index], f, is_display, is_turned) for f in file.frames]
    for frame, values in zip(file.frames, voxels, strict=True):
        if padding is not None and bool(padding[frame.index].any()):
            decoded.valid[len(decoded.frames)] = ~padding[frame.index]
        decoded.frames.append(frame)
        decoded.voxels.append(values)
    decoded.is_turned |= is_turned


def _values(
    stored: NDArray[Any], frame: Frame, is_display: bool, is_turned: bool
) -> NDArray[np.int16] | NDArray[np.float32]:
    if frame.is_hu and frame.rescale is not None:
        return to_hu(stored, *frame.rescale)
    if is_display or frame.rescale is None:
        values = stored.astype(np.float32)
    else:
        values = rescaled(stored, *frame.rescale)
    # Turned by sign and not about each slice's middle, so that slices stay comparable.
    return -values if is_turned else values


def _display(
    dataset: Dataset,
    stored: NDArray[Any],
    inverted: bool,
    valid: NDArray[np.bool_] | None,
) -> NDArray[np.uint8]:
    """A radiograph as its header shows it: modality LUT, window or min-max, right way round."""
    from pydicom.pixels.processing import apply_modality_lut

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
    if inverted:
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


def _drop_copies(decoded: _Decoded) -> int:
    """Drop slices that are the same picture at the same place; returns how many."""
    copies = {
        b
        for a, b in same_place(decoded.frames)
        if np.array_equal(decoded.voxels[a], decoded.voxels[b])
    }
    if copies:
        kept = [i for i in range(len(decoded.frames)) if i not in copies]
        decoded.valid = {
            new: decoded.valid[old] for new, old in enumerate(kept) if old in decoded.valid
        }
        decoded.frames = [decoded.frames[i] for i in kept]
        decoded.voxels = [decoded.voxels[i] for i in kept]
    return len(copies)


def _volume(decoded: _Decoded, placed: Stack, is_hu: bool) -> Volume:
    valid = None
    if decoded.valid:
        shape = decoded.voxels[0].shape
        everywhere = np.ones(shape, dtype=np.bool_)
        valid = np.stack([decoded.valid.get(i, everywhere) for i in placed.order])
    return Volume(
        voxels=np.stack([decoded.voxels[i] for i in placed.order]),
        unit="HU" if is_hu else "stored",
        affine_lps_mm=placed.affine_lps_mm,
        spacing_mm=placed.spacing_mm,
        valid=valid,
    )


def _series(first: FileFrames, placed: Stack, is_hu: bool, limits: tuple[str, ...]) -> Series:
    return Series(
        ref="",
        kind="volume" if placed.is_volume else "slices",
        modality=first.derived.modality,
        unit="HU" if is_hu else "stored",
        slices=len(placed.order),
        rows=first.rows,
        columns=first.columns,
        spacing_mm=placed.spacing_mm,
        thickness_mm=first.derived.thickness_mm,
        body_part=first.derived.body_part,
        plane=first.derived.plane,
        kernel=first.derived.kernel,
        contrast=first.derived.contrast,
        limits=limits,
    )


def _image(first: FileFrames, decoded: _Decoded) -> tuple[Series, Volume]:
    series = Series(
        ref="",
        kind="image",
        modality=first.derived.modality,
        unit="display",
        slices=1,
        rows=first.rows,
        columns=first.columns,
        body_part=first.derived.body_part,
        limits=("a radiograph as displayed: no measuring",),
    )
    volume = Volume(
        voxels=decoded.voxels[0].astype(np.float32)[np.newaxis],
        unit="stored",
        affine_lps_mm=None,
        spacing_mm=None,
    )
    return series, volume
