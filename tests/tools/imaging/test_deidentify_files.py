"""De-identified copies of whole studies, on made and on real files."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom import data as pydicom_data
from pydicom import dcmread
from pydicom.dataset import Dataset

from tests.tools.imaging.dicom_files import stack, write
from tools.errors import UserError
from tools.imaging.deidentify_files import deidentify_files
from tools.imaging.files import load_paths
from tools.imaging.pseudonyms import keyed_uid, open_key
from tools.imaging.silence import silent_pydicom

KEY = b"0123456789abcdef0123456789abcdef"


def _study(folder: Path, count: int = 3) -> Path:
    slices = stack(count)
    for one in slices:
        one.StudyInstanceUID = "2.25.6"
    return write(folder, *slices)


def test_a_study_is_copied_under_its_new_uids_alone(tmp_path: Path) -> None:
    study = _study(tmp_path / "HOLLOWAY MARGARET")
    summary = deidentify_files([study], tmp_path / "out", key=KEY)
    assert (summary.written, summary.copies, summary.held) == (3, 0, [])
    places = {p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*.dcm")}
    folder = Path(keyed_uid("2.25.6", KEY), keyed_uid("2.25.5", KEY))
    assert places == {folder / f"{keyed_uid(f'2.25.7{n}', KEY)}.dcm" for n in (1, 2, 3)}
    assert summary.changed["(0010,0010) PatientName"] == 3
    assert summary.lines()[0] == "3 files written, 0 held back"


def test_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    study = _study(tmp_path / "study")
    out = [tmp_path / "one", tmp_path / "two"]
    for folder in out:
        deidentify_files([study], folder, key=KEY)
    deidentify_files([study], out[0], key=KEY)
    one, two = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*.dcm")} for f in out)
    assert one == two


def test_the_copies_load_as_the_same_volume(tmp_path: Path) -> None:
    study = _study(tmp_path / "study", 5)
    deidentify_files([study], tmp_path / "out", key=KEY)
    ((before, voxels),) = load_paths([study]).volumes
    ((after, copied),) = load_paths([tmp_path / "out"]).volumes
    assert np.array_equal(voxels.voxels, copied.voxels)
    assert before.model_copy(update={"ref": ""}) == after.model_copy(update={"ref": ""})


def test_quarantined_files_are_counted_and_not_written(tmp_path: Path) -> None:
    slices = stack(2)
    slices[1].BurnedInAnnotation = "YES"
    study = write(tmp_path / "study", *slices)
    (study / "notes.txt").write_text("of Margaret Holloway")
    summary = deidentify_files([study], tmp_path / "out", key=KEY)
    assert (summary.written, len(summary.held)) == (1, 2)
    assert dict(summary.reasons) == {
        "it has text written into its pixels, which may identify the patient": 1,
        "it is no DICOM file": 1,
    }
    assert not any("2.dcm" in line or "notes" in line for line in summary.lines())


def test_released_files_are_written(tmp_path: Path) -> None:
    slices = stack(2)
    slices[1].BurnedInAnnotation = "YES"
    study = write(tmp_path / "study", *slices)
    summary = deidentify_files([study], tmp_path / "out", key=KEY, release_quarantined=True)
    assert (summary.written, summary.held) == (2, [])


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_text_in_a_radiograph_holds_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image.new("L", (512, 512), 0)
    ImageDraw.Draw(image).text((20, 20), "HOLLOWAY", fill=255, font=ImageFont.load_default(24))

    def with_text(made: Dataset) -> None:
        made.Modality = "CR"
        made.Rows = made.Columns = 512
        made.PixelData = (np.asarray(image).astype("<i2") * 100).tobytes()

    study = write(tmp_path / "study", *stack(1, edit=with_text))
    summary = deidentify_files([study], tmp_path / "out", key=KEY)
    assert list(summary.reasons) == ["text was read in its pixels, which may identify the patient"]
    monkeypatch.setenv("PATH", "")  # nothing reads the pixels
    assert deidentify_files([study], tmp_path / "out", key=KEY).written == 1


def test_identical_copies_are_left_out_and_clashing_files_are_held(tmp_path: Path) -> None:
    slices = stack(3)
    slices[2].SOPInstanceUID = slices[0].SOPInstanceUID
    study = write(tmp_path / "study", *slices)
    (study / "again.dcm").write_bytes((study / "2.dcm").read_bytes())
    summary = deidentify_files([study], tmp_path / "out", key=KEY)
    assert (summary.written, summary.copies) == (2, 1)
    assert list(summary.reasons) == ["another file has its SOP Instance UID and other content"]


@pytest.mark.parametrize("out", ["study", "study/out", "."])
def test_the_output_lies_apart_from_the_input(tmp_path: Path, out: str) -> None:
    study = _study(tmp_path / "study")
    with pytest.raises(UserError, match="name a folder beside the study"):
        deidentify_files([study], tmp_path / out, key=KEY)
    assert len(list(study.iterdir())) == 3


def test_a_folder_that_cannot_be_written_is_named_as_such(tmp_path: Path) -> None:
    study = _study(tmp_path / "study")
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match="the output folder cannot be written"):
        deidentify_files([study], tmp_path / "out", key=KEY)


def test_a_write_that_fails_leaves_no_part_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    study = _study(tmp_path / "study")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="No space left"):
        deidentify_files([study], tmp_path / "out", key=KEY)
    assert [p for p in (tmp_path / "out").rglob("*") if p.is_file()] == []


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "study.key"
    key = open_key(path)
    assert len(key) == 32
    assert open_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("00" * 32, 0o644, "chmod 600"),
        ("margaret", 0o600, "no key file"),
        ("00ff", 0o600, "2 byte"),
    ],
)
def test_a_bad_key_file_is_refused(tmp_path: Path, content: str, mode: int, said: str) -> None:
    path = tmp_path / "study.key"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(UserError, match=said) as refused:
        open_key(path)
    assert content not in str(refused.value)


def _bundled() -> list[Path]:
    """The files that pydicom brings along, without indexes, which stand for the files they list."""
    folder = Path(pydicom_data.__file__).parent / "test_files"
    files = (p for p in folder.rglob("*") if p.is_file() and p.suffix not in {".py", ".zip"})
    return sorted(p for p in files if not p.name.startswith("DICOMDIR"))


def test_nothing_is_logged_of_a_header(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    study = _study(tmp_path / "study")
    content = (study / "1.dcm").read_bytes().replace(b"T-0001", b"T\xff0001")
    (study / "1.dcm").write_bytes(content)
    assert deidentify_files([study], tmp_path / "out", key=KEY).written == 3
    assert caplog.records == []


def test_every_file_of_pydicom_is_cleaned_or_held_with_a_reason(tmp_path: Path) -> None:
    files = _bundled()
    assert len(files) > 100
    written = 0
    for number, path in enumerate(files):
        out = tmp_path / str(number)
        summary = deidentify_files([path], out, key=KEY)
        assert summary.written + summary.copies + len(summary.held) >= 1, path.name
        assert all(held.reason for held in summary.held)
        for copy in out.rglob("*.dcm"):
            written += 1
            with silent_pydicom():  # some of these files are invalid, and pytest would stop there
                _assert_nothing_survives(dcmread(path, force=True), copy)
    assert written > 50


def _assert_nothing_survives(original: Dataset, copy: Path) -> None:
    content, clean = copy.read_bytes(), dcmread(copy)
    said = {str(element.value).strip() for element in clean.iterall() if element.VR != "SQ"}
    # An institution may be called as the maker of its scanner, which stays.
    made_by = f"{original.get('Manufacturer')} {original.get('ManufacturerModelName')}"
    for element in original.iterall():
        value = str(element.value or "").strip()
        name = element.VR == "PN" or element.keyword in {
            "PatientID", "AccessionNumber", "InstitutionName", "SOPInstanceUID", "StudyInstanceUID",
            "PatientAddress", "ReferringPhysicianName", "StationName", "DeviceSerialNumber",
        }  # fmt: skip
        if name and len(value) > 3 and value not in made_by:
            assert value not in said, element.keyword
            assert value.encode("utf-8", "replace") not in content, element.keyword
