"""Frames of one series to volumes in HU, in the file's own unit or in display grey."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tools.imaging.canvas import Canvas
from tools.imaging.decode import Task, fill
from tools.imaging.deidentify import plane_of
from tools.imaging.display import displayed
from tools.imaging.frames import FileFrames, Frame, reaches_below_zero
from tools.imaging.geometry import Stack, by_plane, in_order, same_place, stack
from tools.imaging.phases import split
from tools.imaging.pixels import MOST_BYTES, LeftOut
from tools.imaging.series import Series
from tools.imaging.volume import Volume

Bad = list[tuple[str, LeftOut]]
_RELEASED = "released by the person: its pixels may carry names"
_SAME_THICKNESS_MM = 0.05  # headers round
_Placed = tuple[FileFrames, Frame]


def assemble(group: Sequence[FileFrames]) -> tuple[list[tuple[Series, Volume]], Bad]:
    """Decode the files of one series and stack their frames.

    Returns:
        The series with its volume; several when it holds several images at each place that can be
        told apart, none when no file of it could be decoded. And the files that were left out, by
        name, with the reason.
    """
    if group[0].is_displayed:
        return _displayed(group)
    placed = [(file, frame) for file in group for frame in file.frames]
    made: list[tuple[Series, Volume]] = []
    bad: Bad = []
    for plane in by_plane([frame for _, frame in placed]):
        frames = [placed[i] for i in plane]
        for part, what in split([frame for _, frame in frames]):
            try:
                one, left_out = _stacked([frames[i] for i in part], (what,) if what else ())
            except LeftOut as reason:
                bad.append((group[0].source.name, reason))
                continue
            bad.extend(left_out)
            made.extend([one] if one is not None else [])
    return made, bad[:1] if len(group) == 1 else bad


def _displayed(group: Sequence[FileFrames]) -> tuple[list[tuple[Series, Volume]], Bad]:
    """Radiographs and screen pictures; of identical copies the first."""
    made: list[tuple[Series, Volume]] = []
    bad: Bad = []
    for file in group:
        try:
            series, volume = displayed(file)
        except LeftOut as reason:
            bad.append((file.source.name, reason))
            continue
        if any(np.array_equal(volume.voxels, other.voxels) for _, other in made):
            continue
        made.append((_released(series, file), volume))
    return made, bad


def _released(series: Series, file: FileFrames) -> Series:
    limits = (*series.limits, _RELEASED) if file.is_released else series.limits
    return series.model_copy(update={"limits": limits})


def _stacked(
    placed: Sequence[_Placed], limits: tuple[str, ...]
) -> tuple[tuple[Series, Volume] | None, Bad]:
    """One stack of frames, decoded into one array.

    Raises:
        LeftOut: When it is too large.
    """
    placed = [placed[i] for i in in_order([frame for _, frame in placed])]
    first, frame = placed[0]
    _, rows, columns = first.pixels.shape
    canvas_bytes = len(placed) * rows * columns * (2 if frame.is_hu else 4)
    if canvas_bytes > MOST_BYTES:
        raise LeftOut(f"its series is larger than {MOST_BYTES >> 20} MiB")
    canvas = Canvas((len(placed), rows, columns), is_hu=frame.is_hu)
    tasks = _tasks(placed)
    outcome = fill(canvas, tasks)
    bad = [(tasks[n].file.source.name, reason) for n, reason in sorted(outcome.failed.items())]
    gone = {slice_ for n in outcome.failed for slice_ in tasks[n].slices}
    kept = [i for i in range(len(placed)) if i not in gone]
    if not kept:
        return None, bad
    copies = _copies(canvas, placed, kept)
    kept = [i for i in kept if i not in copies]
    canvas.keep(kept)
    canvas.finish()
    placed = [placed[i] for i in kept]
    found = stack([frame for _, frame in placed])
    said = [*limits, *found.limits]
    if copies:
        said.append(f"{len(copies)} identical copies of slices were dropped")
    if bad:
        said.append(f"{len(bad)} files of this series could not be read")
    if outcome.sign_differs:
        said.append("header and JPEG 2000 stream disagree on the sign of values: check them")
    said.extend(_own_unit(placed))
    said.extend(_mixed(placed))
    return _made(placed, canvas, found, tuple(said)), bad


def _tasks(placed: Sequence[_Placed]) -> list[Task]:
    """What to decode, one task a file, in the order in which the person gave them."""
    files: dict[int, list[int]] = {}
    for index, (file, _) in enumerate(placed):
        files.setdefault(id(file), []).append(index)
    return [
        Task(
            file=placed[slices[0]][0],
            frames=tuple(placed[i][1] for i in slices),
            slices=tuple(slices),
        )
        for slices in files.values()
    ]


def _copies(canvas: Canvas, placed: Sequence[_Placed], kept: Sequence[int]) -> set[int]:
    """Slices that are the same picture at the same place as one before them."""
    return {
        kept[b]
        for a, b in same_place([placed[i][1] for i in kept])
        if np.array_equal(canvas.voxels[kept[a]], canvas.voxels[kept[b]])
    }


def _own_unit(placed: Sequence[_Placed]) -> Iterator[str]:
    """What to know of values that are not HU."""
    file, first = placed[0]
    if first.is_hu:
        return
    if file.derived.modality == "CT":
        lost = first.rescale is not None and not reaches_below_zero(first.rescale, file.pixels)
        why = "its rescale leads to no value below 0" if lost else "no rescale to HU in the header"
        yield f"{why}: values in the file's own unit, not HU"
    if len({frame.rescale for _, frame in placed}) > 1:
        yield "slices have different rescales: each is applied, values are in the file's own unit"
    if any(file.pixels.is_inverted for file, _ in placed):
        yield "the header asks for black on white: values have their sign turned"


def _mixed(placed: Sequence[_Placed]) -> Iterator[str]:
    """What differs among the slices of one stack, though one value has to stand for all."""
    thick = [frame.thickness_mm for _, frame in placed if frame.thickness_mm is not None]
    if thick and max(thick) - min(thick) > _SAME_THICKNESS_MM:
        yield f"slices are {min(thick):.3g} to {max(thick):.3g} mm thick: the thickest is stated"
    if len({file.derived.kernel for file, _ in placed}) > 1:
        yield "slices are of several reconstruction kernels: none is stated"
    if len({(file.derived.contrast, file.derived.contrast_phase) for file, _ in placed}) > 1:
        yield "slices differ in what their headers say of contrast: nothing is stated"


def _made(
    placed: Sequence[_Placed], canvas: Canvas, found: Stack, limits: tuple[str, ...]
) -> tuple[Series, Volume]:
    file, frame = placed[0]
    slices, rows, columns = canvas.voxels.shape
    thick = [frame.thickness_mm for _, frame in placed if frame.thickness_mm is not None]
    kernels = {file.derived.kernel for file, _ in placed}
    contrast = {(file.derived.contrast, file.derived.contrast_phase) for file, _ in placed}
    is_contrast, phase = contrast.pop() if len(contrast) == 1 else (None, "")
    instances = tuple(file.instance for file, _ in placed)
    series = Series(
        ref="",
        kind="volume" if found.is_volume else "slices",
        modality=file.derived.modality,
        unit="HU" if frame.is_hu else "stored",
        slices=slices,
        rows=rows,
        columns=columns,
        spacing_mm=found.spacing_mm,
        thickness_mm=max(thick, default=None),
        body_part=file.derived.body_part,
        plane="" if frame.orientation is None else plane_of(frame.orientation),
        kernel=kernels.pop() if len(kernels) == 1 else "",
        contrast=is_contrast,
        contrast_phase=phase,
        sequence=file.derived.sequence,
        limits=limits,
    )
    volume = Volume(
        voxels=canvas.voxels,
        unit="HU" if frame.is_hu else "stored",
        affine_lps_mm=found.affine_lps_mm,
        spacing_mm=found.spacing_mm,
        valid_bits=canvas.valid_bits,
        instances=instances if all(instances) else None,
    )
    return _released(series, file), volume
