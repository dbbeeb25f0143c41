"""Measuring ellipsoids: every expected number is worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.imaging.chest_shapes import (
    AIR_HU,
    LUNG_MM,
    TISSUE_HU,
    Chest,
    Triple,
    ellipsoid_l,
    flipped,
    make_chest,
)
from tools.imaging.measure import CannotMeasure, measure_lungs
from tools.imaging.series import Series
from tools.imaging.volume import Volume, pack_valid

# 60 places well inside the lungs, 5 x 3 x 2 in each, millimetres from the middle of the chest.
_PLACES: tuple[Triple, ...] = tuple(
    (float(z), float(y), float(side * 58 + x))
    for side in (1, -1)
    for z in (-40, -20, 0, 20, 40)
    for y in (-25, 0, 25)
    for x in (-15, 15)
)


@settings(max_examples=12)
@given(
    slice_mm=st.floats(0.5, 5.0),
    pixel_mm=st.floats(1.2, 2.5),
    sizes=st.tuples(st.floats(0.6, 1.0), st.floats(0.6, 1.0)),
    flips=st.sets(st.integers(0, 2)),
)
def test_either_lung_has_its_volume_at_any_spacing_size_and_direction(
    slice_mm: float, pixel_mm: float, sizes: tuple[float, float], flips: set[int]
) -> None:
    left, right = ((LUNG_MM[0] * s, LUNG_MM[1] * s, LUNG_MM[2] * s) for s in sizes)
    chest = make_chest((slice_mm, pixel_mm, pixel_mm), left_mm=left, right_mm=right)
    m = measure_lungs(flipped(chest.volume, tuple(sorted(flips))))
    assert m.left.volume_l == pytest.approx(ellipsoid_l(left), rel=0.02)
    assert m.right.volume_l == pytest.approx(ellipsoid_l(right), rel=0.02)
    assert m.both.mean_hu == pytest.approx(-860, abs=0.5)
    assert (m.cysts.count, m.dense.fraction, m.both.laa950_fraction) == (0, 0, 0)


def test_the_share_of_low_attenuation_is_what_was_set() -> None:
    chest = make_chest()
    hu = chest.volume.voxels.copy()
    random = np.random.default_rng(1).random(hu.shape)
    hu[chest.left & (random < 0.1)] = -951
    hu[chest.right & (random < 0.1)] = -950  # at the limit is not below it
    m = measure_lungs(chest.with_hu(hu).volume)
    assert m.left.laa950_fraction == pytest.approx(0.10, abs=0.002)
    assert m.right.laa950_fraction == 0
    assert m.left_laa950_thirds == pytest.approx((0.1, 0.1, 0.1), abs=0.004)
    assert m.left.percentile15_hu == -860


def test_low_attenuation_above_only_is_in_the_upper_third() -> None:
    chest = make_chest()
    hu = chest.volume.voxels.copy()
    hu[chest.left & (chest.grid[0] > 26)] = -980  # the lung is 150 mm high: a third is 50 mm
    upper, middle, lower = measure_lungs(chest.with_hu(hu).volume).left_laa950_thirds
    assert upper > 0.95
    assert (middle, lower) == (0, 0)
    turned = measure_lungs(flipped(chest.with_hu(hu).volume, (0,)))
    assert turned.left_laa950_thirds == (upper, middle, lower)


# The share of a normal distribution of that deviation more than 90.5 HU below its mean.
@pytest.mark.parametrize(("noise_hu", "share"), [(20, 0.0), (30, 0.0013), (45, 0.0222)])
def test_noise_raises_low_attenuation_as_its_distribution_says(
    noise_hu: float, share: float
) -> None:
    chest = make_chest()
    noise = np.random.default_rng(2).normal(0, noise_hu, chest.volume.voxels.shape)
    m = measure_lungs(chest.with_hu(chest.volume.voxels + noise).volume)
    assert m.both.laa950_fraction == pytest.approx(share, abs=0.0005)
    assert m.both.mean_hu == pytest.approx(-860, abs=0.3)
    assert m.both.volume_l == pytest.approx(2 * ellipsoid_l(LUNG_MM), rel=0.005)


def _blurred(chest: Chest, sigma_mm: float, noise_hu: float) -> Chest:
    """As a smooth kernel would show it: blurred in the plane, then with noise."""
    from scipy import ndimage

    assert chest.volume.spacing_mm is not None
    sigma = [0.0, *(sigma_mm / s for s in chest.volume.spacing_mm[1:])]
    hu = ndimage.gaussian_filter(chest.volume.voxels.astype(np.float32), sigma)
    return chest.with_hu(hu + np.random.default_rng(3).normal(0, noise_hu, hu.shape))


def _with_cysts(diameter_mm: float, spacing_mm: Triple) -> Chest:
    chest = make_chest(spacing_mm)
    hu = chest.volume.voxels.copy()
    for place in _PLACES:
        hu[chest.ball(place, diameter_mm)] = -990
    return chest.with_hu(hu)


@pytest.mark.parametrize("spacing_mm", [(2.5, 1.5, 1.5), (1.25, 1.0, 1.0), (5.0, 0.8, 0.8)])
@pytest.mark.parametrize(
    ("sigma_mm", "noise_hu", "least"), [(0.0, 0.0, 60), (0.6, 25.0, 60), (1.0, 25.0, 45)]
)
def test_cysts_of_8_mm_are_counted_with_their_size(
    spacing_mm: Triple, sigma_mm: float, noise_hu: float, least: int
) -> None:
    chest = _blurred(_with_cysts(8.0, spacing_mm), sigma_mm, noise_hu)
    cysts = measure_lungs(chest.volume).cysts
    assert least <= cysts.count <= 60
    assert cysts.left + cysts.right == cysts.count
    assert cysts.diameters_mm is not None
    assert cysts.diameters_mm == pytest.approx((8, 8, 8), abs=1.6)  # about a pixel


def test_percentiles_of_size_tell_small_cysts_from_large_ones() -> None:
    chest = make_chest((1.25, 1.0, 1.0))
    hu = chest.volume.voxels.copy()
    for number, place in enumerate(_PLACES):  # two of three are small
        hu[chest.ball(place, 7.0 if number % 3 else 14.0)] = -990
    sizes = measure_lungs(chest.with_hu(hu).volume).cysts.diameters_mm
    assert sizes is not None
    assert sizes == pytest.approx((7, 7, 14), abs=0.5)


def test_a_hole_too_small_to_count_still_leaves_a_pocket() -> None:
    cysts = measure_lungs(_with_cysts(3.5, (1.25, 1.0, 1.0)).volume).cysts
    assert cysts.count == 0
    assert cysts.largest_pocket_mm == pytest.approx(3.5, abs=0.6)
    assert measure_lungs(make_chest().volume).cysts.largest_pocket_mm == 0


def test_the_calcified_share_is_what_was_set() -> None:
    chest = make_chest()
    hu = chest.volume.voxels.copy()
    random = np.random.default_rng(4).random(hu.shape)
    hu[chest.left & (random < 0.01)] = 400
    hu[chest.right & (random < 0.002)] = 400
    hu[chest.right & (random > 0.98)] = 100  # not above +100
    dense = measure_lungs(chest.with_hu(hu).volume).dense
    assert dense.left_fraction == pytest.approx(0.01, abs=0.001)
    assert dense.right_fraction == pytest.approx(0.002, abs=0.0005)


def test_specks_are_counted_on_their_side() -> None:
    chest = make_chest((1.25, 1.0, 1.0))
    hu = chest.volume.voxels.copy()
    # Off the middle: within 25 mm of the mediastinum vessels with contrast are as dense.
    far = [p for p in _PLACES if abs(p[2]) > 58]
    for place in far:
        hu[chest.ball(place, 3.0)] = 700
    dense = measure_lungs(chest.with_hu(hu).volume).dense
    assert (dense.specks, dense.specks_left, dense.specks_right) == (30, 15, 15)


def test_padding_inside_the_lungs_is_left_out() -> None:
    chest = make_chest()
    assert chest.volume.spacing_mm is not None
    gone = np.zeros_like(chest.left)
    gone[30:40, 60:80, 125:140] = True
    gone &= chest.left
    hu = np.where(gone, np.int16(-1024), chest.volume.voxels)
    volume = replace(chest.with_hu(hu).volume, valid_bits=pack_valid(~gone))
    plain, m = measure_lungs(chest.volume), measure_lungs(volume)
    missing_l = float(gone.sum() * np.prod(chest.volume.spacing_mm)) / 1e6
    assert missing_l > 0.01
    assert plain.left.volume_l - m.left.volume_l == pytest.approx(missing_l, abs=1e-6)
    assert (m.left.laa950_fraction, m.left.mean_hu) == (0, plain.left.mean_hu)
    assert m.right == plain.right


def test_values_below_the_scale_do_not_upset_the_measurement() -> None:
    chest = make_chest()
    hu = chest.volume.voxels.copy()
    hu[hu == AIR_HU] = -2048
    hu[chest.ball((0.0, 0.0, 58.0), 10.0)] = -3024
    m = measure_lungs(replace(chest.volume, voxels=hu))
    assert m.left.volume_l == pytest.approx(ellipsoid_l(LUNG_MM), rel=0.01)
    assert m.left.laa950_fraction == pytest.approx(0.000523 / 0.848, rel=0.05)  # a 10 mm ball


def _cut_by_columns(chest: Chest) -> Volume:
    """A field of view that ends inside the right lung."""
    first = int(np.flatnonzero(chest.grid[2].ravel() > -95)[0])
    return replace(chest.volume, voxels=chest.volume.voxels[:, :, first:])


def _cut_by_circle(chest: Chest) -> Volume:
    """A round field of view of 190 mm, padded outside."""
    _, y, x = chest.grid
    valid = np.broadcast_to(y**2 + x**2 <= 95**2, chest.left.shape)
    hu = np.where(valid, chest.volume.voxels, np.int16(-1024))
    return replace(chest.volume, voxels=hu, valid_bits=pack_valid(valid))


@pytest.mark.parametrize("cut", [_cut_by_columns, _cut_by_circle])
def test_lungs_that_the_field_of_view_cuts_off_are_not_measured(
    cut: Callable[[Chest], Volume],
) -> None:
    with pytest.raises(CannotMeasure, match="edge of the field of view"):
        measure_lungs(cut(make_chest()))


def _head() -> Volume:
    """Bone round brain, with air in the sinuses."""
    chest = make_chest()
    hu = np.full(chest.left.shape, AIR_HU, dtype=np.int16)
    for diameter, value in ((170.0, 900), (156.0, 35)):
        hu[chest.ball((0.0, 0.0, 0.0), diameter)] = value
    for x in (-20.0, 20.0):
        hu[chest.ball((-30.0, -45.0, x), 30.0)] = AIR_HU
    return chest.with_hu(hu).volume


def _abdomen() -> Volume:
    """A body with two large loops of bowel full of gas."""
    chest = make_chest()
    hu = np.where(chest.left | chest.right, np.int16(TISSUE_HU), chest.volume.voxels)
    for x in (-60.0, 60.0):
        hu[chest.ball((0.0, 0.0, x), 90.0)] = AIR_HU
    noise = np.random.default_rng(5).normal(0, 25, hu.shape)
    return chest.with_hu(hu + noise).volume


@pytest.mark.parametrize("volume", [_head(), _abdomen()], ids=["head", "abdomen"])
def test_what_is_no_chest_is_not_measured(volume: Volume) -> None:
    with pytest.raises(CannotMeasure, match="no lung is found"):
        measure_lungs(volume)


def test_coarse_pixels_are_not_measured() -> None:
    with pytest.raises(CannotMeasure, match=r"pixels are 3\.0 mm wide"):
        measure_lungs(make_chest((2.5, 3.0, 3.0)).volume)


def _series(**changes: object) -> Series:
    fields = {
        "id": "S2", "ref": "", "kind": "volume", "modality": "CT", "unit": "HU", "slices": 76,
        "rows": 140, "columns": 187, "thickness_mm": 2.5, "kernel": "B70f",
    }  # fmt: skip
    return Series.model_validate(fields | changes)


def test_thick_slices_are_not_measured_however_close_they_stand() -> None:
    with pytest.raises(CannotMeasure, match=r"slices are 8\.0 mm thick"):
        measure_lungs(make_chest().volume, series=_series(thickness_mm=8.0))


@pytest.mark.parametrize(
    ("series", "said"),
    [
        (None, "kernel unknown, slices 2.5 mm apart, thickness unknown, contrast unknown"),
        (_series(), "kernel B70f (sharp: raises LAA), 2.5 mm slices, contrast unknown"),
        (
            _series(kernel="STANDARD", contrast=True, contrast_phase="arterial", thickness_mm=5),
            "kernel STANDARD (medium), 5 mm slices every 2.5 mm, "
            "with contrast, arterial (lowers LAA)",
        ),
        (
            _series(kernel="ZZ", contrast_phase="non-contrast", thickness_mm=1),
            "kernel ZZ (sharpness unknown), 1 mm slices every 2.5 mm (gaps between them), "
            "no contrast",
        ),
    ],
)
def test_the_conditions_of_the_scan_are_stated(series: Series | None, said: str) -> None:
    m = measure_lungs(make_chest().volume, series=series)
    assert m.conditions.summary() == said
    assert m.summary().endswith(said)
    assert m.numbers()["conditions"] == said
    assert m.series == (series.id if series else "")


def test_numbers_are_rounded_to_what_ct_can_tell() -> None:
    chest = make_chest()
    hu = chest.volume.voxels.copy()
    hu[chest.left & (np.random.default_rng(6).random(hu.shape) < 0.1)] = -960
    left = measure_lungs(chest.with_hu(hu).volume).numbers()["left"]
    # 0.9 x -860 + 0.1 x -960 = -870; 4/3 pi 75 x 60 x 45 mm = 848 ml
    assert left == {
        "volume_l": 0.85,
        "mean_hu": -870,
        "percentile15_hu": -860,
        "laa950_percent": pytest.approx(10.0, abs=0.2),
    }
