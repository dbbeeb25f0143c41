from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tools.errors import ToolFailure
from tools.imaging.views import PROJECTIONS, reformat_view, slab_view
from tools.imaging.volume import Volume, pack_valid
from tools.imaging.windows import Projection

AXIAL = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [2.5, 0, 0, 0], [0, 0, 0, 1.0]])
SPACING = (2.5, 1.0, 1.0)


def _volume(voxels: Any, valid: Any = None, *, affine: Any = AXIAL) -> Volume:
    return Volume(
        voxels=np.asarray(voxels, dtype=np.int16),
        unit="HU",
        affine_lps_mm=affine,
        spacing_mm=None if affine is None else SPACING,
        valid_bits=None if valid is None else pack_valid(np.asarray(valid, dtype=np.bool_)),
    )


def _column(*hu: int) -> Volume:
    """Slices of one voxel each."""
    return _volume(np.reshape(hu, (-1, 1, 1)))


@pytest.mark.parametrize(
    ("thickness_mm", "slices"),
    [(1.0, (3,)), (4.9, (3,)), (5.0, (2, 3, 4)), (9.0, (2, 3, 4)), (10.0, (1, 2, 3, 4, 5))],
)
def test_a_slab_takes_the_slices_within_half_its_thickness(
    thickness_mm: float, slices: tuple[int, ...]
) -> None:
    view = slab_view(
        _column(0, 0, 0, 0, 0), "S1", "wide", projection="mean", centre=3, thickness_mm=thickness_mm
    )
    assert view.slices == slices
    assert view.projection == "mean"


def test_a_slab_ends_where_the_volume_ends() -> None:
    view = slab_view(
        _column(0, 0, 0, 0), "S1", "wide", projection="mean", centre=4, thickness_mm=10
    )
    assert view.slices == (2, 3, 4)


def test_without_a_thickness_all_slices_are_projected() -> None:
    view = slab_view(_column(-900, 40, 3000), "S2", "bone", projection="maximum")
    assert (view.slices, view.series, view.plane, view.cut) == ((1, 2, 3), "S2", "axial", None)
    assert (view.level_hu, view.width_hu) == (400, 1800)


@pytest.mark.parametrize(
    # Soft tissue is 50/350. -900 HU is black, 3000 white; 40 is (40 - 49.5) / 349 + 0.5 of 255.
    ("projection", "grey"),
    [("minimum", 0), ("maximum", 255)],
)
def test_extremes_are_those_of_the_slab(projection: Projection, grey: int) -> None:
    view = slab_view(_column(40, -900, 40, 3000), "S1", "soft tissue", projection=projection)
    assert view.pixels.tolist() == [[grey]]
    near = slab_view(
        _column(-900, 40, 40, 40, 3000), "S1", "soft tissue", projection=projection, centre=3,
        thickness_mm=5,
    )  # fmt: skip
    assert near.pixels.tolist() == [[121]]


def test_hu_are_averaged_before_they_are_windowed() -> None:
    # (3000 - 1000) / 2 = 1000 HU; (1000 + 0.5) / 2047 + 0.5 = 0.98876, times 255 = 252.1.
    # Grey of 3000 (255) and of -1000 (2.99) would average to 129.
    view = slab_view(_column(3000, -1000), "S1", "wide", projection="mean")
    assert view.pixels.tolist() == [[252]]


@pytest.mark.parametrize(
    # First pixel: 40 HU alone counts, grey 121. Second: padding in both slices.
    "projection",
    ["minimum", "maximum", "mean"],
)
def test_padding_takes_no_part_in_a_projection(projection: Projection) -> None:
    volume = _volume(
        [[[-2000, -2000]], [[40, -2000]], [[3000, 9]]],
        [[[False, False]], [[True, False]], [[False, False]]],
    )
    view = slab_view(volume, "S1", "soft tissue", projection=projection)
    assert view.pixels.tolist() == [[121, 0]]


def test_stored_values_are_projected_in_the_grey_of_the_whole_acquisition() -> None:
    voxels = np.array([[[0, 100]], [[50, 200]]], dtype=np.float32)
    volume = Volume(voxels=voxels, unit="stored", affine_lps_mm=AXIAL, spacing_mm=SPACING)
    # 0..200 becomes 0..255: 50 is 63.75, 150 is 191.25, 100 is 127.5 and rounds to even
    shown = {
        projection: slab_view(volume, "S1", "as displayed", projection=projection).pixels.tolist()
        for projection in PROJECTIONS
    }
    assert shown == {"maximum": [[64, 255]], "mean": [[32, 191]], "minimum": [[0, 128]]}


def test_a_slab_of_unknown_spacing_is_refused_with_what_to_do() -> None:
    with pytest.raises(ToolFailure, match="spacing of series S1 unknown: ask for single slices"):
        slab_view(_volume([[[0]], [[0]]], affine=None), "S1", "wide", projection="mean")


@pytest.mark.parametrize("thickness_mm", [0.0, -1.0, float("nan"), float("inf")])
def test_a_slab_without_thickness_is_refused(thickness_mm: float) -> None:
    with pytest.raises(ToolFailure, match="thicker than 0 mm"):
        slab_view(_column(0, 0), "S1", "wide", projection="mean", thickness_mm=thickness_mm)


