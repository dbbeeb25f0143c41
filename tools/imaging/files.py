"""Paths to volumes: everything a person may attach, sorted, checked and stripped of its header.

Of a header only `deidentify.Derived` goes further. File names appear in error lines alone.
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tools.errors import UserError
from tools.imaging.dicom import assemble
from tools.imaging.frames import FileFrames, are_several, describe
from tools.imaging.pictures import read_picture
from tools.imaging.pixels import LeftOut, read_dataset
from tools.imaging.series import Series
from tools.imaging.sources import Source, open_sources
from tools.imaging.volume import Volume

_ACCEPTED = (
    "give CT, MR or radiographs as DICOM (files, a folder or a zip), or PNG, JPEG or WebP pictures"
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Loaded:
    """What came out of the paths.

    Attributes:
        volumes: Each series (its `id` and `ref` still empty) with its voxels, best first: volumes
            before loose slices before pictures, HU first, most slices first.
        age_years: 90 and over is 90.
        notes: What was left out and why, without names and values.
    """

    volumes: tuple[tuple[Series, Volume], ...]
    age_years: float | None
    sex: Literal["female", "male"] | None
    notes: tuple[str, ...]


def load_paths(paths: Sequence[Path]) -> Loaded:
    """Load DICOM files, folders or zips of them, and pictures, in any mixture.

    A bad file among good ones is left out and noted.

    Raises:
        UserError: When a path is missing or empty, when nothing can be used, or when the files are
            of more than one patient.
    """
    if not paths:
        raise UserError(f"no path was given; {_ACCEPTED}")
    with _silent_pydicom(), open_sources(paths) as sources:
        return _load(sources)


@contextmanager
def _silent_pydicom() -> Iterator[None]:
    """Pydicom's warnings and log lines quote header values, which may identify the patient."""

    def refuse(record: logging.LogRecord) -> bool:
        return False

    logger = logging.getLogger("pydicom")
    logger.addFilter(refuse)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeFilter(refuse)


def _load(sources: Sequence[Source]) -> Loaded:
    left_out: list[tuple[str, LeftOut]] = []
    files: list[FileFrames] = []
    volumes: list[tuple[Series, Volume]] = []
    for source in sources:
        try:
            if source.trouble:
                raise LeftOut(source.trouble)
            if source.form == "dicom":
                files.append(describe(source, read_dataset(source, with_pixels=False)))
            elif source.form == "picture":
                volumes.append(_picture(source))
            else:
                raise LeftOut("it is neither DICOM nor a PNG, JPEG or WebP picture")
        except LeftOut as reason:
            left_out.append((source.name, reason))
    if are_several(file.person for file in files):
        raise UserError(
            "the files are of more than one patient by the numbers, birth dates, sexes or names in "
            "their headers; a case holds one patient: give the files of one"
        )
    groups: dict[tuple[object, ...], list[FileFrames]] = {}
    for file in files:
        groups.setdefault(file.key, []).append(file)
    person: list[FileFrames] = []
    for group in groups.values():
        series, bad = assemble(group)
        left_out.extend(bad)
        if series is not None:
            volumes.append(series)
            person.append(group[0])
    if not volumes:
        raise UserError(_nothing(left_out))
    volumes.sort(key=_rank)
    notes = _notes([reason for _, reason in left_out])
    if len({bool(p.person.number) for p in person}) > 1:
        notes.append("some files carry no patient number: check that they belong together")
    return Loaded(
        volumes=tuple(volumes),
        age_years=next(
            (p.derived.age_years for p in person if p.derived.age_years is not None), None
        ),
        sex=next((p.derived.sex for p in person if p.derived.sex), None),
        notes=tuple(notes),
    )


def _rank(item: tuple[Series, Volume]) -> tuple[int, bool, int]:
    series, _ = item
    return ("volume", "slices", "image").index(series.kind), series.unit != "HU", -series.slices


def _picture(source: Source) -> tuple[Series, Volume]:
    voxels = read_picture(source)
    series = Series(
        ref="",
        kind="image",
        modality="OT",
        unit="display",
        slices=1,
        rows=voxels.shape[1],
        columns=voxels.shape[2],
        limits=("a picture without HU: it can be looked at as displayed, not measured",),
    )
    volume = Volume(
        voxels=voxels.astype(np.float32), unit="stored", affine_lps_mm=None, spacing_mm=None
    )
    return series, volume


def _notes(reasons: Sequence[LeftOut]) -> list[str]:
    counts = Counter(r.reason for r in reasons)
    return [f"left out {n} file{'s' if n > 1 else ''}: {why}" for why, n in counts.items()]


def _nothing(left_out: Sequence[tuple[str, LeftOut]]) -> str:
    if len(left_out) == 1:
        name, reason = left_out[0]
        return f"{name!r} cannot be used: {reason.reason}; {reason.advice or _ACCEPTED}"
    counts = Counter(r.reason for _, r in left_out)
    advice = next((r.advice for _, r in left_out if r.advice), _ACCEPTED)
    found = ", ".join(f"{n} because {why}" for why, n in counts.most_common(4))
    example = next((name for name, r in left_out if r.advice), left_out[0][0])
    return (
        f"none of the {len(left_out)} files can be used: {found} (for instance {example!r}); "
        f"{advice}"
    )
