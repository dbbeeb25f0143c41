"""series, montage and deidentify, as a person runs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import SecondaryCaptureImageStorage

from agent.__main__ import main
from tests.tools.imaging.dicom_files import ct_slice, write
from tests.tools.imaging.nifti_files import ct_values, image, nib, ras_affine
from tools.imaging.phantom import write_phantom
from tools.imaging.phantom_lesions import Lesion

_TILE, _CAPTION = 256, 14  # pixels of a contact sheet


def _screen() -> FileDataset:
    """A screen picture of the phantom's person."""
    made = ct_slice(np.arange(48).reshape(6, 8))
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    made.PatientID, made.PatientName = "PHANTOM", "PHANTOM^HOOFBEAT"
    made.Modality = "OT"
    return made


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one person: 6 and 24 slices over the same 275 mm, a screen picture and a text file."""
    folder = tmp_path_factory.mktemp("study")
    for name, slices in (("a", 6), ("b", 24)):
        write_phantom(folder / name, lesion=Lesion.NONE, seed=1, shape=(slices, 32, 32))
    write(folder / "screen", _screen())
    (folder / "HOLLOWAY.txt").write_text("Margaret", "utf-8")
    return folder


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """A screenshot of 90 x 60."""
    grey = np.random.default_rng(4).integers(0, 255, (60, 90), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "shot.png")
    return tmp_path / "shot.png"


class Shell:
    """Runs a command; what it printed, its lines joined, since the terminal wraps them."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.told = ""

    def __call__(self, *arguments: str | Path) -> str:
        assert main([str(a) for a in arguments]) == 0
        printed = self._capsys.readouterr()
        self.told = printed.err
        return " ".join(printed.out.split())

    def refusal(self, *arguments: str | Path) -> str:
        """The one line of a command that ends with exit code 2."""
        assert main([str(a) for a in arguments]) == 2
        printed = self._capsys.readouterr()
        (line,) = (said for said in printed.err.splitlines() if said.startswith("hoofbeat: "))
        assert printed.out == ""
        assert "Traceback" not in printed.err
        return line


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def test_the_series_are_listed_best_first_with_the_reason(run: Shell, study: Path) -> None:
    said = run("series", study)
    first, second = (
        said.index("S1 CT chest, axial, 11.5 mm"),
        said.index("S2 CT chest, axial, 45.8"),
    )
    assert first < second < said.index("S1 chosen of 2: a CT volume in HU")
    assert "24 slices of 32x32" in said[first:second]
    assert "6 slices of 32x32" in said[second:]


def test_what_was_left_out_is_said_without_a_name(run: Shell, study: Path) -> None:
    said = run("series", study)
    assert "left out 1 file: it is a screen capture or dose page" in said
    assert "left out 1 file: it is neither DICOM nor NIfTI nor a PNG" in said
    for trace in ("PHANTOM", "HOLLOWAY", "Margaret"):
        assert trace not in said + run.told


def test_a_quarantined_picture_is_listed_once_a_person_answers_for_it(
    run: Shell, study: Path
) -> None:
    assert "S3" not in run("series", study)
    assert "S3" in run("series", study, "--release-quarantined")


def test_a_nifti_file_is_what_the_person_says_it_is(run: Shell, tmp_path: Path) -> None:
    values = np.abs(ct_values((12, 10, 8))).clip(0, 400)
    path = tmp_path / "one.nii.gz"
    nib.save(image(values, ras_affine("L", "P", "S")), path)
    assert "give --modality CT if it is a CT" in run("series", path)
    assert run("series", path, "--modality", "MR").startswith("S1 MR, ")
    assert "'X-RAY' is no modality" in run.refusal("series", path, "--modality", "X-RAY")


