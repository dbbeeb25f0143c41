"""Files described: what a header says of its frames, read once for slices that share it."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from tools.imaging import header as raw
from tools.imaging.deidentify import Derived, derived
from tools.imaging.frames import (
    PHASES,
    PROJECTIONS,
    FileFrames,
    Person,
    numbers_of,
    reaches_below_zero,
    read_frame,
)
from tools.imaging.geometry import is_same_plane
from tools.imaging.header import Header
from tools.imaging.pixels import READ_ERRORS, LeftOut, Pixels, pixels_of
from tools.imaging.sources import Source

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_CAPTURES = ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.3")
_UID = re.compile(r"[0-9][0-9.]{0,63}")
_PLANES_KEPT = 32  # slices of a series mostly come one after the other
_WHOLE_NUMBER = re.compile(rb"\s*[+-]?\d{1,9}\s*")
# Where an enhanced object says what is looked for at the top (PS3.3 C.8.15.3 and C.8.13.5).
_ENHANCED = (
    ("CTReconstructionSequence", "ConvolutionKernel"),
    ("MRTimingAndRelatedParametersSequence", "RepetitionTime"),
)
_OWN_PHASES = {
    "acquisition": raw.ACQUISITION_NUMBER,
    "acquisition time": raw.ACQUISITION_TIME,
    "content time": raw.CONTENT_TIME,
}


class Describer:
    """Describes files, and what their headers share only once.

    Args:
        release_quarantined: Take objects whose pixels may carry names: a person has looked.
    """

    def __init__(self, *, release_quarantined: bool = False) -> None:
        self._release = release_quarantined
        self._known: dict[bytes, FileFrames] = {}
        self._planes: list[tuple[float, ...]] = []

    def describe(self, source: Source, header: Header) -> FileFrames:
        """What a header says of its frames.

        Raises:
            LeftOut: For objects without pixels, localizers, broken headers, headers that claim too
                much, and what may carry names in its pixels unless that is released.
        """
        known = self._known.get(header.shared) if header.shared else None
        try:
            described = None if known is None else _like(known, source, header)
            if described is None:
                described = self._describe(source, header)
        except READ_ERRORS as error:
            raise LeftOut("its DICOM header is broken", "export it again") from error
        if header.shared and not described.is_displayed and len(described.frames) == 1:
            self._known[header.shared] = described
        return described

    def _describe(self, source: Source, header: Header) -> FileFrames:
        dataset = header.dataset()
        is_released = self._admit(dataset)
        pixels = pixels_of(dataset, header.syntax or _syntax(dataset))
        count, rows, columns = pixels.shape
        frames = tuple(read_frame(dataset, index, pixels) for index in range(count))
        values = _derived(dataset)
        if len({(f.is_hu, f.rescale is None) for f in frames}) > 1:
            raise LeftOut("only some of its frames have a rescale")
        is_displayed = (is_released and _is_capture(dataset, pixels)) or (
            values.modality in PROJECTIONS and count == 1
        )
        single = is_displayed or values.modality in PROJECTIONS or count > 1
        key = (
            str(dataset.get("SeriesInstanceUID", "")),
            values.modality,
            rows,
            columns,
            self._plane(frames[0].orientation),
            frames[0].spacing_mm,
            (frames[0].is_hu, frames[0].rescale is None),
            str(dataset.get("SOPInstanceUID", "")) if single else "",
        )
        return FileFrames(
            source=source,
            key=key,
            person=_person(dataset),
            instance=_instance(dataset) if count == 1 else "",
            derived=values,
            pixels=pixels,
            pixels_at=header.pixels_at,
            pixels_bytes=header.pixels_bytes,
            frames=frames,
            is_displayed=is_displayed,
            is_released=is_released,
        )

    def _plane(self, orientation: tuple[float, ...] | None) -> tuple[float, ...] | None:
        """The first orientation met that is nearly this one: headers round, each slice its own."""
        if orientation is None:
            return None
        known = next((p for p in self._planes if is_same_plane(p, orientation)), None)
        if known is None:
            self._planes = [orientation, *self._planes][:_PLANES_KEPT]
        return known or orientation

    def _admit(self, dataset: Dataset) -> bool:
        """Refuse what is no image of a patient; whether it passes only because it is released."""
        from tools.imaging.quarantine import quarantine_reason

        if "Rows" not in dataset or "Columns" not in dataset:
            raise LeftOut("it is a DICOM object without an image")
        reason = quarantine_reason(dataset)
        if reason and not self._release:
            raise LeftOut(reason, "check its pixels, then load it with --release-quarantined")
        if "LOCALIZER" in {str(v).strip().upper() for v in _values(dataset, "ImageType")}:
            raise LeftOut("it is a localizer (scout)")
        return bool(reason)


def _derived(dataset: Dataset) -> Derived:
    """What may leave loading, of an enhanced object too, whose first frame speaks for all."""
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or [{}]
    shared = dataset.get("SharedFunctionalGroupsSequence") or [{}]
    for sequence, keyword in _ENHANCED:
        groups = (*frames[:1], *shared[:1], dataset)
        item = next((g.get(sequence)[0] for g in groups if g.get(sequence)), None)
        if item is not None and keyword in item and not dataset.get(keyword):
            dataset[keyword] = item[keyword]
    agents = dataset.get("ContrastBolusAgentSequence")
    if agents and not dataset.get("ContrastBolusAgent"):
        dataset.ContrastBolusAgent = str(agents[0].get("CodeMeaning", ""))[:64]
    values = derived(dataset)
    is_without = values.contrast_phase == "non-contrast"
    if values.contrast is not None and values.contrast_phase and values.contrast == is_without:
        # They contradict each other, as in studies before and after contrast: neither is known.
        values = dataclasses.replace(values, contrast=None, contrast_phase="")
    return values


def _like(known: FileFrames, source: Source, header: Header) -> FileFrames | None:
    """A file whose header shares everything with a known one but its own few elements."""
    own, model = header.own, known.frames[0]
    number = own.get(raw.INSTANCE_NUMBER, b"0")
    position = _decimals(own.get(raw.IMAGE_POSITION), 3)
    slope = _decimals(own.get(raw.RESCALE_SLOPE), 1)
    intercept = _decimals(own.get(raw.RESCALE_INTERCEPT), 1)
    rescale = None if slope is None or intercept is None else (slope[0], intercept[0])
    if (
        not _WHOLE_NUMBER.fullmatch(number)
        or (position is None) != (model.position is None)
        or (rescale is None or rescale[0] == 0) != (model.rescale is None)
        or (
            rescale is not None
            and model.rescale is not None
            and reaches_below_zero(rescale, known.pixels)
            != reaches_below_zero(model.rescale, known.pixels)
        )
    ):
        return None  # pydicom has the say on whatever is odd
    phase = [
        own[_OWN_PHASES[name]].strip(b"\0 ").decode("ascii", "replace")
        if _OWN_PHASES.get(name) in own
        else value
        for name, value in zip(PHASES, model.phase, strict=True)
    ]
    frame = dataclasses.replace(
        model,
        position=position,
        rescale=rescale if model.rescale is not None else None,
        number=int(number),
        phase=tuple(phase),
    )
    uid = own.get(raw.SOP_INSTANCE_UID, b"").strip(b"\0 ").decode("ascii", "replace")
    place = known.instance.rpartition("/")[0]
    return dataclasses.replace(
        known,
        source=source,
        instance=f"{place}/{uid}" if place and _UID.fullmatch(uid) else "",
        pixels_at=header.pixels_at,
        pixels_bytes=header.pixels_bytes,
        frames=(frame,),
    )


def _decimals(value: bytes | None, count: int) -> tuple[float, ...] | None:
    """The numbers of a DS element as they stand in the file."""
    if value is None:
        return None
    return numbers_of(value.rstrip(b"\0 ").split(b"\\"), count)


def _syntax(dataset: Dataset) -> str:
    return str(getattr(dataset, "file_meta", {}).get("TransferSyntaxUID", ""))


def _instance(dataset: Dataset) -> str:
    uids = [str(dataset.get(f"{of}InstanceUID") or "") for of in ("Study", "Series", "SOP")]
    if not all(_UID.fullmatch(uid) for uid in uids):
        return ""
    return "studies/{}/series/{}/instances/{}".format(*uids)


def _is_capture(dataset: Dataset, pixels: Pixels) -> bool:
    """Whether an object is a picture of a screen, and not slices that only may carry names."""
    return (
        pixels.samples != 1
        or "PALETTE" in str(dataset.get("PhotometricInterpretation", ""))
        or str(dataset.get("SOPClassUID", "")).startswith(_CAPTURES)
        or str(dataset.get("Modality", "")) not in ("CT", "MR", "PT")
        or "SCREEN SAVE" in {str(v).strip().upper() for v in _values(dataset, "ImageType")}
    )


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


def _values(dataset: Dataset, keyword: str) -> list[object]:
    value = dataset.get(keyword)
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)
