"""The inputs that imaging software is known to get wrong: what is done with each.

Geometry and values here; files that are broken or hostile in test_hostile_inputs.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from highdicom import imread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage

from tests.tools.imaging.dicom_files import ct_slice, only, stack, write
from tools.imaging.files import load_paths


def test_missing_slices_are_listed_with_their_place_and_forbid_measuring(tmp_path: Path) -> None:
    slices = stack(9, step_mm=2.5)
    kept = [s for n, s in enumerate(slices, start=1) if n not in (4, 5, 8)]  # 1 2 3 6 7 9
    series, volume = only(load_paths([write(tmp_path, *kept)]))
    assert (series.kind, series.slices, volume.spacing_mm) == ("slices", 6, None)
    assert series.limits == (
        "3 slices are missing from a stack of 2.5 mm steps (gap of 7.5 mm after slice 3, "
        "gap of 5 mm after slice 5): no volume, no measuring",
    )


def test_a_series_in_two_orientations_is_split(tmp_path: Path) -> None:
    slices = stack(7)
    for n, made in enumerate(slices[4:]):
        made.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        made.ImagePositionPatient = [-10, 4.0 * n, 30]
    loaded = load_paths([write(tmp_path, *slices)])
    assert [(s.plane, s.slices, s.kind) for s, _ in loaded.volumes] == [
        ("axial", 4, "volume"), ("coronal", 3, "volume"),
    ]  # fmt: skip


def test_a_tilted_gantry_gives_slices_to_look_at_only(tmp_path: Path) -> None:
    slices = stack(5)
    for n, made in enumerate(slices):
        made.ImagePositionPatient = [-10, -20 + 2.0 * n, 2.0 * n]  # 45 degrees against the normal
    series, volume = only(load_paths([write(tmp_path, *slices)]))
    assert (series.kind, volume.affine_lps_mm) == ("slices", None)
    assert "tilted by 45.0 degrees against their stack (gantry tilt)" in series.limits[0]


def test_values_at_minus_3024_and_below_are_air_and_left_out_of_statistics(tmp_path: Path) -> None:
    made = ct_slice(np.array([[-2000, -1999], [-3000, 24]]))  # -3024, -3023, -4024, -1000 HU
    _, volume = only(load_paths([write(tmp_path, made)]))
    assert volume.voxels.tolist() == [[[-1024, -1024], [-1024, -1000]]]
    assert volume.valid is not None
    assert volume.valid.tolist() == [[[False, True], [False, True]]]


@pytest.mark.parametrize(("modality", "turned"), [("MR", True), ("CT", False)])
def test_black_on_white_turns_values_except_hu(tmp_path: Path, modality: str, turned: bool) -> None:
    made = ct_slice(np.array([[0, 1000]]))
    made.Modality, made.PhotometricInterpretation = modality, "MONOCHROME1"
    _, volume = only(load_paths([write(tmp_path, made)]))
    assert volume.voxels.tolist() == ([[[1024, 24]]] if turned else [[[-1024, -24]]])


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    def edit(made: Dataset) -> None:
        made.RescaleSlope = 1 / made.InstanceNumber  # stored 1000 n becomes 1000 - 1024

    _, volume = only(load_paths([write(tmp_path, *stack(4, edit=edit))]))
    assert volume.voxels[:, 0, 0].tolist() == [-24] * 4


def test_without_rescale_values_are_not_hu(tmp_path: Path) -> None:
    def edit(made: Dataset) -> None:
        del made.RescaleSlope, made.RescaleIntercept

    series, volume = only(load_paths([write(tmp_path, *stack(edit=edit))]))
    assert (series.unit, volume.unit) == ("stored", "stored")
    assert volume.voxels.dtype == np.float32
    assert "not HU" in series.limits[0]


def test_a_rescale_that_lost_its_offset_is_not_hu(tmp_path: Path) -> None:
    def without_offset(made: Dataset) -> None:
        made.PixelRepresentation, made.RescaleIntercept = 0, 0

    series, volume = only(load_paths([write(tmp_path, *stack(5, edit=without_offset))]))
    assert (series.unit, volume.voxels[0, 0, 0]) == ("stored", 1000.0)
    assert "its rescale leads to no value below 0: values in the file's own unit, not HU" in (
        series.limits
    )


def test_padding_with_an_unsigned_value_beside_signed_pixels_is_masked(tmp_path: Path) -> None:
    stored = np.array([[-2000, 24], [-1500, 1024]])
    made = ct_slice(stored)
    made.add_new("PixelPaddingValue", "US", 63536)  # -2000 as unsigned
    _, volume = only(load_paths([write(tmp_path, made)]))
    assert volume.voxels.tolist() == [[[-1024, -1000], [-1024, 0]]]
    assert volume.valid is not None
    assert volume.valid.tolist() == [[[False, True], [True, True]]]


@pytest.mark.parametrize(
    ("gaps", "why"),
    [
        ((2, 2, 5, 2), "unevenly (2, 5 mm apart)"),
        ((2, 0, 2, 2), "several images at one position"),
    ],
)
def test_uneven_or_doubled_slices_are_only_looked_at(
    tmp_path: Path, gaps: tuple[int, ...], why: str
) -> None:
    slices = stack(5)
    for made, z in zip(slices, np.cumsum([0, *gaps]), strict=True):
        made.ImagePositionPatient = [0, 0, int(z)]
    series, volume = only(load_paths([write(tmp_path, *slices)]))
    assert (series.kind, series.spacing_mm, volume.spacing_mm) == ("slices", None, None)
    assert why in series.limits[0]
    assert series.limits[0].endswith("no measuring")


def test_identical_copies_are_dropped(tmp_path: Path) -> None:
    slices = stack(4)
    series, _ = only(load_paths([write(tmp_path, *slices, slices[1])]))
    assert (series.kind, series.slices) == ("volume", 4)
    assert series.limits == ("1 identical copies of slices were dropped",)


def test_steps_that_differ_little_but_add_up_are_no_volume(tmp_path: Path) -> None:
    slices = stack(40)
    for n, made in enumerate(slices):  # 1 mm apart, then 1.19: the middle is 1.9 mm off
        made.ImagePositionPatient = [-10, -20, round(min(n, 20) + 1.19 * max(0, n - 20), 2)]
    series, volume = only(load_paths([write(tmp_path, *slices)]))
    assert (series.kind, volume.spacing_mm) == ("slices", None)
    assert "slices stand unevenly (1, 1.2 mm apart)" in series.limits[0]


def test_a_missing_slice_of_a_very_thin_stack_is_missed(tmp_path: Path) -> None:
    slices = stack(6)
    for made, z_mm in zip(slices, (0, 0.1, 0.2, 0.4, 0.5, 0.6), strict=True):
        made.ImagePositionPatient = [-10, -20, z_mm]
    series, _ = only(load_paths([write(tmp_path, *slices)]))
    assert "1 slice is missing from a stack of 0.1 mm steps" in series.limits[0]


def test_jitter_round_one_place_is_no_stack(tmp_path: Path) -> None:
    slices = stack(6)
    for n, made in enumerate(slices):
        made.ImagePositionPatient = [-10, -20, 0.015 * n]
    series, volume = only(load_paths([write(tmp_path, *slices)]))
    assert volume.spacing_mm is None
    assert "several images at one position" in series.limits[0]


def test_orientations_that_differ_by_rounding_are_one_series(tmp_path: Path) -> None:
    slices = stack(6)
    for n, made in enumerate(slices):  # 0.00499 and 0.00501 round to 0.00 and 0.01
        turned = 0.00499 if n % 2 else 0.00501
        made.ImageOrientationPatient = [0.99999, turned, 0, -turned, 0.99999, 0]
    series, _ = only(load_paths([write(tmp_path, *slices)]))
    assert (series.kind, series.slices) == ("volume", 6)


def test_slices_of_several_kinds_have_no_one_kernel_and_the_largest_thickness(
    tmp_path: Path,
) -> None:
    slices = stack(6)
    for n, made in enumerate(slices):
        made.SliceThickness = 2 if n < 3 else 8
        made.ConvolutionKernel = "B30f" if n < 3 else "B70f"
    slices[0].ContrastBolusAgent = "Iohexol"
    series, _ = only(load_paths([write(tmp_path, *slices)]))
    assert (series.thickness_mm, series.kernel, series.contrast) == (8.0, "", None)
    assert series.limits == (
        "slices are 2 to 8 mm thick: the thickest is stated",
        "slices are of several reconstruction kernels: none is stated",
        "slices differ in what their headers say of contrast: nothing is stated",
    )


def test_a_little_jitter_is_accepted(tmp_path: Path) -> None:
    slices = stack(5)
    slices[2].ImagePositionPatient = [-10, -20, 6.02]
    series, _ = only(load_paths([write(tmp_path, *slices)]))
    assert series.kind == "volume"


def test_without_positions_there_is_no_measuring(tmp_path: Path) -> None:
    def edit(made: Dataset) -> None:
        made.ImagePositionPatient = None

    series, volume = only(load_paths([write(tmp_path, *stack(edit=edit))]))
    assert series.kind == "slices"
    assert series.limits == ("no image positions in the header: no measuring",)
    assert volume.voxels[:, 0, 0].tolist() == [-24, 976, 1976, 2976, 3976]  # by InstanceNumber


def test_a_localizer_in_the_series_is_left_out(tmp_path: Path) -> None:
    scout = ct_slice(np.zeros((6, 8)), z_mm=50, number=9)
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    loaded = load_paths([write(tmp_path, *stack(5), scout)])
    assert only(loaded)[0].slices == 5
    assert loaded.notes == ("left out 1 file: it is a localizer (scout)",)


def test_an_enhanced_ct_has_the_hu_of_each_frame(tmp_path: Path) -> None:
    made = ct_slice(np.full((3, 4, 4), 100))
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    made.NumberOfFrames = 3
    shared, frames = Dataset(), []
    shared.PlaneOrientationSequence = Sequence([Dataset()])
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence = Sequence([Dataset()])
    shared.PixelMeasuresSequence[0].PixelSpacing = [1, 1]
    shared.PixelMeasuresSequence[0].SliceThickness = 3
    for n in range(3):
        frame = Dataset()
        frame.PlanePositionSequence = Sequence([Dataset()])
        frame.PlanePositionSequence[0].ImagePositionPatient = [0, 0, 3 * n]
        value = Dataset()
        value.RescaleSlope, value.RescaleIntercept, value.RescaleType = n + 1, -50, "HU"
        frame.PixelValueTransformationSequence = Sequence([value])
        frames.append(frame)
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    made.PerFrameFunctionalGroupsSequence = Sequence(frames)
    for keyword in ("RescaleSlope", "RescaleIntercept", "ImagePositionPatient", "PixelSpacing"):
        delattr(made, keyword)
    folder = write(tmp_path, made)
    series, volume = only(load_paths([folder]))
    assert (series.kind, series.unit, series.spacing_mm) == ("volume", "HU", (3.0, 1.0, 1.0))
    assert volume.voxels[:, 0, 0].tolist() == [50, 150, 250]
    theirs = imread(folder / "1.dcm").get_frames(apply_modality_transform=True)
    assert np.array_equal(theirs, volume.voxels)


def test_a_thickness_that_is_no_number_is_unknown(tmp_path: Path) -> None:
    folder = write(tmp_path, *stack(5))
    for path in folder.iterdir():
        content = path.read_bytes()
        at = content.index(b"\x18\x00\x50\x00DS")
        path.write_bytes(content[: at + 8] + b"2m" + content[at + 10 :])
    series, _ = only(load_paths([folder]))
    assert (series.kind, series.thickness_mm) == ("volume", None)
