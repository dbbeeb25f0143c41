from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from knowledge.vocabulary import Term
from tests.tools.vision.scripted import Scripted
from tools.errors import ToolFailure
from tools.imaging.windows import View
from tools.locate import locate_finding
from tools.vision.base import Reply
from tools.vision.transformers_model import TransformersVision

# 100 rows, 200 columns: padded to a square of 200 with 50 rows above and below.
RADIOGRAPH = View(
    pixels=np.zeros((100, 200), dtype=np.uint8),
    window="as displayed",
    level_hu=None,
    width_hu=None,
    series="S1",
    slices=(1,),
)
SAID = '```json\n[{"box_2d": [500, 100, 600, 300], "label": "lung cysts"}]\n```'


@pytest.mark.parametrize("modality", ["CR", "DX", "XR"])
def test_a_box_of_the_reply_becomes_pixels_of_the_radiograph(
    modality: str, terms: Sequence[Term]
) -> None:
    vision = Scripted(SAID, localises=True)
    # Rows 500..600 of 1000 are 100..120 of the square, less 50; columns 100..300 are 20..60.
    assert locate_finding(vision, RADIOGRAPH, terms[0], modality) == (20, 50, 60, 70)
    (request,) = vision.requests
    assert "lung cysts" in request.prompt.question
    assert "1 radiograph(s)" in request.prompt.instruction


@pytest.mark.parametrize("said", ["[]", "It is on the left.", SAID[:30]])
def test_without_a_box_there_is_none(said: str, terms: Sequence[Term]) -> None:
    assert locate_finding(Scripted(said, localises=True), RADIOGRAPH, terms[0], "DX") is None


@pytest.mark.parametrize("modality", ["CT", "MR", ""])
def test_boxes_are_for_radiographs_only(modality: str, terms: Sequence[Term]) -> None:
    vision = Scripted(SAID, localises=True)
    with pytest.raises(ToolFailure, match="boxes exist for radiographs only"):
        locate_finding(vision, RADIOGRAPH, terms[0], modality)
    assert vision.requests == []


def test_a_backend_that_gives_no_boxes_is_not_asked(terms: Sequence[Term]) -> None:
    with pytest.raises(ToolFailure, match="gives no boxes"):
        locate_finding(Scripted(SAID, localises=False), RADIOGRAPH, terms[0], "DX")


def test_an_unfinished_list_of_boxes_is_none(terms: Sequence[Term]) -> None:
    vision = Scripted(Reply(text=SAID, is_cut_off=True), localises=True)
    with pytest.raises(ToolFailure, match="did not finish"):
        locate_finding(vision, RADIOGRAPH, terms[0], "DX")


def test_the_real_model_is_asked_and_never_comes_to_the_end_of_its_random_words(
    vision: TransformersVision, terms: Sequence[Term]
) -> None:
    view = replace(RADIOGRAPH, pixels=np.zeros((56, 56), dtype=np.uint8))
    with pytest.raises(ToolFailure, match="did not finish"):
        locate_finding(vision, view, terms[0], "DX")
