"""NIfTI geometry: against nibabel (RAS), SimpleITK (LPS) and the same voxels as DICOM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray

from tests.tools.imaging.nifti_files import ct_values, image, ras_affine, read
from tools.imaging.files import load_paths
from tools.imaging.phantom import make_phantom, write_phantom
from tools.imaging.phantom_lesions import Lesion

SHAPE = (12, 14, 9)
BRIGHT = (3, 10, 6)  # i, j, k


def tilted_affine() -> NDArray[Any]:
    """Axial, turned by 25 degrees about the patient's long axis and 20 about the left-right one."""
    a, b = np.radians(25), np.radians(20)
    about_z = [[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]
    about_x = [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    affine = ras_affine("L", "P", "S")
    affine[:3, :3] = np.array(about_z) @ np.array(about_x) @ affine[:3, :3]
    return affine


AFFINES = {
    "axial LPS": (ras_affine("L", "P", "S"), "axial"),
    "axial RAS": (ras_affine("R", "A", "S"), "axial"),
    "axial flipped": (ras_affine("L", "A", "I"), "axial"),
    "rows first": (ras_affine("P", "L", "S"), "axial"),
    "sagittal": (ras_affine("P", "S", "R"), "sagittal"),
    "sagittal flipped": (ras_affine("A", "I", "L"), "sagittal"),
    "coronal": (ras_affine("R", "S", "A"), "coronal"),
    "coarse first axis": (ras_affine("S", "R", "A", sizes=(2.5, 0.7, 0.8)), "axial"),
    "oblique": (tilted_affine(), "oblique"),
}


@pytest.mark.parametrize("name", AFFINES)
def test_a_bright_voxel_lies_where_nibabel_and_simpleitk_say(tmp_path: Path, name: str) -> None:
    affine, plane = AFFINES[name]
    values = ct_values(SHAPE)
    values[BRIGHT] = 3000
    series, volume = read(tmp_path, image(values, affine))
    assert (series.kind, series.plane, series.unit) == ("volume", plane, "HU")
    assert volume.affine_lps_mm is not None
    ((*found,),) = np.argwhere(volume.voxels == 3000)
    at = (volume.affine_lps_mm @ [*found, 1])[:3]
    assert at == pytest.approx((affine @ [*BRIGHT, 1])[:3] * (-1, -1, 1), abs=1e-3)
    itk: Any = sitk.ReadImage(str(tmp_path / "one.nii.gz"))
    assert at == pytest.approx(itk.TransformIndexToPhysicalPoint(BRIGHT), abs=1e-3)


@pytest.mark.parametrize("name", AFFINES)
def test_slices_read_as_dicom_slices_do(tmp_path: Path, name: str) -> None:
    affine, plane = AFFINES[name]
    _, volume = read(tmp_path, image(ct_values(SHAPE), affine))
    assert volume.affine_lps_mm is not None
    slices, rows, columns = volume.affine_lps_mm[:3, :3].T
    # Signs of L, P and S at the end of each axis: slices grow along columns x rows, as in DICOM.
    assert np.all(np.cross(columns, rows) @ slices > 0)
    down, across = {"sagittal": (-2, 1), "coronal": (-2, 0)}.get(plane, (1, 0))
    assert (rows[abs(down)] > 0) == (down > 0)
    assert int(np.argmax(np.abs(rows))) == abs(down)
    assert int(np.argmax(np.abs(columns))) == across
    assert columns[across] > 0


def test_every_voxel_of_every_orientation_keeps_its_value(tmp_path: Path) -> None:
    for name, (affine, _) in AFFINES.items():
        values = ct_values(SHAPE)
        _, volume = read(tmp_path, image(values, affine))
        assert volume.affine_lps_mm is not None
        index = np.argwhere(np.ones(volume.voxels.shape, dtype=bool))
        world = np.c_[index, np.ones(len(index))] @ volume.affine_lps_mm.T * (-1, -1, 1, 1)
        ijk = np.rint(world @ np.linalg.inv(affine).T).astype(int)[:, :3]
        assert np.array_equal(volume.voxels.ravel(), values[tuple(ijk.T)]), name


def test_a_phantom_is_the_same_volume_as_dicom_and_as_nifti(tmp_path: Path) -> None:
    shape = (24, 32, 32)
    write_phantom(tmp_path / "dicom", lesion=Lesion.NONE, seed=3, shape=shape)
    ((_, dicom),) = load_paths([tmp_path / "dicom"]).volumes
    made = make_phantom(lesion=Lesion.NONE, seed=3, shape=shape)
    assert dicom.affine_lps_mm is not None
    assert dicom.spacing_mm is not None
    from_ijk = dicom.affine_lps_mm[:, [2, 1, 0, 3]]
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ from_ijk
    stored = image(made.hu.transpose(2, 1, 0)[::-1, ::-1], ras @ flip(31, 31))
    _, nifti = read(tmp_path, stored)
    assert np.array_equal(nifti.voxels, dicom.voxels)
    assert nifti.affine_lps_mm == pytest.approx(dicom.affine_lps_mm, abs=1e-3)
    assert nifti.spacing_mm == pytest.approx(dicom.spacing_mm, abs=1e-5)


def flip(*last: int) -> NDArray[Any]:
    """From indices that count backwards along the first axes to indices that count forwards."""
    matrix = np.eye(4)
    for axis, end in enumerate(last):
        matrix[axis, axis], matrix[axis, 3] = -1, end
    return matrix


def test_without_orientation_codes_nothing_is_measured(tmp_path: Path) -> None:
    made = image(ct_values(SHAPE), None)
    series, volume = read(tmp_path, made)
    assert (series.kind, series.spacing_mm, series.plane) == ("slices", None, "")
    assert volume.affine_lps_mm is None
    assert "right and left, up and down are not known" in series.limits[0]


@pytest.mark.parametrize(
    ("unit", "size", "spacing", "said"),
    [
        ("meter", 0.0025, 2.5, ""),
        ("micron", 2500.0, 2.5, ""),
        ("meter", 0.7, None, "its voxels are 700 to 700 mm by the unit of length"),
        ("unknown", 2.5, 2.5, "are taken as millimetres"),
        ("unknown", 0.0025, None, "do not look like millimetres: no measuring"),
    ],
)
def test_units_become_millimetres_or_forbid_measuring(
    tmp_path: Path, unit: str, size: float, spacing: float | None, said: str
) -> None:
    made = image(ct_values(SHAPE), ras_affine("L", "P", "S", sizes=(size, size, size)))
    made.header.set_xyzt_units(unit)
    series, volume = read(tmp_path, made)
    assert series.kind == "volume"
    expected = None if spacing is None else pytest.approx((spacing,) * 3, rel=1e-5)
    assert volume.spacing_mm == expected
    assert (volume.affine_lps_mm is None) == (spacing is None)
    assert said in series.limits[0]


def test_an_image_in_atlas_space_is_not_measured(tmp_path: Path) -> None:
    made = image(ct_values(SHAPE), ras_affine("L", "P", "S"), sform_code=4, qform_code=0)
    series, _ = read(tmp_path, made)
    assert (series.kind, series.plane, series.spacing_mm) == ("volume", "axial", None)
    assert "not the patient's" in series.limits[0]


def test_two_places_that_disagree_are_said(tmp_path: Path) -> None:
    made = image(ct_values(SHAPE), ras_affine("L", "P", "S"))
    moved = ras_affine("L", "P", "S")
    moved[0, 3] += 20
    made.set_qform(moved, code=1)
    made.set_sform(ras_affine("L", "P", "S"), code=1)
    series, volume = read(tmp_path, made)
    assert volume.affine_lps_mm is not None
    assert volume.affine_lps_mm[0, 3] == pytest.approx(31.5)
    assert "its two places (sform and qform) disagree: the sform is taken" in series.limits


@pytest.mark.parametrize("axes", [("R", "P", "S"), ("L", "A", "S"), ("P", "L", "S")])
def test_with_two_orientations_that_contradict_each_other_no_side_is_known(
    tmp_path: Path, axes: tuple[str, str, str]
) -> None:
    made = image(ct_values(SHAPE), ras_affine("L", "P", "S"))
    made.set_qform(ras_affine(*axes), code=1)
    made.set_sform(ras_affine("L", "P", "S"), code=1)
    series, volume = read(tmp_path, made)
    assert (series.plane, volume.affine_lps_mm, volume.spacing_mm) == ("", None, None)
    assert any("contradict each other: right and left" in limit for limit in series.limits)


def test_a_sheared_affine_is_no_volume(tmp_path: Path) -> None:
    affine = ras_affine("L", "P", "S")
    affine[1, 2] = 0.8  # a gantry tilt of 18 degrees
    made = image(ct_values(SHAPE), affine, qform_code=0)
    series, _ = read(tmp_path, made)
    assert (series.kind, series.spacing_mm) == ("slices", None)
    assert "tilted" in series.limits[0]


@pytest.mark.parametrize("shape", [(20, 16), (20, 16, 1), (20, 1, 16)])
def test_a_single_slice_is_only_looked_at(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = ct_values((20, 16, 1)).reshape(shape)
    series, volume = read(tmp_path, image(values, ras_affine("L", "P", "S")))
    assert (series.kind, volume.slices, volume.spacing_mm) == ("slices", 1, None)
    assert (series.rows, series.columns) == (16, 20)
