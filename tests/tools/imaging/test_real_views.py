"""A real chest CT the right way round in every plane; skipped where it is not given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.imaging.files import load_paths
from tools.imaging.raster import slice_views, windows_for
from tools.imaging.sheet import contact_sheet
from tools.imaging.views import reformat_view, slab_view
from tools.imaging.volume import Volume


@pytest.fixture(scope="module")
def chest(shared_data: Path) -> Volume:
    ((_, volume),) = load_paths([shared_data / "dicom" / "chest_ct"]).volumes
    return volume


def test_the_heart_is_on_the_right_of_an_axial_picture_and_the_spine_below(chest: Volume) -> None:
    (view,) = slice_views(chest, "S1", "soft tissue", [70])
    assert view.plane == "axial"
    heart = view.pixels[150:300]  # between the lungs
    assert float(heart[:, 256:406].mean()) > 2 * float(heart[:, 106:256].mean())
    (view,) = slice_views(chest, "S1", "angio", [70])
    middle = view.pixels[:, 206:306]
    assert float(middle[330:430].mean()) > 2 * float(middle[82:150].mean())


def test_the_liver_is_below_on_the_left_of_a_coronal_picture(chest: Volume) -> None:
    view = reformat_view(chest, "S1", "soft tissue", "coronal")
    assert view.pixels.shape == (133, 512)
    assert view.pixel_aspect == pytest.approx(2.5 / 0.703125)
    lung, liver = view.pixels[30:60, 120:180], view.pixels[90:105, 120:180]
    assert float(lung.mean()) < 10
    assert 100 < float(liver.mean()) < 200
    assert float(liver.mean()) > 2 * float(view.pixels[90:105, 332:392].mean())


def test_the_spine_is_behind_on_the_right_of_a_sagittal_picture(chest: Volume) -> None:
    view = reformat_view(chest, "S1", "bone", "sagittal")
    bone = view.pixels[95:] > 130  # below the heart, whose contrast medium is as bright
    assert float(bone[:, 260:420].mean()) > 0.1
    assert float(bone[:, 100:260].mean()) < 0.01


def test_projections_show_vessels_and_airways(chest: Volume) -> None:
    (one,) = slice_views(chest, "S1", "lung", [90])
    thick = {
        projection: slab_view(
            chest, "S1", "lung", projection=projection, centre=90, thickness_mm=20
        )
        for projection in ("maximum", "mean", "minimum")
    }
    assert thick["maximum"].slices == tuple(range(86, 95))
    assert (thick["maximum"].pixels >= one.pixels).all()
    assert (thick["minimum"].pixels <= one.pixels).all()
    lung = np.s_[180:300, 130:200]
    greys = [float(thick[p].pixels[lung].mean()) for p in ("minimum", "mean", "maximum")]
    assert greys == sorted(greys)
    assert greys[2] > greys[0] + 20


def test_every_window_and_view_shares_one_sheet(chest: Volume) -> None:
    views = [slice_views(chest, "S1", window, [70])[0] for window in windows_for(chest)]
    views += [reformat_view(chest, "S1", "lung", plane) for plane in ("coronal", "sagittal")]
    sheet = contact_sheet(views, 7, volume=chest)
    assert sheet.size == (7 * 256, 2 * (256 + 14))
    tiles = np.asarray(sheet).reshape(2, 270, 7, 256, 3)[:, 14:]
    assert (tiles.max(axis=(1, 3, 4)) == 255).all()
