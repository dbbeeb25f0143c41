from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from evals.views.cleaning import clean
from evals.views.overlays import footer_rows, text_lines
from evals.views.watermark import watermark
from tests.evals.medpix_shaped import overlaid

Grey = NDArray[np.uint8]


def body(*, ground: int = 0, seed: int = 0) -> Image.Image:
    """A grey body with dark lungs and noise within, 400 x 400, on an even ground."""
    image = Image.new("L", (400, 400), ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse((30, 70, 370, 340), fill=150)
    draw.ellipse((80, 120, 180, 300), fill=30)
    draw.ellipse((220, 120, 320, 300), fill=30)
    noise = np.random.default_rng(seed).normal(0, 6, (400, 400))
    pixels = np.asarray(image, dtype=np.float64)
    return Image.fromarray(np.clip(pixels + noise * (pixels > 0), 0, 255).astype(np.uint8))


def grey(image: Image.Image) -> Grey:
    return np.asarray(image)


def test_a_picture_without_text_keeps_every_pixel_that_shows_something() -> None:
    cleaned = clean(grey(body()))
    bare = grey(body())
    assert cleaned.shape == (275, 345)  # the body, 271 x 341, with two pixels around
    assert np.array_equal(cleaned, bare[68:343, 28:373])


def test_footer_watermark_and_window_setting_go_and_the_body_stays() -> None:
    assert np.array_equal(clean(grey(overlaid(body()))), clean(grey(body())))


@pytest.mark.parametrize("ground", [0, 40, 90, 220])
def test_the_watermark_is_found_on_any_ground_and_none_where_there_is_none(ground: int) -> None:
    assert watermark(grey(body(ground=ground))) is None
    found = watermark(grey(overlaid(body(ground=ground))))
    assert found is not None
    assert found.right > 380
    assert 285 <= found.left <= 305  # it is 90 pixels wide and ends 14 before the edge
    assert found.bottom <= 40


def test_a_watermark_cut_by_the_edge_is_found_by_its_first_letters() -> None:
    picture = grey(overlaid(body(ground=40), is_cut=True))
    found = watermark(picture)
    assert found is not None
    assert found.right == picture.shape[1]


def test_a_footer_of_two_lines_is_cut_off_to_the_row_above_it() -> None:
    picture = grey(overlaid(body(ground=90)))
    assert 21 <= footer_rows(picture) <= 24  # its letters take 21 rows of 24
    assert clean(picture).shape[0] >= 400


def test_an_even_picture_and_one_of_noise_have_no_footer() -> None:
    assert footer_rows(np.full((100, 200), 90, dtype=np.uint8)) == 0
    noise = np.random.default_rng(1).integers(0, 255, (100, 200), dtype=np.uint8)
    assert footer_rows(noise) == 0


def test_vessels_on_black_within_a_lung_are_no_text() -> None:
    image = Image.new("L", (400, 400), 0)
    draw = ImageDraw.Draw(image)
    for column in range(150, 250, 14):
        draw.ellipse((column, 200 + column % 5, column + 6, 207 + column % 3), fill=220)
    assert text_lines(grey(image)) == []


def test_a_picture_in_colour_is_cleaned_in_colour() -> None:
    tinted = np.stack([grey(overlaid(body()))] * 3, axis=2)
    cleaned = clean(tinted)
    assert cleaned.shape == (275, 345, 3)


def test_a_picture_of_nothing_stays_as_it_is() -> None:
    nothing = np.zeros((20, 30), dtype=np.uint8)
    assert np.array_equal(clean(nothing), nothing)
