"""Case.load: from paths to what the planner may see, with what the person says about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import UltrasoundImageStorage

from agent.case import Case
from agent.settings import Settings
from tests.tools.imaging.dicom_files import ct_slice, write
from tests.tools.imaging.nifti_files import ct_values, image, nib, ras_affine
from tools.errors import UserError
from tools.imaging.phantom import Patient, write_phantom
from tools.imaging.phantom_lesions import Lesion
from tools.imaging.store import ArtifactStore


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(planner="offline", vision="none", cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 and 6 slices over the same 275 mm, of one person: 42 years old, female."""
    folder = tmp_path_factory.mktemp("study")
    for name, slices in (("a", 6), ("b", 24)):
        write_phantom(folder / name, lesion=Lesion.NONE, seed=1, shape=(slices, 32, 32))
    return folder


@pytest.fixture(scope="module")
def ultrasound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One grey ultrasound picture of the same person."""
    made = ct_slice(np.arange(48).reshape(6, 8))
    made.PatientID, made.PatientName = "PHANTOM", "PHANTOM^HOOFBEAT"
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = UltrasoundImageStorage
    made.Modality = "US"
    return write(tmp_path_factory.mktemp("ultrasound"), made)


@pytest.fixture(scope="module")
def nifti(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Values from 0 to 400, which nobody can tell to be CT or MR."""
    path = tmp_path_factory.mktemp("nifti") / "one.nii.gz"
    values = np.abs(ct_values((12, 10, 8))).clip(0, 400)
    nib.save(image(values, ras_affine("L", "P", "S")), path)
    return path


def test_the_series_that_fits_best_is_first_and_its_pixels_lie_in_the_store(
    study: Path, settings: Settings
) -> None:
    case = Case.load([study], settings=settings)
    assert [(s.id, s.slices) for s in case.series] == [("S1", 24), ("S2", 6)]
    assert case.chosen.startswith("S1 chosen of 2: ")
    assert (case.age_years, case.sex) == (42, "female")
    store = ArtifactStore(settings.artifact_dir)
    assert store.get(case.series[1].ref).voxels.shape == (6, 32, 32)


@pytest.mark.parametrize("wanted", ["S2", "s2", " S2 "])
def test_the_person_may_choose_the_series_that_is_read_first(
    wanted: str, study: Path, settings: Settings
) -> None:
    case = Case.load([study], first_series=wanted, settings=settings)
    assert [(s.id, s.slices) for s in case.series] == [("S2", 6), ("S1", 24)]
    assert case.chosen == "S2 was chosen by the person"


def test_a_series_that_is_not_there_is_refused_with_those_that_are(
    study: Path, settings: Settings
) -> None:
    with pytest.raises(UserError, match="no series 'S3'") as caught:
        Case.load([study], first_series="S3", settings=settings)
    assert "S1 (CT chest, axial" in str(caught.value)
    assert "S2 (CT chest, axial" in str(caught.value)


def test_a_series_of_a_case_without_images_is_refused(settings: Settings) -> None:
    with pytest.raises(UserError, match="no series 'S2'"):
        Case.load([], first_series="S2", history="Cough.", settings=settings)


def test_what_the_person_says_of_age_and_sex_beats_the_header(
    study: Path, settings: Settings
) -> None:
    given = Case.load([study / "a"], age_years=97, sex="male", settings=settings)
    assert (given.age_years, given.sex) == (90, "male")
    unsaid = Case.load([study / "a"], age_years=None, sex=None, settings=settings)
    assert (unsaid.age_years, unsaid.sex) == (42, "female")


def test_what_the_question_asks_and_the_study_does_not_show_is_a_limit(
    study: Path, settings: Settings
) -> None:
    def against(**question: Any) -> list[str]:
        (series,) = Case.load([study / "b"], settings=settings, **question).series
        return [limit for limit in series.limits if "cannot answer it" in limit]

    (limit,) = against(history="Headache. Subdural haematoma of the head?")
    assert limit.startswith("the study shows the chest, the question is about the ")
    assert against(region="head") == [limit]
    assert against(history="Chest CT for cough.") == []


def test_quarantined_pixels_are_kept_out_until_the_person_answers_for_them(
    study: Path, ultrasound: Path, settings: Settings
) -> None:
    with pytest.raises(UserError, match="--release-quarantined"):
        Case.load([ultrasound], settings=settings)
    beside = Case.load([study / "a", ultrasound], settings=settings)
    assert [s.modality for s in beside.series] == ["CT"]
    assert any("left out 1 file: it is ultrasound" in limit for limit in beside.limits)
    released = Case.load([ultrasound], release_quarantined=True, settings=settings)
    assert [s.modality for s in released.series] == ["US"]
    assert any("released by the person" in limit for limit in released.series[0].limits)


def test_the_modality_that_is_given_says_what_a_nifti_file_is(
    nifti: Path, settings: Settings
) -> None:
    mr = Case.load([nifti], modality="MR", settings=settings)
    assert [(s.modality, s.unit) for s in mr.series] == [("MR", "stored")]
    assert mr.modality == "MR"
    unsaid = Case.load([nifti], settings=settings)
    assert [(s.modality, s.unit) for s in unsaid.series] == [("OT", "stored")]
    assert any("give --modality CT" in limit for limit in unsaid.series[0].limits)
    with pytest.raises(UserError, match="'XRAY' is no modality"):
        Case.load([nifti], modality="XRAY", settings=settings)


def test_names_in_the_words_of_a_case_are_gone_before_anyone_reads_them(
    settings: Settings,
) -> None:
    case = Case.load(
        [],
        history="Mrs. Margaret Holloway, MRN 4471902, has a cough. Nodule of 12 mm.",
        findings_text="Seen by Dr. Holloway on 03/14/2021: ground glass.",
        settings=settings,
    )
    for trace in ("Holloway", "4471902", "03/14/2021"):
        assert trace not in case.model_dump_json()
    assert "12 mm" in case.history
    assert "ground glass" in case.findings_text


def test_nothing_of_the_header_or_the_folder_is_left_in_the_case(
    tmp_path: Path, settings: Settings
) -> None:
    folder = tmp_path / "HOLLOWAY MARGARET"
    write_phantom(
        folder, lesion=Lesion.NONE, seed=1, patient=Patient(age_years=95), shape=(3, 32, 32)
    )
    (folder / "notes.txt").write_text("Margaret", "utf-8")
    case = Case.load([folder], settings=settings)
    shown = case.model_dump_json()
    for trace in ("PHANTOM", "HOLLOWAY", "MARGARET", "Margaret", "notes.txt", "2.25."):
        assert trace not in shown
    assert case.age_years == 90
    assert any("left out 1 file" in limit for limit in case.limits)


def test_a_screenshot_is_display_grey_beside_a_study(
    study: Path, tmp_path: Path, settings: Settings
) -> None:
    Image.fromarray(np.arange(6400, dtype=np.uint16).astype(np.uint8).reshape(80, 80)).save(
        tmp_path / "shot.png"
    )
    case = Case.load([tmp_path / "shot.png", study / "a"], settings=settings)
    assert [(s.id, s.unit) for s in case.series] == [("S1", "HU"), ("S2", "display")]


def test_a_field_that_no_case_has_is_refused(settings: Settings) -> None:
    with pytest.raises(UserError, match=r"^weight: "):
        Case.load([], weight=70, settings=settings)
