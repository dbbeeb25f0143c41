"""The basic profile of PS3.15 on data sets: nothing survives but what is meant to."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence

from tests.tools.imaging.dicom_files import ct_slice
from tools.imaging.acquisition import PHASES, SEQUENCES
from tools.imaging.deidentify import Derived, derived
from tools.imaging.pixels import LeftOut
from tools.imaging.profile import RemovalLog, deidentify_dataset
from tools.imaging.pseudonyms import keyed_uid

KEY = b"0123456789abcdef0123456789abcdef"
# What the basic profile leaves of this file: how it was made, where it lies, how to show it.
TECHNICAL = frozenset(
    {
        "BitsAllocated", "BitsStored", "BurnedInAnnotation", "Columns",
        "DataCollectionDiameter", "DistanceSourceToDetector", "DistanceSourceToPatient",
        "Exposure", "ExposureTime", "FilterType", "FocalSpots", "GantryDetectorTilt",
        "GeneratorPower", "HighBit", "ImageOrientationPatient", "ImagePositionPatient",
        "ImageType", "InstanceNumber", "KVP", "Manufacturer", "ManufacturerModelName",
        "Modality", "PatientPosition", "PhotometricInterpretation", "PixelData",
        "PixelPaddingValue", "PixelRepresentation", "PixelSpacing",
        "PositionReferenceIndicator", "ReconstructionDiameter", "RescaleIntercept",
        "RescaleSlope", "RotationDirection", "Rows", "SOPClassUID", "SamplesPerPixel",
        "ScanOptions", "SeriesNumber", "SliceLocation", "SliceThickness",
        "SoftwareVersions", "SpecificCharacterSet", "TableHeight", "WindowCenter",
        "WindowWidth", "XRayTubeCurrent"
    }
)  # fmt: skip
EXEMPT = frozenset({"PatientAge", "PatientSex", "BodyPartExamined", "ConvolutionKernel"})


def _written(clean: Dataset) -> tuple[bytes, FileDataset]:
    buffer = io.BytesIO()
    dcmwrite(buffer, clean, enforce_file_format=True)
    return buffer.getvalue(), dcmread(io.BytesIO(buffer.getvalue()))


def _values(dataset: Dataset, path: str = "") -> Iterator[tuple[str, str]]:
    """Every single value at any depth, as text, with the keywords or tags that lead to it."""
    for element in dataset:
        here = f"{path}{element.keyword or element.tag}"
        if element.VR == "SQ":
            for item in element.value:
                yield from _values(item, f"{here}>")
            continue
        several = element.VM > 1 and not isinstance(element.value, str | bytes)
        for value in element.value if several else [element.value]:
            yield here, value.decode("latin-1") if isinstance(value, bytes) else str(value)


def test_no_original_value_survives_but_the_exempt_ones(shared_data: Path) -> None:
    original = dcmread(shared_data / "dicom" / "identified" / "every_ps315_attribute.dcm")
    content, clean = _written(deidentify_dataset(original, KEY)[0])
    stays = {v for path, v in _values(original) if path in TECHNICAL | EXEMPT}
    secrets = {v.strip() for path, v in _values(original) if path not in TECHNICAL | EXEMPT}
    secrets = {v for v in secrets - stays if len(v) > 2} - {"NO", "YES", "REMOVED"}
    assert len(secrets) > 50
    outside = content.replace(clean.PixelData, b"")
    distinctive = {v for v in secrets if len(v) > 4 or not v.isdigit()}
    assert {v for v in distinctive if v.encode("latin-1", "replace") in outside} == set()
    lowered = outside.lower()
    for piece in (b"zzsecret", b"19570317", b"031415", b"77331", b"77.331", b"1.3.6.1.4.1.14519"):
        assert piece not in lowered
    assert secrets & {v.strip() for _, v in _values(clean)} == set()


def test_what_survives_is_technical_or_exempt(shared_data: Path) -> None:
    original = dcmread(shared_data / "dicom" / "identified" / "every_ps315_attribute.dcm")
    before = dict(_values(original))
    _, clean = _written(deidentify_dataset(original, KEY)[0])
    same = {path for path, value in _values(clean) if before.get(path) == value and value}
    assert same - TECHNICAL - EXEMPT == set()
    assert same >= EXEMPT
    assert derived(clean) == derived(original)


def test_names_nested_in_sequences_outside_the_table_go() -> None:
    made = ct_slice(np.zeros((2, 2)))
    item, deeper = Dataset(), Dataset()
    deeper.PatientName = "HOLLOWAY^MARGARET"
    deeper.ReferencedSOPInstanceUID = "1.2.3.4.5"
    item.CodeMeaning = "Chest"
    item.ImageComments = "for Margaret"
    item.ReferencedImageSequence = Sequence([deeper])
    made.ProcedureCodeSequence = Sequence([item])
    clean, log = deidentify_dataset(made, KEY)
    content, clean = _written(clean)
    assert b"HOLLOWAY" not in content
    assert b"Margaret" not in content
    kept = clean.ProcedureCodeSequence[0]
    assert kept.CodeMeaning == "Chest"
    assert kept.ReferencedImageSequence[0].ReferencedSOPInstanceUID == keyed_uid("1.2.3.4.5", KEY)
    assert (
        "(0008,1032) ProcedureCodeSequence > (0008,1140) ReferencedImageSequence > "
        "(0010,0010) PatientName"
    ) in log.changed()
    assert made.ProcedureCodeSequence[0].ImageComments == "for Margaret"  # the original stays


def test_the_log_names_tags_and_never_values() -> None:
    made = ct_slice(np.zeros((2, 2)))
    made.private_block(0x0009, "HOLLOWAY SYSTEMS", create=True).add_new(1, "LO", "Margaret")
    _, log = deidentify_dataset(made, KEY)
    assert {"(0009,0010)", "(0009,1001)", "(0010,0010) PatientName"} <= log.changed()
    said = repr(log).casefold()
    assert not any(word in said for word in ("holloway", "margaret", "test^person", "t-0001"))


def test_what_says_that_it_was_done_is_set() -> None:
    made = ct_slice(np.zeros((2, 2)))
    made.PatientIdentityRemoved = "NO"
    made.PatientSex = "F"
    made.PatientAge = "094Y"
    clean, _ = deidentify_dataset(made, KEY)
    assert (made.PatientIdentityRemoved, clean.PatientIdentityRemoved) == ("NO", "YES")
    assert (made.PatientAge, made.PatientName) == ("094Y", "TEST^PERSON")
    codes = [code.CodeValue for code in clean.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113108"]
    assert all(len(words) <= 64 for words in clean.DeidentificationMethod)
    assert (clean.PatientAge, clean.PatientSex) == ("090Y", "F")
    bare, _ = deidentify_dataset(ct_slice(np.zeros((2, 2))), KEY)
    assert [c.CodeValue for c in bare.DeidentificationMethodCodeSequence] == ["113100"]


# A header that says both of the pair left out says nothing.
@pytest.mark.parametrize(
    ("phase", "sequence"),
    sorted({*itertools.product(PHASES, SEQUENCES)} - {("non-contrast", "post-contrast T1")}),
)
def test_permitted_values_can_be_read_again(phase: str, sequence: str) -> None:
    made = ct_slice(np.zeros((2, 2)))
    made.Modality = "MR"
    keep = Derived(
        age_years=0.5, sex="male", body_part="HEAD", modality="MR", plane="axial", kernel="",
        thickness_mm=2.0, contrast=True, contrast_phase=phase, sequence=sequence,
    )  # fmt: skip
    clean, _ = deidentify_dataset(made, KEY, keep=keep)
    assert derived(_written(clean)[1]) == keep


@pytest.mark.parametrize(
    ("age", "written"), [("045Y", "045Y"), ("018M", "018M"), ("010D", "011D"), ("104Y", "090Y")]
)
def test_ages_are_written_as_dicom_writes_them(age: str, written: str) -> None:
    made = ct_slice(np.zeros((2, 2)))
    made.PatientAge = age
    assert deidentify_dataset(made, KEY)[0].PatientAge == written


def test_uids_follow_the_key_and_references_still_match() -> None:
    one, two = ct_slice(np.zeros((2, 2)), number=1), ct_slice(np.zeros((2, 2)), number=2)
    reference = Dataset()
    reference.ReferencedSOPClassUID = one.SOPClassUID
    reference.ReferencedSOPInstanceUID = one.SOPInstanceUID
    two.ReferencedImageSequence = Sequence([reference])
    first, _ = deidentify_dataset(one, KEY)
    second, _ = deidentify_dataset(two, KEY)
    referenced = second.ReferencedImageSequence[0]
    assert referenced.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert referenced.ReferencedSOPClassUID == one.SOPClassUID
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.PatientID == second.PatientID != one.PatientID
    assert first.SOPInstanceUID.startswith("2.25.")
    assert len(first.SOPInstanceUID) <= 64
    other, _ = deidentify_dataset(one, KEY[::-1])
    assert other.SOPInstanceUID != first.SOPInstanceUID


def test_file_meta_preamble_overlays_and_trailing_bytes_are_cleaned() -> None:
    made = ct_slice(np.full((2, 2), 7))
    made.preamble = b"MARGARET".ljust(128, b"\0")
    made.file_meta.SourceApplicationEntityTitle = "HOLLOWAY_AE"
    made.add_new(0x60000010, "US", 2)
    made.add_new(0x60000011, "US", 2)
    made.add_new(0x60003000, "OW", b"\x0f\x00")
    made.add_new(0x60004000, "LT", "Margaret")
    made.add_new(0xFFFCFFFC, "OB", b"MARGARET")
    icon = Dataset()
    icon.PixelData = b"\1\2"
    made.IconImageSequence = Sequence([icon])
    content, clean = _written(deidentify_dataset(made, KEY)[0])
    assert b"MARGARET" not in content.upper()
    assert b"HOLLOWAY" not in content
    assert content[:128] == b"\0" * 128
    assert clean.file_meta.MediaStorageSOPInstanceUID == clean.SOPInstanceUID
    assert not any(element.tag.group == 0x6000 for element in clean)
    assert "IconImageSequence" not in clean
    assert clean.PixelData == made.PixelData


def test_free_text_that_the_table_does_not_list_goes() -> None:
    made = ct_slice(np.zeros((2, 2)))
    made.MaterialNotes = "of Margaret"
    made.EvaluatorName = "HOLLOWAY"
    made.add_new(0x00081F01, "LO", "unknown to the dictionary")
    clean, log = deidentify_dataset(made, KEY)
    assert "MaterialNotes" not in clean
    assert "EvaluatorName" not in clean
    assert 0x00081F01 not in clean
    assert "(0008,1F01)" in log.removed


def _without(keyword: str) -> FileDataset:
    made = ct_slice(np.zeros((2, 2)))
    delattr(made, keyword)
    return made


def _with(tag: int, vr: str, value: object) -> FileDataset:
    made = ct_slice(np.zeros((2, 2)))
    made.add_new(tag, vr, value)
    return made


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (_without("SOPInstanceUID"), "no SOP Class or SOP Instance UID"),
        (_with(0x00080016, "UI", "1.2.840.113619.4.30"), "private class"),
        (_with(0x60000010, "US", 2), "overlay in unused bits"),
        (_with(0x00080016, "UI", "1.2.840.10008.1.3.10"), "DICOMDIR"),
        (_with(0x00340007, "OW", b"\1\2"), "must be replaced and cannot be"),
    ],
)
def test_what_cannot_be_cleaned_is_refused(dataset: FileDataset, said: str) -> None:
    with pytest.raises(LeftOut, match=said):
        deidentify_dataset(dataset, KEY)


def test_an_empty_log_has_changed_nothing() -> None:
    assert RemovalLog().changed() == set()
