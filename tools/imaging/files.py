"""Paths to volumes: everything a person may attach, sorted, checked and stripped of its header.

Of a header only `deidentify.Derived` goes further. File names appear in error lines alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tools.errors import UserError
from tools.imaging.describe import Describer
from tools.imaging.dicom import assemble
from tools.imaging.frames import FileFrames, are_several
from tools.imaging.header import read_header
from tools.imaging.pictures import read_picture
from tools.imaging.pixels import LeftOut
from tools.imaging.series import Series
from tools.imaging.silence import silent_pydicom
from tools.imaging.sources import Source, open_sources
from tools.imaging.volume import Volume

_ACCEPTED = (
    "give CT, MR or radiographs as DICOM (files, a folder or a zip), NIfTI, or PNG, JPEG or WebP "
    "pictures"
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Loaded:
    """What came out of the paths.

    Attributes:
        volumes: Each series (its `id` and `ref` still empty) with its voxels, in the order of
            `fit.rank_series`, best first.
        age_years: 90 and over is 90.
        notes: What was left out and why, without names and values.
        chosen: Why the first series is the first, in one sentence.
    """

    volumes: tuple[tuple[Series, Volume], ...]
    age_years: float | None
    sex: Literal["female", "male"] | None
    notes: tuple[str, ...]
    chosen: str


def load_paths(
    paths: Sequence[Path], *, release_quarantined: bool = False, modality: str = ""
) -> Loaded:
    """Load DICOM files, folders or zips of them, NIfTI files and pictures, in any mixture.

    A bad file among good ones is left out and noted.

    Args:
        paths: What the person gave. A DICOMDIR stands for the files it lists.
        release_quarantined: Load objects whose pixels may carry names (ultrasound, screen pictures,
            burned-in text): a person has checked them.
        modality: Of NIfTI files, which do not say it: "CT", "MR" and so on, or "" to infer.

    Raises:
        UserError: When a path is missing or empty, when nothing can be used, or when the files are
            of more than one patient.
    """
    if not paths:
        raise UserError(f"no path was given; {_ACCEPTED}")
    with silent_pydicom(), open_sources(paths) as sources:
        return _load(sources, Describer(release_quarantined=release_quarantined), modality)


def _load(sources: Sequence[Source], describer: Describer, modality: str) -> Loaded:
    from tools.imaging.fit import rank_series

    left_out: list[tuple[str, LeftOut]] = []
    files: list[FileFrames] = []
    volumes: list[tuple[Series, Volume]] = []
    for source in sources:
        try:
            if source.trouble:
                raise LeftOut(source.trouble)
            if source.form == "dicom":
                files.append(describer.describe(source, read_header(source)))
            elif source.form != "index":
                volumes.append(_other(source, modality))
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
    used: list[FileFrames] = []
    for group in groups.values():
        made, bad = assemble(group)
        left_out.extend(bad)
        volumes.extend(made)
        used.extend(group[:1] if made else [])
    if not volumes:
        raise UserError(_nothing(left_out))
    order, chosen = rank_series([series for series, _ in volumes])
    notes = _notes([reason for _, reason in left_out])
    if len({bool(f.person.number) for f in used}) > 1:
        notes.append("some files carry no patient number: check that they belong together")
    return Loaded(
        volumes=tuple(volumes[i] for i in order),
        age_years=next(
            (f.derived.age_years for f in used if f.derived.age_years is not None), None
        ),
        sex=next((f.derived.sex for f in used if f.derived.sex), None),
        notes=tuple(notes),
        chosen=chosen,
    )


def _other(source: Source, modality: str) -> tuple[Series, Volume]:
    """What is not DICOM."""
    if source.form == "nifti":
        from tools.imaging.nifti import read_nifti

        return read_nifti(source, modality=modality)
    if source.form == "picture":
        return _picture(source)
    raise LeftOut("it is neither DICOM nor NIfTI nor a PNG, JPEG or WebP picture")


def _picture(source: Source) -> tuple[Series, Volume]:
    voxels, pictures = read_picture(source)
    limits = ["a picture without HU: it can be looked at as displayed, not measured"]
    if pictures > 1:
        limits.append(f"the first of {pictures} pictures in the file: the others are left out")
    series = Series(
        ref="",
        kind="image",
        modality="OT",
        unit="display",
        origin="picture",
        slices=1,
        rows=voxels.shape[1],
        columns=voxels.shape[2],
        limits=tuple(limits),
    )
    volume = Volume(
        voxels=voxels.astype(np.float32), unit="stored", affine_lps_mm=None, spacing_mm=None
    )
    return series, volume


def _notes(reasons: Sequence[LeftOut]) -> list[str]:
    counts = Counter((r.reason, r.advice) for r in reasons)
    return [
        f"left out {n} file{'s' if n > 1 else ''}: {why}{f'; {advice}' if advice else ''}"
        for (why, advice), n in counts.items()
    ]


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
