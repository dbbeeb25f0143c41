from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.tools.imaging.chest_shapes import flipped
from tools.errors import ToolFailure
from tools.imaging.preconditions import CannotMeasure
from tools.imaging.regions import Region, distance_mm, region_statistics
from tools.imaging.volume import Volume, pack_valid

SPACING = (2.0, 0.5, 1.0)


def _volume() -> Volume:
    """20 x 80 x 40 voxels whose HU is 10 x slice + column, both from 1: 40 mm along each axis."""
    hu = np.zeros((20, 80, 40), dtype=np.int16)
    hu += 10 * np.arange(1, 21, dtype=np.int16)[:, None, None]
    hu += np.arange(1, 41, dtype=np.int16)[None, None, :]
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = SPACING
    affine[:, 3] = [-100.0, 50.0, 7.0, 1.0]
    return Volume(voxels=hu, unit="HU", affine_lps_mm=affine, spacing_mm=SPACING)


def _box(**changes: object) -> Region:
    """3 slices x 4 rows x 5 columns round slice 5, between rows 10 and 11, column 20."""
    plain = Region(shape="box", centre=(5, 10.5, 20), size_mm=(6.0, 2.0, 5.0))
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_a_box_holds_the_voxels_whose_centres_it_holds() -> None:
    numbers = region_statistics(_volume(), _box())
    assert numbers.count == 3 * 4 * 5
    assert numbers.volume_ml == pytest.approx(0.06)  # 60 voxels of 2 x 0.5 x 1 mm
    # Slices 4 to 6 give 40, 50, 60; columns 18 to 22: the mean is 50 + 20.
    assert numbers.mean_hu == pytest.approx(70)
    assert (numbers.min_hu, numbers.max_hu) == (58, 82)
    # Variance: 200/3 over the slices and 2 over the columns.
    assert numbers.sd_hu == pytest.approx((200 / 3 + 2) ** 0.5)
    assert numbers.percentile50_hu == 70
    # Each HU stands in four rows: of 60 values in order, 4 are 58 and 4 are 82.
    assert (numbers.percentile5_hu, numbers.percentile95_hu) == (58, 82)


def test_a_sphere_has_the_volume_of_a_sphere() -> None:
    ball = Region(shape="ellipsoid", centre=(10.5, 40.5, 20.5), size_mm=(20.0, 20.0, 20.0))
    numbers = region_statistics(_volume(), ball)
    assert numbers.volume_ml == pytest.approx(np.pi / 6 * 8, rel=0.02)  # 4.19 ml
    assert numbers.mean_hu == pytest.approx(105 + 20.5)


def test_no_extent_along_slices_is_an_ellipse_in_one_slice() -> None:
    ellipse = Region(shape="ellipsoid", centre=(7, 40, 20), size_mm=(0.0, 20.0, 12.0))
    numbers = region_statistics(_volume(), ellipse)
    assert numbers.volume_ml == pytest.approx(np.pi * 10 * 6 * 2 / 1000, rel=0.03)  # 2 mm thick
    assert numbers.mean_hu == pytest.approx(70 + 20)
    assert numbers.max_hu - numbers.min_hu == 12


@pytest.mark.parametrize("axes", [(), (0,), (1,), (2,), (0, 1, 2)])
def test_lps_names_the_same_place_however_the_volume_is_stored(axes: tuple[int, ...]) -> None:
    # Slice 5, row 10.5, column 20 from 1: x -100 + 19, y 50 + 9.5 x 0.5, z 7 + 4 x 2.
    by_lps = _box(centre=(-81.0, 54.75, 15.0), frame="LPS")
    plain = region_statistics(_volume(), _box())
    assert region_statistics(flipped(_volume(), axes), by_lps) == plain


def test_padding_is_left_out_and_counted() -> None:
    volume = _volume()
    valid = np.ones(volume.voxels.shape, dtype=np.bool_)
    valid[:, :, 19:] = False  # columns 20 to 22 of the box
    padded = replace(volume, valid_bits=pack_valid(valid))
    with pytest.raises(CannotMeasure, match="36 of its 60 voxels are padding"):
        region_statistics(padded, _box())
    valid[:, :, 19:21] = True  # now column 22 alone
    numbers = region_statistics(replace(volume, valid_bits=pack_valid(valid)), _box())
    assert (numbers.count, numbers.padding, numbers.max_hu) == (48, 12, 81)
    assert "12 voxels of padding left out" in numbers.summary()


