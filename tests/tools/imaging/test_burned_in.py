"""Text in pixels by tesseract, on drawn and on real pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread

from tools.imaging.burned_in import display_grey, text_in_pixels

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract is not installed"
)


_Grey = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def _drawn(text: str) -> _Grey:
    image = Image.new("L", (512, 512), 0)
    ImageDraw.Draw(image).text((20, 20), text, fill=255, font=ImageFont.load_default(24))
    return np.asarray(image)


def _written(grey: _Grey, at: tuple[int, int]) -> _Grey:
    image = Image.fromarray(grey)
    font = ImageFont.load_default(16)
    ImageDraw.Draw(image).text(at, "HOLLOWAY MARGARET", fill=255, font=font)
    return np.asarray(image)


@needs_tesseract
def test_a_name_on_black_is_found_and_black_alone_is_not() -> None:
    assert text_in_pixels(_drawn("MARGARET HOLLOWAY")) is True
    assert text_in_pixels(_drawn("")) is False


@needs_tesseract
def test_a_side_marker_is_no_name() -> None:
    assert text_in_pixels(_drawn("R")) is False


@needs_tesseract
def test_colour_is_read_too() -> None:
    assert text_in_pixels(np.stack([_drawn("MARGARET HOLLOWAY")] * 3, axis=-1)) is True


def test_without_tesseract_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert text_in_pixels(_drawn("MARGARET HOLLOWAY")) is None


def test_a_tesseract_that_fails_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "tesseract"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert text_in_pixels(_drawn("MARGARET HOLLOWAY")) is None


@pytest.mark.parametrize("shape", [(4,), (4, 4, 2), (2, 4, 4, 3)])
def test_other_shapes_are_a_broken_contract(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        text_in_pixels(np.zeros(shape, dtype=np.uint8))


def test_grey_runs_from_the_least_value_to_the_greatest() -> None:
    assert display_grey(np.array([[-1000, 0], [500, 1000]])).tolist() == [[0, 128], [191, 255]]
    assert display_grey(np.full((2, 2), 7)).tolist() == [[0, 0], [0, 0]]


@needs_tesseract
def test_real_pages_with_text_are_found(shared_data: Path) -> None:
    folder = shared_data / "dicom"
    pages = [folder / "identified" / "us_burned_in_name.dcm"]
    pages += [folder / "rgb_dose_pages" / name for name in ("I30", "I40", "I50")]
    found = [text_in_pixels(display_grey(dcmread(page).pixel_array)) for page in pages]
    assert found == [True, True, True, True]


@needs_tesseract
@pytest.mark.slow
def test_names_on_air_are_found_and_over_anatomy_often_missed(shared_data: Path) -> None:
    slices = sorted((shared_data / "dicom" / "chest_ct").glob("*.dcm"))[::12]
    alarms = on_air = over_anatomy = 0
    for path in slices:
        hu = dcmread(path).pixel_array.astype(int) - 1024
        grey = np.clip((hu + 160) / 400 * 255, 0, 255).astype(np.uint8)
        alarms += text_in_pixels(display_grey(hu)) is True
        on_air += text_in_pixels(_written(grey, (10, 10))) is True
        over_anatomy += text_in_pixels(_written(grey, (190, 240))) is True
    # Measured with tesseract 5.3: 1, 12 and 7 of 12.
    assert len(slices) == 12
    assert (alarms <= 2, on_air >= 11, over_anatomy < 12) == (True, True, True)
