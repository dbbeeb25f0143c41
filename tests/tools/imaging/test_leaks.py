"""What identified the original, in attributes, bytes and representations where nobody looks."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEGBaseline8Bit

from tests.tools.imaging.dicom_files import ct_slice, write
from tools.imaging.deidentify_files import deidentify_files
from tools.imaging.leaks import empty_leaks, identity_of, trim_pixels
from tools.imaging.pixels import LeftOut
from tools.imaging.profile import deidentify_dataset

KEY = b"0123456789abcdef0123456789abcdef"
SECRETS = (b"holloway", b"margaret", b"19570317", b"pid77331", b"1.2.840.99.1")


def _named() -> FileDataset:
    made = ct_slice(np.full((2, 2), 7))
    made.PatientName, made.PatientID = "HOLLOWAY^MARGARET", "PID77331"
    made.PatientBirthDate, made.StudyInstanceUID = "19570317", "1.2.840.99.1"
    return made


def _item(**values: object) -> Sequence:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return Sequence([item])


def _nested(made: Dataset) -> None:
    inner = _item(PatientName="HOLLOWAY^MARGARET", TextValue="of Margaret")
    for _ in range(5):
        inner = _item(CodeMeaning="Chest", ConceptNameCodeSequence=inner)
    made.ProcedureCodeSequence = inner


def _private(made: Dataset) -> None:
    block = made.private_block(0x0011, "HOLLOWAY SYSTEMS", create=True)
    block.add_new(1, "SQ", _item(PatientName="HOLLOWAY"))
    block.add_new(2, "UN", b"Margaret")


def _report(made: Dataset) -> None:
    made.ContentSequence = _item(ValueType="TEXT", TextValue="Mrs Margaret Holloway")


def _curve(made: Dataset) -> None:
    made.add_new(0x50002500, "LO", "HOLLOWAY")
    made.add_new(0x50003000, "OW", b"HOLLOWAY")


def _document(made: Dataset) -> None:
    made.add_new(0x00420011, "OB", b"%PDF of HOLLOWAY")
    made.DocumentTitle = "Margaret"


def _set(tag: int, vr: str, value: object) -> Callable[[Dataset], None]:
    def edit(made: Dataset) -> None:
        made.add_new(tag, vr, value)

    edit.__name__ = f"{tag:08X} {vr}"
    return edit


@pytest.mark.parametrize(
    "edit",
    [
        _nested,
        _private,
        _report,
        _curve,
        _document,
        _set(0x00100033, "LO", "19570317"),  # birth date in another calendar
        _set(0x00100010, "UN", b"HOLLOWAY^MARGARET "),
        _set(0x00081032, "OB", b"HOLLOWAY"),  # a sequence's tag
        _set(0x00180060, "LO", "HOLLOWAY MARGARET"),  # a number's tag
        _set(0x00180050, "OB", b"HOLLOWAY MARGARET1"),
        _set(0x00180022, "CS", "HOLLOWAY"),
        _set(0x00080008, "CS", ["ORIGINAL", "PRIMARY", "AXIAL", "HOLLOWAY"]),
        _set(0x00181020, "LO", "for Margaret Holloway, build 19570317"),
        _set(0x00181160, "SH", "1.2.840.99.1"),
        _set(0x00200012, "IS", 19570317),
        _set(0x00282000, "OB", b"desc HOLLOWAY"),
        _set(0x00281055, "LO", "window of Holloway"),
        _set(0x00041500, "CS", ["HOLLOWAY", "CT1"]),
        _set(0x00700081, "LO", "Margaret"),
        _set(0x0040A120, "DT", "19570317120000.000+0100"),
        _set(0x00081032, "SQ", _item(CodeValue="1", CodeMeaning="CT of Margaret Holloway")),
    ],
    ids=lambda edit: edit.__name__,
)
def test_nothing_of_the_patient_survives_in_odd_places(
    tmp_path: Path, edit: Callable[[Dataset], None]
) -> None:
    made = _named()
    edit(made)
    study = write(tmp_path / "study", made)
    assert deidentify_files([study], tmp_path / "out", key=KEY).written == 1
    (copy,) = (tmp_path / "out").rglob("*.dcm")
    content = copy.read_bytes().lower()
    assert [secret for secret in SECRETS if secret in content] == []


def test_names_in_other_scripts_are_looked_for_too() -> None:
    made = _named()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    made.ProcedureCodeSequence = _item(CodeValue="1", CodeMeaning="山田様 胸部")
    clean, log = deidentify_dataset(made, KEY)
    buffer = io.BytesIO()
    dcmwrite(buffer, clean, enforce_file_format=True)
    assert "山田".encode() not in buffer.getvalue()
    assert "(0008,1032) ProcedureCodeSequence > (0008,0104) CodeMeaning" in log.emptied


def test_one_value_of_several_is_emptied_and_words_of_dicom_are_no_leak() -> None:
    made = _named()
    made.ReferringPhysicianName = "PRIMARY CARE^CHEST"
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", "HOLLOWAY"]
    clean, _ = deidentify_dataset(made, KEY)
    assert list(clean.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL", ""]
    assert list(made.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL", "HOLLOWAY"]


def test_a_name_is_a_whole_word() -> None:
    clean = Dataset()
    clean.SoftwareVersions, clean.FilterType = "leeway 4", "LEE 2"
    named = Dataset()
    named.PatientName, named.PatientID = "LEE^A", "42"
    assert list(empty_leaks(clean, identity_of(named))) == ["(0018,1160) FilterType"]
    assert (clean.SoftwareVersions, clean.FilterType or "") == ("leeway 4", "")


def test_bytes_behind_the_last_pixel_are_cut() -> None:
    made = _named()
    pixels = made.PixelData
    made.PixelData = pixels + b"HOLLOWAY^MARGARET "
    clean, log = deidentify_dataset(made, KEY)
    assert clean.PixelData == pixels
    assert "(7FE0,0010) PixelData" in log.replaced
    assert len(made.PixelData) == len(pixels) + 18


def test_an_odd_number_of_pixels_keeps_its_padding() -> None:
    made = ct_slice(np.full((1, 3), 7))
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit = 7
    made.PixelData = b"\1\2\3\0"
    assert not trim_pixels(made)
    made.PixelData = b"\1\2\3X"
    assert trim_pixels(made)
    assert made.PixelData == b"\1\2\3\0"


def test_a_name_inside_compressed_pixels_holds_the_file_back() -> None:
    made = _named()
    made.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    comment = b"\xff\xd8\xff\xfe\x00\x12Holloway, M.\xff\xd9"
    made.PixelData = encapsulate([comment])
    made["PixelData"].is_undefined_length = True
    with pytest.raises(LeftOut, match="name or number of its header in letters"):
        deidentify_dataset(made, KEY)


def test_uniform_pixels_are_no_number() -> None:
    made = _named()
    made.PatientID = "00000000"
    made.PixelData = b"0" * 8
    assert deidentify_dataset(made, KEY)[0].PixelData == b"0" * 8


def test_names_of_files_in_a_zip_become_part_of_nothing(tmp_path: Path) -> None:
    import zipfile

    buffer = io.BytesIO()
    _named().save_as(buffer, enforce_file_format=True)
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as packed:
        packed.writestr("HOLLOWAY/MARGARET.dcm", buffer.getvalue())
        packed.writestr("HOLLOWAY/report of Margaret.txt", "of Margaret Holloway")
    summary = deidentify_files([tmp_path / "study.zip"], tmp_path / "out", key=KEY)
    assert (summary.written, len(summary.held)) == (1, 1)
    said = " ".join((*summary.lines(), *map(str, (tmp_path / "out").rglob("*")))).lower()
    assert "holloway" not in said
    assert "margaret" not in said
    (copy,) = (tmp_path / "out").rglob("*.dcm")
    assert dcmread(copy).PatientName != "HOLLOWAY^MARGARET"