@pytest.mark.parametrize(
    ("volume", "region", "reason"),
    [
        (replace(_volume(), unit="stored"), _box(), "not in HU"),
        (replace(_volume(), spacing_mm=None, affine_lps_mm=None), _box(), "spacing"),
        (_volume(), _box(centre=(21, 10, 20)), r"\(21, 10, 20\) lies outside.*slices 1 to 20"),
        (_volume(), _box(centre=(0, 0, 0), frame="LPS"), "lies outside the volume"),
        (_volume(), _box(centre=(1, 10, 20)), "over the edge of the volume along the slices"),
        (_volume(), _box(centre=(5, 10, 39)), "over the edge of the volume along the columns"),
        (_volume(), _box(size_mm=(0.0, 1.0, 2.0)), "holds 6 voxels; make it hold at least 9"),
        (_volume(), _box(size_mm=(6.0, 0.0, 5.0)), r"size is \(6, 0, 5\) mm; give sizes above 0"),
        (_volume(), _box(size_mm=(6.0, float("nan"), 5.0)), "size is"),
    ],
)
def test_what_cannot_be_measured_says_why(volume: Volume, region: Region, reason: str) -> None:
    with pytest.raises(CannotMeasure, match=reason) as caught:
        region_statistics(volume, region)
    assert isinstance(caught.value, ToolFailure)
    assert str(caught.value).startswith("the region cannot be measured")


def test_a_region_up_to_the_very_edge_is_measured() -> None:
    whole = Region(shape="box", centre=(10.5, 40.5, 20.5), size_mm=(40.0, 40.0, 40.0))
    assert region_statistics(_volume(), whole).count == 20 * 80 * 40


def test_a_distance_goes_through_the_spacing() -> None:
    volume = _volume()
    # 3 slices of 2 mm, 16 rows of 0.5 mm, 0 columns: 6 and 8 make 10.
    assert distance_mm(volume, (1, 1, 1), (4, 17, 1)) == pytest.approx(10)
    assert distance_mm(volume, (-100, 50, 7), (-100, 58, 13), frame="LPS") == pytest.approx(10)
    assert distance_mm(replace(volume, unit="stored"), (1, 1, 1), (1, 1, 6)) == pytest.approx(5)


def test_an_oblique_distance_follows_the_affine() -> None:
    volume = _volume()
    assert volume.affine_lps_mm is not None
    angle = np.radians(30)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    oblique = replace(volume, affine_lps_mm=turn @ volume.affine_lps_mm)
    assert distance_mm(oblique, (1, 1, 1), (4, 17, 1)) == pytest.approx(10)


@pytest.mark.parametrize(
    ("volume", "end", "reason"),
    [
        (replace(_volume(), spacing_mm=None, affine_lps_mm=None), (1, 1, 2), "spacing"),
        (_volume(), (1, 81, 1), "lies outside the volume"),
        (_volume(), (float("nan"), 1, 1), "lies outside the volume"),
    ],
)
def test_a_distance_that_cannot_be_measured_says_why(
    volume: Volume, end: tuple[float, float, float], reason: str
) -> None:
    with pytest.raises(CannotMeasure, match=f"the distance cannot be measured.*{reason}"):
        distance_mm(volume, (1, 1, 1), end)


def test_numbers_and_summary_are_rounded_to_what_ct_can_tell() -> None:
    numbers = region_statistics(_volume(), _box())
    assert numbers.numbers() == {
        "voxels": 60, "padding_voxels": 0, "volume_ml": 0.06, "mean_hu": 70, "sd_hu": 8,
        "min_hu": 58, "max_hu": 82, "percentile5_hu": 58, "percentile50_hu": 70,
        "percentile95_hu": 82,
    }  # fmt: skip
    assert numbers.summary() == (
        "0.06 ml (60 voxels): mean 70 HU, SD 8, median 70, 5th to 95th percentile 58 to 82, "
        "range 58 to 82"
    )