@pytest.mark.parametrize("centre", [0, 3])
def test_a_slab_around_no_slice_is_refused(centre: int) -> None:
    with pytest.raises(ToolFailure, match=f"slices 1 to 2, got {centre}"):
        slab_view(_column(0, 0), "S1", "wide", projection="mean", centre=centre)


def test_one_slice_is_no_projection() -> None:
    with pytest.raises(ToolFailure, match="ask for one of: mean, maximum, minimum"):
        slab_view(_column(0, 0), "S1", "wide", projection="slice")


def test_a_window_that_does_not_fit_is_refused_for_all_views() -> None:
    with pytest.raises(ToolFailure, match="'as displayed' cannot be shown"):
        slab_view(_column(0, 0), "S1", "as displayed", projection="mean")
    with pytest.raises(ToolFailure, match="'as displayed' cannot be shown"):
        reformat_view(_column(0, 0), "S1", "as displayed", "coronal")


def test_a_reformat_knows_where_it_cuts_and_what_it_is_made_of() -> None:
    volume = _volume(np.zeros((3, 4, 5)))
    view = reformat_view(volume, "S3", "lung", "sagittal", 5)
    assert (view.plane, view.cut, view.slices, view.series) == ("sagittal", 5, (1, 2, 3), "S3")
    assert (view.pixels.shape, view.pixel_aspect) == ((3, 4), 2.5)


@pytest.mark.parametrize(("plane", "cut"), [("coronal", 3), ("sagittal", 8)])
def test_the_middle_of_the_body_is_where_its_tissue_is(plane: str, cut: int) -> None:
    hu = np.full((2, 10, 12), -1000)
    hu[:, 1:4, 6:9] = 40  # rows 2 to 4, columns 7 to 9
    assert reformat_view(_volume(hu), "S1", "lung", plane).cut == cut


def test_without_hu_the_body_is_what_is_brighter_than_the_mean() -> None:
    voxels = np.zeros((2, 10, 10), dtype=np.float32)
    voxels[:, 6:9], voxels[:, 0] = 800, 100  # the mean is 250
    volume = Volume(voxels=voxels, unit="stored", affine_lps_mm=AXIAL, spacing_mm=SPACING)
    assert reformat_view(volume, "S1", "as displayed", "coronal").cut == 8


def test_padding_is_no_tissue_when_the_middle_is_sought() -> None:
    hu = np.full((1, 4, 9), -1000)
    valid = np.ones((1, 4, 9), dtype=np.bool_)
    hu[:, :, 1], hu[:, :, 6:] = 40, 500
    valid[:, :, 6:] = False
    assert reformat_view(_volume(hu, valid), "S1", "lung", "sagittal").cut == 2


def test_a_volume_without_tissue_is_cut_in_half() -> None:
    assert reformat_view(_volume(np.full((2, 9, 4), -1000)), "S1", "lung", "coronal").cut == 5


@pytest.mark.parametrize("cut", [1, 7, 8, 9, 10])
def test_padding_is_black_on_a_reformat(cut: int) -> None:
    random = np.random.default_rng(2)
    valid = random.random((4, 5, 10)) < 0.5
    volume = _volume(np.full((4, 5, 10), 3000), valid)
    view = reformat_view(volume, "S1", "bone", "sagittal", cut)
    assert np.array_equal(view.pixels == 255, valid[::-1, :, cut - 1])
    row = min(cut, 5)
    view = reformat_view(volume, "S1", "bone", "coronal", row)
    assert np.array_equal(view.pixels == 255, valid[::-1, row - 1])


def test_a_reformat_that_cannot_be_is_refused_with_what_to_do() -> None:
    usual = _volume(np.zeros((2, 3, 4)))
    with pytest.raises(ToolFailure, match="slices of series S1 are axial: ask for single slices"):
        reformat_view(usual, "S1", "lung", "axial")
    with pytest.raises(ToolFailure, match="rows 1 to 3, got 4"):
        reformat_view(usual, "S1", "lung", "coronal", 4)
    with pytest.raises(ToolFailure, match="columns 1 to 4, got 0"):
        reformat_view(usual, "S1", "lung", "sagittal", 0)
    with pytest.raises(ToolFailure, match="ask for one of: axial, coronal, sagittal"):
        reformat_view(usual, "S1", "lung", "frontal")
    with pytest.raises(ToolFailure, match="geometry is unknown; ask for single slices"):
        reformat_view(_volume(np.zeros((2, 3, 4)), affine=None), "S1", "lung", "coronal")


def test_an_oblique_volume_is_not_reformatted() -> None:
    half = np.sqrt(0.5)
    turn = np.array([[half, -half, 0, 0], [half, half, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    with pytest.raises(ToolFailure, match="lies obliquely in the patient; ask for single slices"):
        reformat_view(_volume(np.zeros((2, 3, 4)), affine=turn @ AXIAL), "S1", "lung", "coronal")
