from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tools.errors import ToolFailure
from tools.imaging.raster import (
    encode_jpeg,
    encode_png,
    even_slices,
    pad_to_square,
    slice_views,
    windows_for,
)
from tools.imaging.volume import Volume, pack_valid


def _hu(*values: int) -> Volume:
    """Slices of 2 x 4 pixels of one value each; pixels twice as high as wide."""
    voxels = np.array(values, dtype=np.int16)[:, None, None] * np.ones((1, 2, 4), dtype=np.int16)
    affine = np.array([[0, 0, 1, 0], [0, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 1.0]])
    return Volume(voxels=voxels, unit="HU", affine_lps_mm=affine, spacing_mm=(3.0, 2.0, 1.0))


def _stored(*slices: list[list[float]], valid: np.ndarray | None = None) -> Volume:
    return Volume(
        voxels=np.array(slices, dtype=np.float32),
        unit="stored",
        affine_lps_mm=None,
        spacing_mm=None,
        valid_bits=None if valid is None else pack_valid(valid),
    )


def test_views_name_their_slice_window_and_aspect() -> None:
    views = slice_views(_hu(-2000, 150, 3000), "S2", "lung", [3, 1])
    assert [v.slices for v in views] == [(3,), (1,)]
    assert [int(v.pixels[0, 0]) for v in views] == [255, 0]
    assert (views[0].series, views[0].level_hu, views[0].width_hu) == ("S2", -600, 1500)
    assert (views[0].pixel_aspect, views[0].plane, views[0].projection) == (2.0, "axial", "slice")


def test_the_composite_is_colour_without_a_level() -> None:
    (view,) = slice_views(_hu(40), "S1", "medgemma", [1])
    assert view.pixels[0, 0].tolist() == [132, 128, 128]
    assert view.level_hu is None


def test_a_window_in_hu_is_refused_for_stored_values_with_what_can_be_asked() -> None:
    with pytest.raises(ToolFailure, match=r"not in HU; ask for one of: as displayed$"):
        slice_views(_stored([[0, 1]]), "S1", "lung", [1])


def test_an_unknown_window_is_refused_with_the_list() -> None:
    with pytest.raises(ToolFailure, match=r"'sinus' cannot be shown.*lung, soft tissue.*medgemma"):
        slice_views(_hu(0), "S1", "sinus", [1])


@pytest.mark.parametrize("slices", [[0], [3], []])
def test_a_slice_that_does_not_exist_is_refused(slices: list[int]) -> None:
    with pytest.raises(ToolFailure, match="slices 1 to 2"):
        slice_views(_hu(0, 0), "S1", "lung", slices)


def test_stored_values_are_stretched_over_the_whole_acquisition() -> None:
    volume = _stored([[0, 500]], [[1000, 250]])
    first, second = slice_views(volume, "S1", "as displayed", [1, 2])
    assert first.pixels.tolist() == [[0, 128]]  # 500 of 1000 is 127.5, rounded to even
    assert second.pixels.tolist() == [[255, 64]]


def test_padding_does_not_stretch_the_grey() -> None:
    valid = np.array([[[False, True, True]]])
    (view,) = slice_views(_stored([[-9999, 0, 300]], valid=valid), "S1", "as displayed", [1])
    assert view.pixels.tolist() == [[0, 0, 255]]


def test_padding_is_black_in_every_window_whatever_its_value() -> None:
    valid = np.array([[[True, False]]])
    volume = Volume(
        voxels=np.full((1, 1, 2), 500, dtype=np.int16),
        unit="HU",
        affine_lps_mm=None,
        spacing_mm=None,
        valid_bits=pack_valid(valid),
    )
    for window in windows_for(volume):
        (view,) = slice_views(volume, "S1", window, [1])
        assert view.pixels[0, 0].any()
        assert not view.pixels[0, 1].any()


def test_nothing_but_padding_is_black() -> None:
    valid = np.zeros((1, 1, 2), dtype=np.bool_)
    (view,) = slice_views(_stored([[7, 9]], valid=valid), "S1", "as displayed", [1])
    assert view.pixels.tolist() == [[0, 0]]


def test_a_picture_that_is_grey_already_is_shown_as_it_is() -> None:
    (view,) = slice_views(_stored([[20, 200]]), "S1", "as displayed", [1])
    assert view.pixels.tolist() == [[20, 200]]


def test_even_slices_follow_the_official_rule() -> None:
    # round(i / 4 * 9) for i in 1..4: 2.25, 4.5, 6.75, 9 -> 2, 4, 7, 9; from 1: 3, 5, 8, 10
    assert even_slices(10, 4) == (3, 5, 8, 10)
    assert even_slices(4, 4) == (1, 2, 3, 4)
    assert len(even_slices(300, 85)) == 85
    assert even_slices(300, 85)[-1] == 300


def test_no_slices_are_refused() -> None:
    with pytest.raises(ValueError, match="must be >= 1"):
        even_slices(0, 5)


def test_padding_is_black_and_centred() -> None:
    square = pad_to_square(np.full((2, 4), 7, dtype=np.uint8))
    assert square.tolist() == [[0] * 4, [7] * 4, [7] * 4, [0] * 4]
    assert pad_to_square(np.zeros((3, 2, 3), dtype=np.uint8)).shape == (3, 3, 3)


def test_png_keeps_every_value_and_jpeg_the_size() -> None:
    pixels = np.arange(240, dtype=np.uint8).reshape(12, 20)
    with Image.open(io.BytesIO(encode_png(pixels))) as png:
        assert np.array_equal(np.asarray(png), pixels)
    with Image.open(io.BytesIO(encode_jpeg(pixels))) as jpeg:
        assert (jpeg.format, jpeg.size) == ("JPEG", (20, 12))
