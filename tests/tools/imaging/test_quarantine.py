"""Which objects are held back, by class and header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from tools.imaging.quarantine import is_projection, quarantine_reason

_STORAGE = "1.2.840.10008.5.1.4.1.1"


def _object(media: str = f"{_STORAGE}.2", modality: str = "CT", **values: object) -> Dataset:
    made = Dataset()
    made.SOPClassUID, made.Modality = media, modality
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


@pytest.mark.parametrize(
    ("media", "modality", "said"),
    [
        (f"{_STORAGE}.7", "CT", "screen capture or dose page"),
        (f"{_STORAGE}.7.4", "OT", "screen capture or dose page"),
        (f"{_STORAGE}.6.1", "US", "ultrasound"),
        (f"{_STORAGE}.6", "OT", "ultrasound"),
        (f"{_STORAGE}.3", "US", "ultrasound"),
        (f"{_STORAGE}.104.1", "DOC", "encapsulated document"),
        (f"{_STORAGE}.77.1.4", "XC", "photograph"),
        (f"{_STORAGE}.77.1.6", "SM", "photograph"),
        (f"{_STORAGE}.68.1", "M3D", "surface scan"),
        ("1.2.840.10008.5.1.1.29", "HC", "scanned film"),
    ],
)
def test_classes_that_may_carry_names_or_faces_are_held(
    media: str, modality: str, said: str
) -> None:
    assert said in quarantine_reason(_object(media, modality))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "screen capture or dose page"),
        ({"ImageType": ["DERIVED", "SECONDARY", "DOSE_INFO"]}, "screen capture or dose page"),
        ({"ImageType": ["DERIVED", "SECONDARY", "OTHER", "CT_SOM5 PROT"]}, "screen capture"),
        ({"SeriesDescription": "Dose Report"}, "screen capture or dose page"),
        ({"SeriesDescription": "Patient Protocol"}, "screen capture or dose page"),
        ({"SeriesDescription": "901_Dose_Summary"}, "screen capture or dose page"),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, "without a place in the patient"),
        ({"ConversionType": "DF"}, "scanned film"),
        ({"BurnedInAnnotation": "YES"}, "text written into its pixels"),
        ({"RecognizableVisualFeatures": "YES"}, "can be recognised"),
        ({"SamplesPerPixel": 3}, "in colour"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "in colour"),
    ],
)
def test_headers_that_say_so_hold_an_object_back(values: dict[str, Any], said: str) -> None:
    assert said in quarantine_reason(_object(**values))


@pytest.mark.parametrize(
    ("media", "modality"),
    [
        (f"{_STORAGE}.2", "CT"),
        (f"{_STORAGE}.4", "MR"),
        (f"{_STORAGE}.1.1", "DX"),
        (f"{_STORAGE}.66.4", "SEG"),  # begins as ultrasound's 1.1.6 does
        (f"{_STORAGE}.30", "OT"),  # as 1.1.3
        (f"{_STORAGE}.78.1", "LEN"),  # as 1.1.7
    ],
)
def test_other_classes_pass(media: str, modality: str) -> None:
    assert quarantine_reason(_object(media, modality)) == ""


def test_reformats_and_doses_of_radiotherapy_pass() -> None:
    reformat = _object(
        ImageType=["DERIVED", "SECONDARY", "MPR"],
        BurnedInAnnotation="NO",
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
    )
    assert quarantine_reason(reformat) == ""
    dose = _object(f"{_STORAGE}.481.2", "RTDOSE", ImageType=["DERIVED", "SECONDARY", "DOSE"])
    assert quarantine_reason(dose) == ""


@pytest.mark.parametrize(
    ("media", "modality", "expected"),
    [
        (f"{_STORAGE}.1", "", True),
        (f"{_STORAGE}.1.1.1", "OT", True),
        (f"{_STORAGE}.12.1", "", True),
        ("", "CR", True),
        (f"{_STORAGE}.2", "CT", False),
        (f"{_STORAGE}.128", "PT", False),
    ],
)
def test_radiographs_are_told_by_class_or_modality(
    media: str, modality: str, expected: bool
) -> None:
    assert is_projection(_object(media, modality)) is expected


def test_no_header_value_stands_in_a_reason() -> None:
    odd = _object(PatientName="DOE^JANE", SeriesDescription="dose report of Jane Doe")
    assert "jane" not in quarantine_reason(odd).casefold()


def test_real_dose_pages_and_ultrasound_are_held_and_chest_ct_passes(shared_data: Path) -> None:
    folder = shared_data / "dicom"
    pages = [p for p in (folder / "rgb_dose_pages").iterdir() if p.name.startswith("I")]
    held = [bool(quarantine_reason(dcmread(p, force=True))) for p in sorted(pages)]
    assert held.count(True) >= 4
    ultrasound = dcmread(folder / "identified" / "us_burned_in_name.dcm")
    assert "ultrasound" in quarantine_reason(ultrasound)
    slices = (folder / "chest_ct").glob("*.dcm")
    assert {quarantine_reason(dcmread(p, stop_before_pixels=True)) for p in slices} == {""}
