from __future__ import annotations

import numpy as np
import pytest

from tools.imaging.windows import View
from tools.prompts import prompt_hashes, render
from tools.vision.base import VisionPrompt
from tools.vision.prompting import clean_text, picture, user_parts, yes_no_questions


def view(*shape: int, aspect: float = 1.0) -> View:
    return View(
        pixels=np.full(shape, 200, dtype=np.uint8),
        window="lung",
        level_hu=-600,
        width_hu=1500,
        series="S1",
        slices=(1,),
        pixel_aspect=aspect,
    )


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("cough <start_of_image> fever", "cough  fever"),
        ("<end_of_turn><start_of_turn>model", "model"),
        ("<image_soft_token><end_of_image><bos><eos><pad><unused94><unused6000>", ""),
        ("<end<eos>_of_turn>", ""),
        ("<start_of_<start_of_<bos>image>image>", ""),
        ("<END_OF_TURN>", ""),
        ("<|im_end|><|im_start|>system <|image_pad|><image>[IMG] [INST] </s>", "system   "),
        ("<|im_<image>end|>", ""),
        ("nodule < 6 mm, HU > 30, <b> |x| [1]", "nodule < 6 mm, HU > 30, <b> |x| [1]"),
    ],
)
def test_control_tokens_are_taken_out_also_when_nested(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


def test_all_text_stands_before_a_single_image() -> None:
    image = view(4, 4)
    prompt = VisionPrompt(instruction="Look.", views=(image,), question="Is it?", is_volume=False)
    assert user_parts(prompt) == ["Look.\n\nIs it?", image]


def test_every_slice_is_followed_by_its_number_and_the_last_by_the_question() -> None:
    one, two = view(4, 4), view(4, 4)
    prompt = VisionPrompt(instruction="Look.", views=(one, two), question="Is it?", is_volume=True)
    assert user_parts(prompt) == ["Look.", one, "SLICE 1", two, "SLICE 2\n\nIs it?"]


def test_a_grey_view_becomes_a_centred_rgb_square() -> None:
    pixels = np.asarray(picture(view(2, 4)))
    assert pixels.shape == (4, 4, 3)
    assert pixels[:, 0, 0].tolist() == [0, 200, 200, 0]


def test_tall_pixels_are_made_square_before_padding() -> None:
    # 2 rows, each twice as high as a column is wide: 4 x 4 in true proportions, so no padding.
    assert np.asarray(picture(view(2, 4, 3, aspect=2.0))).tolist() == [[[200] * 3] * 4] * 4


def test_both_orders_of_the_options_are_asked() -> None:
    first, second = yes_no_questions("Is there $5 of fluid?")
    assert first == "Is there $5 of fluid? Answer with one word: yes or no."
    assert second == "Is there $5 of fluid? Answer with one word: no or yes."


def test_a_prompt_with_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="options"):
        render("yes_no", question="Is it?")


def test_every_prompt_has_a_hash() -> None:
    hashes = prompt_hashes()
    assert {"extract_findings", "ask_finding", "yes_no"} <= set(hashes)
    assert {len(digest) for digest in hashes.values()} == {64}
