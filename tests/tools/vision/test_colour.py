"""Pictures in colour reach the model in colour."""

from __future__ import annotations

import numpy as np

from tools.imaging.raster import slice_views
from tools.imaging.volume import Volume
from tools.vision.prompting import picture

RED, GREY = (200, 40, 10), (90, 90, 90)


def doppler(frames: int) -> Volume:
    """Grey pictures of 4 rows and 6 columns with a red flow in the middle."""
    voxels = np.full((frames, 4, 6, 3), GREY, dtype=np.float32)
    voxels[:, 1:3, 2:4] = RED
    return Volume(voxels=voxels, unit="stored", affine_lps_mm=None, spacing_mm=None)


def test_a_picture_in_colour_is_shown_in_its_own_colours() -> None:
    (view,) = slice_views(doppler(1), "S1", "as displayed", (1,))
    assert view.pixels.shape == (4, 6, 3)
    shown = np.asarray(picture(view))
    assert shown.shape == (6, 6, 3)  # padded to a square
    assert shown[2, 2].tolist() == list(RED)
    assert shown[1, 0].tolist() == list(GREY)
    assert shown[0, 0].tolist() == [0, 0, 0]


def test_colours_of_several_frames_are_not_stretched() -> None:
    for view in slice_views(doppler(3), "S1", "as displayed", (1, 3)):
        assert view.pixels[1, 2].tolist() == list(RED)
