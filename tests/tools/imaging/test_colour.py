from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tools.imaging.dicom_files import only
from tools.imaging import pictures
from tools.imaging.colour import is_coloured, luminance
from tools.imaging.files import load_paths
from tools.imaging.quality import limits_of


def flow(side: int = 64) -> np.ndarray:
    """Grey, with a red square of a fortieth of it."""
    rgb = np.full((side, side, 3), 90, dtype=np.uint8)
    rgb[20:30, 20:30] = (220, 30, 20)
    return rgb


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_a_picture_in_colour_keeps_it_and_is_judged_in_grey(name: str, tmp_path: Path) -> None:
    Image.fromarray(flow()).save(tmp_path / name)
    series, volume = only(load_paths([tmp_path / name]))
    assert volume.voxels.shape == (1, 64, 64, 3)
    red, green, blue = volume.voxels[0, 25, 25]
    assert red > 180 > 80 > max(green, blue)
    assert not any("small" in limit for limit in limits_of(series, volume))


def test_a_grey_jpeg_of_three_channels_is_grey(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).convert("RGB").save(tmp_path / "a.jpg", quality=60)
    assert only(load_paths([tmp_path / "a.jpg"]))[1].voxels.shape == (1, 64, 64)


def test_a_coloured_mark_alone_makes_no_colour_picture() -> None:
    rgb = np.full((64, 64, 3), 90, dtype=np.uint8)
    rgb[3, :8] = (255, 0, 0)  # 8 of 4096 pixels: 0.195 %
    assert not is_coloured(rgb)
    assert is_coloured(flow())


def test_a_very_large_picture_is_shown_in_grey(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_MOST_COLOURED", 64 * 64 - 1)
    Image.fromarray(flow()).save(tmp_path / "a.png")
    assert only(load_paths([tmp_path / "a.png"]))[1].voxels.shape == (1, 64, 64)


def test_luminance_is_that_of_itu_r_601() -> None:
    # 0.299 * 100 = 29.9, 0.587 * 100 = 58.7, 0.114 * 100 = 11.4
    pure = np.eye(3, dtype=np.uint8)[None] * np.uint8(100)
    assert luminance(pure).tolist() == [[30, 59, 11]]
    grey = pure[0]
    assert luminance(grey) is grey
