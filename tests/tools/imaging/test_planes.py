from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from tools.imaging.planes import column_spacing_mm, edge_letters, patient_axes
from tools.imaging.raster import slice_views
from tools.imaging.views import reformat_view
from tools.imaging.volume import Volume
from tools.imaging.windows import View

SPACING = (5.0, 3.0, 2.0)
# As most CT is stored: slices to the head, rows to the back, columns to the patient's left.
USUAL = np.array([[0, 0, 2, 0], [0, 3, 0, 0], [5, 0, 0, 0], [0, 0, 0, 1.0]])
# 0 and 255 are among the values, so that "as displayed" shows each as it is.
VOXELS = np.append(np.arange(0, 230, 10), 255).astype(np.float32).reshape(2, 3, 4)
ORIENTATIONS = list(product(permutations(range(3)), product((False, True), repeat=3)))


def _stored(order: tuple[int, ...], flipped: tuple[bool, ...]) -> Volume:
    """The usual volume stored with other axes: the same patient, the same places."""
    voxels, affine = VOXELS.transpose(order), USUAL[:, [*order, 3]].copy()
    for axis, is_flipped in enumerate(flipped):
        if is_flipped:
            affine[:, 3] += affine[:, axis] * (voxels.shape[axis] - 1)
            affine[:, axis] *= -1
            voxels = np.flip(voxels, axis)
    spacing = (SPACING[order[0]], SPACING[order[1]], SPACING[order[2]])
    return Volume(voxels=voxels, unit="stored", affine_lps_mm=affine, spacing_mm=spacing)


def _turned(degrees: float) -> Volume:
    """The usual volume, turned about the patient's long axis."""
    angle = np.radians(degrees)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return Volume(voxels=VOXELS, unit="stored", affine_lps_mm=turn @ USUAL, spacing_mm=SPACING)


def _through(volume: Volume, plane: str, axis: int, index: int) -> View:
    """The view across a patient axis of the usual volume, at its index there."""
    assert volume.affine_lps_mm is not None
    place = [0, 0, 0]
    place[axis] = index
    at = np.linalg.solve(volume.affine_lps_mm, USUAL @ [*place, 1])
    axes = patient_axes(volume)
    assert axes is not None
    across = axes.across(plane)
    number = round(float(at[across])) + 1
    if across == 0:
        return slice_views(volume, "S1", "as displayed", [number])[0]
    return reformat_view(volume, "S1", "as displayed", plane, number)


@pytest.mark.parametrize(("order", "flipped"), ORIENTATIONS)
def test_every_way_of_storing_gives_the_same_pictures(
    order: tuple[int, ...], flipped: tuple[bool, ...]
) -> None:
    volume = _stored(order, flipped)
    axial = _through(volume, "axial", 0, 1)
    assert np.array_equal(axial.pixels, VOXELS[1])
    assert (axial.plane, axial.pixel_aspect) == ("axial", 3 / 2)
    coronal = _through(volume, "coronal", 1, 2)
    assert np.array_equal(coronal.pixels, VOXELS[::-1, 2])
    assert (coronal.plane, coronal.pixel_aspect) == ("coronal", 5 / 2)
    sagittal = _through(volume, "sagittal", 2, 0)
    assert np.array_equal(sagittal.pixels, VOXELS[::-1, :, 0])
    assert (sagittal.plane, sagittal.pixel_aspect) == ("sagittal", 5 / 3)
    assert [column_spacing_mm(volume, v.plane) for v in (axial, coronal, sagittal)] == [2, 2, 3]


def test_a_slice_keeps_its_number_when_it_is_turned() -> None:
    prone = _stored((0, 1, 2), (False, True, True))
    (view,) = slice_views(prone, "S1", "as displayed", [2])
    assert view.slices == (2,)
    assert np.array_equal(view.pixels, VOXELS[1])


def test_without_geometry_a_slice_is_shown_as_stored() -> None:
    volume = Volume(voxels=VOXELS, unit="stored", affine_lps_mm=None, spacing_mm=None)
    (view,) = slice_views(volume, "S1", "as displayed", [1])
    assert np.array_equal(view.pixels, VOXELS[0])
    assert (view.plane, edge_letters(view.plane), view.pixel_aspect) == ("", None, 1.0)


@pytest.mark.parametrize(("degrees", "plane"), [(14.0, "axial"), (16.0, "oblique")])
def test_a_plane_has_its_name_up_to_15_degrees(degrees: float, plane: str) -> None:
    (view,) = slice_views(_turned(degrees), "S1", "as displayed", [1])
    assert view.plane == plane
    assert np.array_equal(view.pixels, VOXELS[0])


def test_a_tilted_stack_has_no_planes() -> None:
    tilted = USUAL.copy()
    tilted[1, 0] = 0.3  # 0.3 mm to the back over 5 mm to the head: 3.4 degrees
    volume = Volume(voxels=VOXELS, unit="stored", affine_lps_mm=tilted, spacing_mm=SPACING)
    assert patient_axes(volume) is None


def test_edges_are_lettered_as_radiologists_read() -> None:
    assert edge_letters("axial") == ("R", "L", "A", "P")
    assert edge_letters("coronal") == ("R", "L", "H", "F")
    assert edge_letters("sagittal") == ("A", "P", "H", "F")
    assert edge_letters("oblique") is None
