from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from highdicom.image import get_volume_from_series
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import ComputedRadiographyImageStorage

from tests.tools.imaging.dicom_files import ct_slice, only, stack, write
from tools.imaging.files import load_paths


def _bundled(name: str) -> Path:
    found = get_testdata_file(name, download=False)
    assert isinstance(found, str)
    return Path(found)


def test_a_regular_series_is_a_volume_in_hu_in_order_of_its_normal(tmp_path: Path) -> None:
    slices = stack(5, step_mm=2.0)
    folder = write(tmp_path / "study", *slices[::-1])
    series, volume = only(load_paths([folder]))
    assert (series.kind, series.unit, series.modality, series.plane) == (
        "volume", "HU", "CT", "axial",
    )  # fmt: skip
    assert series.spacing_mm == (2.0, 1.5, 1.5)
    assert volume.voxels.dtype == np.int16
    assert volume.voxels[:, 0, 0].tolist() == [-24, 976, 1976, 2976, 3976]
    assert volume.affine_lps_mm is not None
    # Slice 1, row 2, column 3: x = -10 + 3 * 1.5, y = -20 + 2 * 1.5, z = 2 + 1 * 2
    assert (volume.affine_lps_mm @ [1, 2, 3, 1]).tolist() == [-5.5, -17, 4, 1]


def test_voxels_and_positions_agree_with_highdicom(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    slices = [
        ct_slice(random.integers(0, 3000, (6, 8)), z_mm=2.5 * n, number=n) for n in range(1, 8)
    ]
    theirs = get_volume_from_series(slices)
    _, ours = only(load_paths([write(tmp_path, *slices)]))
    assert ours.affine_lps_mm is not None
    for index in np.ndindex(*theirs.array.shape):
        place = theirs.affine @ [*index, 1]
        k, row, column = np.rint(np.linalg.solve(ours.affine_lps_mm, place))[:3].astype(int)
        assert ours.voxels[k, row, column] == theirs.array[index]


def test_the_phantom_head_first_on_disk_comes_feet_first(tmp_path: Path) -> None:
    from tools.imaging.phantom import Patient, make_phantom, write_phantom
    from tools.imaging.phantom_lesions import Lesion

    shape = (24, 64, 64)
    who = Patient(age_years=93, sex="male")
    write_phantom(tmp_path, lesion=Lesion.NONE, seed=1, patient=who, shape=shape)
    loaded = load_paths([tmp_path])
    series, volume = only(loaded)
    assert np.array_equal(volume.voxels, make_phantom(lesion=Lesion.NONE, seed=1, shape=shape).hu)
    assert (loaded.age_years, loaded.sex, series.body_part) == (90.0, "male", "CHEST")


@pytest.mark.parametrize("interpretation", ["MONOCHROME1", "MONOCHROME2"])
def test_a_radiograph_is_shown_through_its_window_right_way_round(
    tmp_path: Path, interpretation: str
) -> None:
    made = ct_slice(np.array([[0, 1000], [2000, 3000]]))
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    made.Modality = "CR"
    made.PhotometricInterpretation = interpretation
    made.WindowCenter, made.WindowWidth = 500, 1001  # after rescale: 0 and below, 1000 and above
    series, volume = only(load_paths([write(tmp_path, made)]))
    assert (series.kind, series.unit, volume.unit) == ("image", "display", "stored")
    grey = [[[0.0, 0.0], [249.0, 255.0]]]  # (976 - 499.5) / 1000 + 0.5 = 0.9765
    expected = np.array(grey) if interpretation == "MONOCHROME2" else 255 - np.array(grey)
    assert volume.voxels.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("said", "is_usual"),
    [(["L", "F"], True), (["P", "F"], True), (["R", "F"], False), (["L", "H"], False),
     (["F", "L"], False)],
)  # fmt: skip
def test_a_radiograph_that_is_stored_another_way_round_says_so(
    tmp_path: Path, said: list[str], is_usual: bool
) -> None:
    made = ct_slice(np.array([[0, 1000], [2000, 3000]]))
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    made.Modality = "CR"
    made.PatientOrientation = said
    series, _ = only(load_paths([write(tmp_path, made)]))
    assert any("not stored the usual way round" in limit for limit in series.limits) != is_usual


@pytest.mark.parametrize(
    ("described", "agent"), [("CHEST W/O & W CONTRAST", "Iohexol"), ("CTA CHEST", "NONE")]
)
def test_contrast_is_unknown_where_the_header_contradicts_itself(
    tmp_path: Path, described: str, agent: str
) -> None:
    def contradict(made: Dataset) -> None:
        made.SeriesDescription, made.ContrastBolusAgent = described, agent

    series, _ = only(load_paths([write(tmp_path, *stack(5, edit=contradict))]))
    assert (series.contrast, series.contrast_phase) == (None, "")


def test_mr_is_kept_in_stored_units() -> None:
    series, volume = only(load_paths([_bundled("MR_small.dcm")]))
    dataset = dcmread(_bundled("MR_small.dcm"))
    assert (series.modality, series.unit, series.kind) == ("MR", "stored", "slices")
    assert np.array_equal(volume.voxels[0], dataset.pixel_array.astype(np.float32))


@pytest.mark.parametrize(
    "name",
    ["CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm",
     "MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_jp2klossless.dcm"],
)  # fmt: skip
def test_bundled_files_decode_as_pydicom_decodes_them(name: str) -> None:
    _, volume = only(load_paths([_bundled(name)]))
    dataset = dcmread(_bundled(name))
    stored = dataset.pixel_array.astype(np.float64)
    slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
    expected = stored * float(slope) + float(intercept) if volume.unit == "HU" else stored
    assert np.array_equal(volume.voxels[0], np.maximum(expected, -1024))


def test_series_come_best_first_and_pictures_last(tmp_path: Path) -> None:
    write(tmp_path / "a", *stack(4))

    def other(made: Dataset) -> None:
        made.SeriesInstanceUID = "2.25.6"

    write(tmp_path / "b", *stack(7, edit=other))
    Image.new("RGB", (5, 4), (90, 90, 90)).save(tmp_path / "shot.png")
    loaded = load_paths([tmp_path / "shot.png", tmp_path / "a", tmp_path / "b"])
    assert [(s.kind, s.slices) for s, _ in loaded.volumes] == [
        ("volume", 7), ("volume", 4), ("image", 1),
    ]  # fmt: skip


def test_nothing_that_identifies_leaves_loading(tmp_path: Path) -> None:
    def edit(made: Dataset) -> None:
        made.PatientName = "SECRET^NAME"
        made.ConvolutionKernel = "Dr SECRET"
        made.BodyPartExamined = "SECRET"

    loaded = load_paths([write(tmp_path / "SECRET", *stack(edit=edit))])
    assert "SECRET" not in repr([s.model_dump() for s, _ in loaded.volumes]) + repr(loaded.notes)


def test_an_age_of_days_counts_and_an_age_over_90_is_90(tmp_path: Path) -> None:
    for age, years in (("000D", 0.0), ("097Y", 90.0)):

        def edit(made: Dataset, age: str = age) -> None:
            made.PatientAge = age

        assert load_paths([write(tmp_path, *stack(edit=edit))]).age_years == years
