"""Pages of text, photographs of films and panels among pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tests.tools.imaging.phantom_volumes import phantom
from tools.imaging.files import load_paths
from tools.imaging.pages import has_panels, is_film, limits_of_picture
from tools.imaging.phantom_lesions import Lesion
from tools.imaging.quality import limits_of
from tools.imaging.series import Series
from tools.imaging.volume import Volume
from tools.imaging.windows import WINDOWS, apply_window

Grey = NDArray[np.uint8]

WORDS = (
    *(
        "CT",
        "of",
        "the",
        "chest",
        "with",
        "contrast.",
        "Findings:",
        "the",
        "lungs",
        "are",
        "clear,",
    ),
    *("without", "nodule", "or", "mass.", "No", "pleural", "effusion.", "The", "heart", "is", "of"),
    *("normal", "size.", "Impression:", "no", "acute", "disease."),
)


def page(*, letters: int = 18, dark: bool = False, size: tuple[int, int] = (850, 1100)) -> Grey:
    """A report set in lines."""
    picture = Image.new("L", size, 0 if dark else 255)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=letters)
    words = iter(WORDS * 200)
    for y in range(60, size[1] - 60, letters * 3 // 2):
        line = ""
        while draw.textlength(line, font=font) < size[0] - 200:
            line += next(words) + " "
        draw.text((50, y), line, fill=220 if dark else 20, font=font)
    return np.asarray(picture)


def chest_slice(window: str = "soft tissue") -> Grey:
    """The middle slice of a phantom."""
    hu = phantom(Lesion.NONE).hu
    return apply_window(hu[len(hu) // 2], WINDOWS[window])


def film(angle: float) -> Grey:
    """A phantom's slice as a film on an unevenly glowing light box, photographed."""
    shot = Image.fromarray(chest_slice("lung")).resize((560, 700))
    place = Image.new("L", shot.size, 255).rotate(angle, expand=True)
    shot = shot.rotate(angle, expand=True)
    rows, columns = np.mgrid[:1000, :800]
    glow = 225 - 20 * (((columns - 400) / 400) ** 2 + ((rows - 500) / 500) ** 2)
    glow += np.random.default_rng(2).normal(0, 4, glow.shape)
    photo = Image.fromarray(glow.clip(0, 255).astype(np.uint8))
    photo.paste(shot, (90, 110), place)
    return np.asarray(photo)


@pytest.mark.parametrize("letters", [11, 18, 30])
@pytest.mark.parametrize("dark", [False, True])
def test_a_page_of_text_is_known_in_every_size_and_colour(letters: int, dark: bool) -> None:
    grey = page(letters=letters, dark=dark)
    assert list(limits_of_picture(grey)) == ["it may be a page of text, not an image"]


def test_a_large_scan_of_a_page_is_known() -> None:
    scan = page(letters=60, size=(3000, 4000))
    assert list(limits_of_picture(scan)) == ["it may be a page of text, not an image"]


def test_an_image_with_a_few_words_on_it_is_no_page() -> None:
    picture = Image.fromarray(chest_slice("wide")).resize((512, 512))
    draw = ImageDraw.Draw(picture)
    for y, line in enumerate(("CT CHEST W CONTRAST", "SE 4 IM 61", "W 400 L 40", "512 x 512")):
        draw.text((4, 4 + 14 * y), line, fill=255)
    assert list(limits_of_picture(np.asarray(picture))) == []


@pytest.mark.parametrize("angle", [0, 1, 5, -8])
def test_a_film_on_a_light_box_is_known_straight_or_turned(angle: float) -> None:
    (found,) = limits_of_picture(film(angle))
    assert found.startswith("it may be a photograph of a film")


def test_an_image_in_a_plain_white_frame_is_no_photograph() -> None:
    framed = np.full((600, 500), 255, np.uint8)
    framed[60:-60, 50:-50] = np.asarray(Image.fromarray(chest_slice()).resize((400, 480)))
    assert not is_film(framed)


@pytest.mark.parametrize("gap", [0, 128, 255])
@pytest.mark.parametrize("stacked", [False, True])
def test_pictures_side_by_side_are_known_by_the_gap(gap: int, stacked: bool) -> None:
    texture = np.random.default_rng(3).integers(60, 110, (300, 240), dtype=np.uint8)
    beside = np.full((300, 6), gap, np.uint8)
    both = np.hstack([texture, beside, texture])
    assert has_panels(both.T if stacked else both)
    assert not has_panels(texture)


def test_slices_and_radiographs_are_what_they_seem(shared_data: Path) -> None:
    for window in WINDOWS:
        assert list(limits_of_picture(chest_slice(window))) == []
    loaded = load_paths([shared_data / "dicom" / "single"])
    for series, volume in loaded.volumes:
        assert limits_of(series, volume) == ()
    ((_, ct),) = load_paths([shared_data / "dicom" / "chest_ct"]).volumes
    for window in ("lung", "soft tissue", "bone"):
        for hu in ct.voxels[::12]:
            assert list(limits_of_picture(apply_window(hu, WINDOWS[window]))) == []


def test_the_gate_looks_at_the_display_grey_of_an_image() -> None:
    grey = page()
    series = Series(
        ref="", kind="image", modality="OT", unit="display", slices=1, rows=grey.shape[0],
        columns=grey.shape[1], origin="picture",
    )  # fmt: skip
    volume = Volume(
        voxels=grey.astype(np.float32)[np.newaxis],
        unit="stored",
        affine_lps_mm=None,
        spacing_mm=None,
    )
    assert limits_of(series, volume) == ("it may be a page of text, not an image",)


def test_a_tiny_picture_is_said_to_be_one() -> None:
    assert list(limits_of_picture(np.zeros((20, 400), np.uint8))) == [
        "a very small picture: detail is lost"
    ]
