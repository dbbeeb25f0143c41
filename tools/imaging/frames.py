"""Frames: single pictures with their own geometry and rescale, whatever file they came in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.imaging.deidentify import Derived, six_numbers
from tools.imaging.pixels import Pixels
from tools.imaging.sources import Source

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PROJECTIONS = frozenset({"CR", "DX", "XA", "RF", "MG", "IO", "PX"})

# By what several images at one place may differ: the name a person would give it, and where it is.
PHASES: Mapping[str, str] = {
    "echo time": "EchoTime",
    "b-value": "DiffusionBValue",
    "temporal position": "TemporalPositionIdentifier",
    "trigger time": "TriggerTime",
    "acquisition": "AcquisitionNumber",
    "image type": "ImageType",
    "reconstruction kernel": "ConvolutionKernel",
    "slice thickness": "SliceThickness",
    "acquisition time": "AcquisitionTime",
    "content time": "ContentTime",
}
_ENHANCED = {
    "EchoTime": "EffectiveEchoTime",
    "TemporalPositionIdentifier": "TemporalPositionIndex",
    "TriggerTime": "NominalCardiacTriggerDelayTime",
    "AcquisitionNumber": "FrameAcquisitionNumber",
    "ImageType": "FrameType",
}
_MACROS = (
    "PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence",
    "PixelValueTransformationSequence", "FrameContentSequence", "MREchoSequence",
    "MRDiffusionSequence", "CTImageFrameTypeSequence", "MRImageFrameTypeSequence",
    "TemporalPositionSequence", "CardiacSynchronizationSequence", "CTReconstructionSequence",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One frame of one file, by its header.

    Attributes:
        index: Its place in the file, from 0.
        position, orientation, spacing_mm: In LPS millimetres; None when the header has none.
        thickness_mm: SliceThickness; None when the header has none.
        rescale: Slope and intercept of this frame; None when the header has none that works.
        is_hu: A CT frame whose rescale leads to HU.
        number: InstanceNumber, or the place in the file.
        phase: By the names of PHASES, "" for what the header does not say; it never leaves loading.
    """

    index: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing_mm: tuple[float, float] | None
    thickness_mm: float | None
    rescale: tuple[float, float] | None
    is_hu: bool
    number: int
    phase: tuple[str, ...]


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
        instance: As of Volume.instances; "" where a UID is missing.
        pixels_at, pixels_bytes: As of Header.
        is_displayed: Shown as its header says, in 8-bit grey: a radiograph or a screen capture.
        is_released: Its pixels may carry names, and the person has let it through.
    """

    source: Source
    key: tuple[object, ...]
    person: Person
    instance: str
    derived: Derived
    pixels: Pixels
    pixels_at: int
    pixels_bytes: int
    frames: tuple[Frame, ...]
    is_displayed: bool
    is_released: bool


def reaches_below_zero(rescale: tuple[float, float], pixels: Pixels) -> bool:
    """Whether stored values can lead below 0 HU, where fat, lung and air lie."""
    slope, intercept = rescale
    lowest = -(1 << (pixels.bits_stored - 1)) if pixels.is_signed else 0
    highest = lowest + (1 << pixels.bits_stored) - 1
    return min(slope * lowest, slope * highest) + intercept < 0


def read_frame(dataset: Dataset, index: int, pixels: Pixels) -> Frame:
    """The geometry and rescale of a frame: its own group, else the shared one, else the top."""
    places = list(_groups(dataset, index))
    slope, intercept = _number(places, "RescaleSlope"), _number(places, "RescaleIntercept")
    rescale = None if slope is None or intercept is None or slope == 0 else (slope, intercept)
    kind = next((str(p.RescaleType) for p in places if p.get("RescaleType")), "")
    # Maps of perfusion and the like are CT objects whose type is "US", unspecified: not HU. Nor are
    # values HU whose offset was lost: unsigned ones that are not shifted.
    is_hu = (
        str(dataset.get("Modality", "")) == "CT"
        and rescale is not None
        and kind.strip().upper() in ("", "HU")
        and reaches_below_zero(rescale, pixels)
    )
    orientation = six_numbers(_first(places, "ImageOrientationPatient"))
    spacing = numbers_of(_first(places, "PixelSpacing"), 2)
    thickness = numbers_of([_said(places, "SliceThickness")], 1)
    number = dataset.get("InstanceNumber")
    return Frame(
        index=index,
        position=numbers_of(_first(places, "ImagePositionPatient"), 3),
        orientation=None if orientation is None else tuple(float(c) for c in orientation),
        spacing_mm=(spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None,
        thickness_mm=thickness[0] if thickness and 0 < thickness[0] < 1000 else None,
        rescale=rescale,
        is_hu=is_hu,
        number=index if "PerFrameFunctionalGroupsSequence" in dataset else int(number or 0),
        phase=tuple(
            _said(places, _ENHANCED.get(keyword, keyword)) or _said(places, keyword)
            for keyword in PHASES.values()
        ),
    )


def _groups(dataset: Dataset, index: int) -> Iterable[Dataset]:
    """Where a frame's values may stand in an enhanced object, nearest first (PS3.3 C.7.6.16)."""
    frames = dataset.get("PerFrameFunctionalGroupsSequence")
    shared = dataset.get("SharedFunctionalGroupsSequence")
    for group in ([frames[index]] if frames else []) + ([shared[0]] if shared else []):
        for keyword in _MACROS:
            if group.get(keyword):
                yield group[keyword][0]
    yield dataset


def _first(places: list[Dataset], keyword: str) -> object:
    return next((p.get(keyword) for p in places if p.get(keyword) is not None), None)


def _said(places: list[Dataset], keyword: str) -> str:
    """A value in words; what is no value of its kind is left unsaid, and the file is read."""
    try:
        value = _first(places, keyword)
    except (TypeError, ValueError):
        return ""
    return "" if value is None else str(value)


def _number(places: list[Dataset], keyword: str) -> float | None:
    value = _first(places, keyword)
    number = None if value in (None, "") else float(str(value))
    return number if number is not None and math.isfinite(number) else None


def numbers_of(value: object, count: int) -> tuple[float, ...] | None:
    """So many numbers of an everyday size; None when the value is anything else."""
    try:
        numbers = tuple(float(v) for v in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None
    finite = len(numbers) == count and all(abs(n) < 1e6 for n in numbers)
    return numbers if finite else None
