from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tools.imaging.raster import slice_views
from tools.imaging.sheet import caption, contact_sheet
from tools.imaging.views import reformat_view, slab_view
from tools.imaging.volume import Volume
from tools.imaging.windows import View

AXIAL = np.array([[0, 0, 1, 0], [0, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 1.0]])


def _volume(slices: int, rows: int, columns: int) -> Volume:
    """Black in the lung window; slices 3 mm apart, rows 2 mm, columns 1 mm."""
    voxels = np.full((slices, rows, columns), -2000, dtype=np.int16)
    return Volume(voxels=voxels, unit="HU", affine_lps_mm=AXIAL, spacing_mm=(3.0, 2.0, 1.0))


def _bar(sheet: Image.Image) -> int:
    """Length of the scale bar of a sheet of one black view: bright pixels of its lowest lines."""
    lowest = np.asarray(sheet)[-4:, : sheet.width * 9 // 20, 0] == 200
    return int(lowest.sum(axis=1).max())


def test_a_sheet_keeps_true_proportions() -> None:
    views = slice_views(_volume(3, 2, 4), "S1", "lung", [1, 2, 3])
    # 2 rows of 2 mm and 4 columns of 1 mm are square: tiles of 256 x 256 under captions of 14.
    assert contact_sheet(views, 2).size == (2 * 256, 2 * (256 + 14))


def test_views_of_several_shapes_share_a_sheet() -> None:
    volume = _volume(4, 2, 24)
    views = (
        *slice_views(volume, "S1", "lung", [1]),  # 4 x 24 mm: 43 high
        reformat_view(volume, "S1", "lung", "coronal", 1),  # 12 x 24 mm: 128 high
        reformat_view(volume, "S1", "lung", "sagittal", 1),  # 12 x 4 mm: 85 wide
        *slice_views(volume, "S1", "medgemma", [1]),
    )
    assert contact_sheet(views, 4).size == (4 * 256, 256 + 14)
    assert contact_sheet(views[:2], 2).size == (2 * 256, 128 + 14)


def test_a_caption_says_what_is_seen() -> None:
    volume = _volume(9, 8, 8)
    (one,) = slice_views(volume, "S1", "lung", [7])
    assert caption(one) == "S1 lung -600/1500, axial, slice 7"
    slab = slab_view(volume, "S2", "bone", projection="maximum", centre=5, thickness_mm=12)
    assert caption(slab) == "S2 bone 400/1800, axial, maximum of 3-7"
    cut = reformat_view(volume, "S1", "medgemma", "coronal", 4)
    assert caption(cut) == "S1 medgemma, coronal, cut 4"


def test_a_caption_stays_over_its_view() -> None:
    narrow = slice_views(_volume(2, 64, 8), "S1", "lung", [1, 2])  # 128 x 8 mm: 16 wide
    captions = np.asarray(contact_sheet(narrow, 2))[:14]
    assert captions.shape[1] == 32
    assert captions[:, 3:13].any()
    assert not captions[:, 14:18].any()


def test_edges_are_lettered_where_the_plane_is_known() -> None:
    (view,) = slice_views(_volume(1, 64, 128), "S1", "lung", [1])
    picture = np.asarray(contact_sheet([view], 1))[14:]
    edges = (picture[:, :12], picture[:, -12:], picture[:16], picture[-16:])
    assert all(edge.any() for edge in edges)
    unknown = View(
        pixels=view.pixels, window="lung", level_hu=-600, width_hu=1500, series="S1", slices=(1,)
    )
    assert not np.asarray(contact_sheet([unknown], 1))[14:].any()


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    voxels = np.full((1, 48, 256), -2000, dtype=np.int16)
    affine = AXIAL @ np.diag([1, 1, 0.4, 1])  # columns 0.4 mm apart
    volume = Volume(voxels=voxels, unit="HU", affine_lps_mm=affine, spacing_mm=(3.0, 2.0, 0.4))
    views = slice_views(volume, "S1", "lung", [1])
    # A pixel is 0.4 mm: 20 mm are 50, and 50 mm would be more than 0.4 of the width.
    assert _bar(contact_sheet(views, 1, volume=volume)) == pytest.approx(50, abs=1)


def test_without_a_known_spacing_there_is_no_scale_bar() -> None:
    voxels = np.full((1, 128, 128), -2000, dtype=np.int16)
    unknown = Volume(voxels=voxels, unit="HU", affine_lps_mm=None, spacing_mm=None)
    sheet = contact_sheet(slice_views(unknown, "S1", "lung", [1]), 1, volume=unknown)
    assert _bar(sheet) == 0


@pytest.mark.parametrize("columns", [0, -1])
def test_a_sheet_without_columns_is_refused(columns: int) -> None:
    with pytest.raises(ValueError, match="columns >= 1"):
        contact_sheet(slice_views(_volume(1, 2, 2), "S1", "lung", [1]), columns)