def test_paths_without_a_study_are_one_line(run: Shell, tmp_path: Path) -> None:
    assert "'nowhere'" in run.refusal("series", tmp_path / "nowhere")
    assert "holds no files" in run.refusal("montage", tmp_path, "--png", tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()


def test_a_montage_shows_the_first_series_in_the_lung_window(
    run: Shell, study: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.png"
    assert run("montage", study, "--png", sheet, "--count", "7") == ""
    assert "drawing S1: lung" in run.told
    with Image.open(sheet) as drawn:
        # Square slices, six in a row: seven take two rows.
        assert (drawn.format, drawn.size) == ("PNG", (6 * _TILE, 2 * (_TILE + _CAPTION)))
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.png"]


def test_a_montage_of_all_windows(run: Shell, study: Path, tmp_path: Path) -> None:
    run("montage", study, "--png", tmp_path / "sheet.png", "--window", "all", "--count", "2")
    assert "mediastinum, bone, brain" in run.told
    with Image.open(tmp_path / "sheet.png") as sheet:
        # Twelve windows, a row of 256 pixels and a line of caption each, of two slices.
        assert sheet.size == (2 * 256, 12 * (256 + 14))


def test_a_montage_of_another_series_and_window(run: Shell, study: Path, tmp_path: Path) -> None:
    lung, bone = tmp_path / "lung.png", tmp_path / "bone.png"
    run("montage", study, "--png", lung, "--series", "S2")
    run("montage", study, "--png", bone, "--series", "s2", "--window", "bone")
    assert "drawing S2: bone" in run.told
    with Image.open(lung) as one, Image.open(bone) as other:
        assert one.size == other.size == (6 * _TILE, _TILE + _CAPTION)  # it has six slices
        # Lung at -860 HU is grey between -1350 and 150 HU, and black from -500 HU up.
        middle = (slice(_CAPTION + 100, _CAPTION + 150), slice(2 * _TILE + 60, 2 * _TILE + 90))
        assert np.asarray(one)[middle].mean() > np.asarray(other)[middle].mean() + 30


def test_a_montage_takes_the_place_of_an_older_file(
    run: Shell, study: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(b"older")
    run("montage", study, "--png", sheet)
    with Image.open(sheet) as drawn:
        drawn.load()


def test_a_montage_that_cannot_be_drawn_leaves_the_older_file_as_it_is(
    run: Shell, study: Path, shot: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    sheet = tmp_path / "out" / "sheet.png"
    sheet.write_bytes(b"older")
    there = run.refusal("montage", study, "--png", sheet, "--series", "S9")
    assert there == "hoofbeat: no series 'S9'; there are S1, S2"
    assert "'lunch'" in run.refusal("montage", study, "--png", sheet, "--window", "lunch")
    assert "at least 1 slice" in run.refusal("montage", study, "--png", sheet, "--count", "0")
    assert "lung" in run.refusal("montage", shot, "--png", sheet, "--window", "lung")
    assert sheet.read_bytes() == b"older"
    assert [p.name for p in sheet.parent.iterdir()] == ["sheet.png"]


def test_a_screenshot_is_drawn_as_displayed(run: Shell, shot: Path, tmp_path: Path) -> None:
    run("montage", shot, "--png", tmp_path / "sheet.png")
    assert "drawing S1: as displayed" in run.told


def test_a_place_that_cannot_be_written_is_one_line(
    run: Shell, study: Path, shot: Path, tmp_path: Path
) -> None:
    told = run.refusal("montage", tmp_path / "nothing", "--png", tmp_path / "nowhere" / "a.png")
    assert told == "hoofbeat: no folder 'nowhere' to write 'a.png' into"  # before reading anything
    assert "no folder 'shot.png'" in run.refusal("montage", study, "--png", shot / "a.png")
    (tmp_path / "folder").mkdir()
    assert "name another" in run.refusal("montage", study, "--png", tmp_path / "folder")
    assert [*(tmp_path / "folder").iterdir()] == []


def test_a_copy_holds_every_slice_and_no_name_and_what_is_quarantined_stays_behind(
    run: Shell, study: Path, tmp_path: Path
) -> None:
    out = tmp_path / "clean"
    said = run("deidentify", study, "--out", out)
    assert said.startswith("30 files written, 2 held back ")
    assert "1 held back: it is a screen capture or dose page" in said
    assert "1 held back: it is no DICOM file" in said
    copies = sorted(out.rglob("*.dcm"))
    assert len(copies) == 30
    assert sorted(p for p in out.rglob("*") if p.is_file()) == copies
    originals = [dcmread(p) for p in sorted((study / "a").iterdir())]
    named = {str(d.PatientName) for d in originals} | {d.SOPInstanceUID for d in originals}
    assert not any(name.encode() in p.read_bytes() for p in copies for name in named)
    for trace in (*named, "HOLLOWAY", "Margaret", "PHANTOM"):
        assert trace not in said + run.told


def test_pixels_come_through_as_they_were(run: Shell, study: Path, tmp_path: Path) -> None:
    run("deidentify", study / "a", "--out", tmp_path / "clean")

    def pixels(folder: Path) -> list[bytes]:
        return sorted(dcmread(p).PixelData for p in folder.rglob("*.dcm"))

    assert pixels(tmp_path / "clean") == pixels(study / "a")


def test_a_person_may_answer_for_what_is_quarantined(
    run: Shell, study: Path, tmp_path: Path
) -> None:
    said = run("deidentify", study, "--out", tmp_path / "clean", "--release-quarantined")
    assert said.startswith("31 files written, 1 held back ")


def test_the_key_lies_beside_the_copies_for_its_owner_alone_and_is_used_again(
    run: Shell, study: Path, tmp_path: Path
) -> None:
    run("deidentify", study / "a", "--out", tmp_path / "clean")
    key = tmp_path / "clean.key"
    assert key.stat().st_mode & 0o077 == 0
    places = {p.relative_to(tmp_path / "clean") for p in (tmp_path / "clean").rglob("*.dcm")}
    run("deidentify", study / "a", "--out", tmp_path / "again", "--key", key)
    run("deidentify", study / "a", "--out", tmp_path / "other")
    assert {
        p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*.dcm")
    } == places
    other = {p.relative_to(tmp_path / "other") for p in (tmp_path / "other").rglob("*.dcm")}
    assert len(other) == 6
    assert places.isdisjoint(other)


@pytest.mark.parametrize("inside", ["study.key", "deeper/study.key", "../clean/study.key"])
def test_a_key_that_would_go_with_the_copies_is_refused_before_it_is_made(
    run: Shell, study: Path, tmp_path: Path, inside: str
) -> None:
    (tmp_path / "clean" / "deeper").mkdir(parents=True)
    out = tmp_path / "clean"
    said = run.refusal("deidentify", study, "--out", out, "--key", out / inside)
    assert "'study.key' lies in the output folder" in said
    assert "--key" in said
    assert [p.name for p in tmp_path.rglob("*")] == ["clean", "deeper"]


def test_a_key_behind_a_link_into_the_copies_is_refused(
    run: Shell, study: Path, tmp_path: Path
) -> None:
    (tmp_path / "clean").mkdir()
    (tmp_path / "keys").symlink_to(tmp_path / "clean")
    key = tmp_path / "keys" / "study.key"
    assert "lies in" in run.refusal("deidentify", study, "--out", tmp_path / "clean", "--key", key)


def test_the_folder_that_one_stands_in_can_take_the_copies(
    run: Shell, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert run("deidentify", study / "a", "--out", ".").startswith("6 files written")
    assert (tmp_path / "here.key").is_file()


def test_copies_among_the_originals_are_refused_and_these_stay_as_they_are(
    run: Shell, study: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "all" / "mine"
    shutil.copytree(study / "a", mine)
    before = {p.name: p.read_bytes() for p in mine.iterdir()}
    for out in (mine, mine / "clean", mine.parent):
        assert "lie in one another" in run.refusal("deidentify", mine, "--out", out)
    assert {p.name: p.read_bytes() for p in mine.rglob("*.dcm")} == before


def test_a_file_that_is_no_key_is_refused(run: Shell, study: Path, tmp_path: Path) -> None:
    key = tmp_path / "notes"
    key.write_text("Margaret Holloway", "utf-8")
    key.chmod(0o600)
    said = run.refusal("deidentify", study, "--out", tmp_path / "clean", "--key", key)
    assert "'notes' is no key file" in said
    assert "Margaret" not in said
    assert not (tmp_path / "clean").exists()
