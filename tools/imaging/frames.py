"""Frames: single pictures with their own geometry and rescale, whatever file they came in."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.imaging.deidentify import Derived, derived, six_numbers
from tools.imaging.pixels import READ_ERRORS, LeftOut, refuse_large
from tools.imaging.sources import Source

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PROJECTIONS = frozenset({"CR", "DX", "XA", "RF", "MG", "IO", "PX"})
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_ULTRASOUND = ("1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.3")


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One frame of one file, by its header.

    Attributes:
        index: Its place in the file, from 0.
        position, orientation, spacing_mm: In LPS millimetres; None when the header has none.
        rescale: Slope and intercept of this frame; None when the header has none that works.
        is_hu: A CT frame whose rescale leads to HU.
        number: InstanceNumber, or the place in the file.
    """

    source: Source
    index: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing_mm: tuple[float, float] | None
    rescale: tuple[float, float] | None
    is_hu: bool
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who a file is of, as far as its header says; what it leaves open is ""."""

    number: str
    birth_date: str
    sex: str
    family_name: str


def are_several(people: Iterable[Person]) -> bool:
    """Whether headers are of more than one patient.

    Names are written in many ways, so family names count only where a number is missing.
    """
    once = set(people)
    said = [{p.number for p in once}, {p.birth_date for p in once}, {p.sex for p in once}]
    if any(not p.number for p in once):
        said.append({p.family_name for p in once})
    return any(len(values - {""}) > 1 for values in said)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFrames:
    """The frames of a file with what the header permits to say.

    Attributes:
        key: Frames of files with the same key belong into one series; it never leaves loading.
        person: To tell whether two files are of one patient; it never leaves loading.
    """

    key: tuple[object, ...]
    person: Person
    derived: Derived
    rows: int
    columns: int
    frames: tuple[Frame, ...]


def describe(source: Source, dataset: Dataset) -> FileFrames:
    """What a header says of its frames.

    Raises:
        LeftOut: For what is no grey image of a patient: localizers, colour and dose pages,
            secondary captures, ultrasound, burned-in annotation, objects without pixels.
    """
    try:
        _refuse_class(dataset)
        refuse_large(dataset)
        values = derived(dataset)
        count = int(dataset.get("NumberOfFrames") or 1)
        frames = tuple(_frame(source, dataset, index) for index in range(count))
        if len({(f.is_hu, f.rescale is None) for f in frames}) > 1:
            raise LeftOut("only some of its frames have a rescale")
        orientation = frames[0].orientation
        single = values.modality in PROJECTIONS or count > 1
        key = (
            str(dataset.get("SeriesInstanceUID", "")),
            values.modality,
            int(dataset.Rows),
            int(dataset.Columns),
            None if orientation is None else tuple(round(c, 2) for c in orientation),
            frames[0].spacing_mm,
            (frames[0].is_hu, frames[0].rescale is None),
            str(dataset.get("SOPInstanceUID", "")) if single else "",
        )
        return FileFrames(
            key=key,
            person=_person(dataset),
            derived=values,
            rows=int(dataset.Rows),
            columns=int(dataset.Columns),
            frames=frames,
        )
    except READ_ERRORS as error:
        raise LeftOut("its DICOM header is broken", "export it again") from error


def _person(dataset: Dataset) -> Person:
    number, born, sex, name = (
        str(dataset.get(keyword) or "").strip().casefold()
        for keyword in ("PatientID", "PatientBirthDate", "PatientSex", "PatientName")
    )
    return Person(
        number=number,
        birth_date=born,
        sex=sex if sex in ("f", "m") else "",
        family_name=name.partition("^")[0].strip(),
    )


def _refuse_class(dataset: Dataset) -> None:
    media = str(dataset.get("SOPClassUID", ""))
    kinds = {str(v).strip().upper() for v in _values(dataset, "ImageType")}
    if "Rows" not in dataset or "Columns" not in dataset:
        raise LeftOut("it is a DICOM object without an image")
    if media.startswith(_ULTRASOUND) or str(dataset.get("Modality", "")) == "US":
        raise LeftOut("it is ultrasound, which has names written into its pixels")
    if str(dataset.get("BurnedInAnnotation", "")).upper() == "YES":
        raise LeftOut("it has text written into its pixels, which may identify the patient")
    if media.startswith(_SECONDARY_CAPTURE) or "SCREEN SAVE" in kinds:
        raise LeftOut("it is a screen capture or dose page, which may identify the patient")
    if int(dataset.get("SamplesPerPixel") or 1) != 1 or "PALETTE" in str(
        dataset.get("PhotometricInterpretation", "")
    ):
        raise LeftOut("it is in colour: a screen or dose page, which may identify the patient")
    if "LOCALIZER" in kinds:
        raise LeftOut("it is a localizer (scout)")


def _frame(source: Source, dataset: Dataset, index: int) -> Frame:
    """The geometry and rescale of a frame: its own group, else the shared one, else the top."""
    places = list(_groups(dataset, index))
    slope, intercept = _number(places, "RescaleSlope"), _number(places, "RescaleIntercept")
    rescale = None if slope is None or intercept is None or slope == 0 else (slope, intercept)
    kind = next((str(p.RescaleType) for p in places if p.get("RescaleType")), "")
    # Maps of perfusion and the like are CT objects whose type is "US", unspecified: not HU.
    is_hu = (
        str(dataset.get("Modality", "")) == "CT"
        and rescale is not None
        and kind.strip().upper() in ("", "HU")
    )
    orientation = six_numbers(_first(places, "ImageOrientationPatient"))
    spacing = _numbers(_first(places, "PixelSpacing"), 2)
    number = dataset.get("InstanceNumber")
    return Frame(
        source=source,
        index=index,
        position=_numbers(_first(places, "ImagePositionPatient"), 3),
        orientation=None if orientation is None else tuple(float(c) for c in orientation),
        spacing_mm=(spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None,
        rescale=rescale,
        is_hu=is_hu,
        number=index if "PerFrameFunctionalGroupsSequence" in dataset else int(number or 0),
    )


def _groups(dataset: Dataset, index: int) -> Iterable[Dataset]:
    """Where a frame's values may stand in an enhanced object, nearest first (PS3.3 C.7.6.16)."""
    frames = dataset.get("PerFrameFunctionalGroupsSequence")
    shared = dataset.get("SharedFunctionalGroupsSequence")
    for group in ([frames[index]] if frames else []) + ([shared[0]] if shared else []):
        for keyword in (
            "PlanePositionSequence",
            "PlaneOrientationSequence",
            "PixelMeasuresSequence",
            "PixelValueTransformationSequence",
        ):
            if group.get(keyword):
                yield group[keyword][0]
    yield dataset


def _first(places: list[Dataset], keyword: str) -> object:
    return next((p.get(keyword) for p in places if p.get(keyword) is not None), None)


def _number(places: list[Dataset], keyword: str) -> float | None:
    value = _first(places, keyword)
    number = None if value in (None, "") else float(str(value))
    return number if number is not None and math.isfinite(number) else None


def _numbers(value: object, count: int) -> tuple[float, ...] | None:
    try:
        numbers = tuple(float(v) for v in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None
    finite = len(numbers) == count and all(abs(n) < 1e6 for n in numbers)
    return numbers if finite else None


def _values(dataset: Dataset, keyword: str) -> list[object]:
    value = dataset.get(keyword)
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)
