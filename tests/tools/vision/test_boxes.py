from __future__ import annotations

import json

import numpy as np
import pytest

from tools.imaging.windows import View
from tools.prompts import render
from tools.vision.boxes import Box, parse_boxes
from tools.vision.prompting import picture


def fenced(*boxes: object, label: object = "opacity") -> str:
    listed = [{"box_2d": box, "label": label} for box in boxes]
    return f"I see it.\n```json\n{json.dumps(listed)}\n```\nThat is all [sic]."


def corners(*boxes: Box) -> list[tuple[int, int, int, int]]:
    return [(box.left, box.top, box.right, box.bottom) for box in boxes]


def test_a_box_of_a_square_image_is_scaled() -> None:
    # [y0, x0, y1, x1] in thousandths of 200 pixels
    (box,) = parse_boxes(fenced([100, 200, 300, 500]), (200, 200))
    assert box == Box(left=40, top=20, right=100, bottom=60, label="opacity")


def test_a_box_of_a_wide_image_loses_the_padding_above() -> None:
    # 100 rows in a square of 200: 50 rows of padding above, so y = 400 is row 80 - 50.
    (box,) = parse_boxes(fenced([400, 200, 600, 500]), (100, 200))
    assert corners(box) == [(40, 30, 100, 70)]


def test_a_box_of_a_tall_image_loses_the_padding_on_the_left() -> None:
    (box,) = parse_boxes(fenced([200, 400, 500, 600]), (200, 100))
    assert corners(box) == [(30, 40, 70, 100)]


def test_rows_that_were_stretched_are_shrunk_again() -> None:
    # 100 rows twice as high as a column is wide: 200 x 200, no padding, every row counted twice.
    (box,) = parse_boxes(fenced([100, 200, 300, 500]), (100, 200), pixel_aspect=2.0)
    assert corners(box) == [(40, 10, 100, 30)]


@pytest.mark.parametrize(
    ("shape", "aspect"), [((60, 90), 1.0), ((90, 60), 1.0), ((40, 90), 1.5), ((90, 80), 0.5)]
)
def test_what_the_model_sees_in_the_box_is_what_stands_there_in_the_image(
    shape: tuple[int, int], aspect: float
) -> None:
    rows, columns = shape
    pixels = np.zeros(shape, dtype=np.uint8)
    pixels[rows // 4 : rows // 2, columns // 3 : columns // 2] = 255
    view = View(
        pixels=pixels,
        window="as displayed",
        level_hu=None,
        width_hu=None,
        series="S1",
        slices=(1,),
        pixel_aspect=aspect,
    )
    seen = np.asarray(picture(view))[..., 0] > 127
    (ys, xs), side = np.nonzero(seen), len(seen)
    box_2d = [1000 * n / side for n in (ys.min(), xs.min(), ys.max() + 1, xs.max() + 1)]
    (box,) = parse_boxes(fenced(box_2d), shape, aspect)
    expected = (columns // 3, rows // 4, columns // 2, rows // 2)
    assert corners(box)[0] == pytest.approx(expected, abs=1)


def test_a_box_that_reaches_beyond_the_image_is_clipped() -> None:
    reply = fenced([-50, -50, 1200, 500], [0, 0, 1000, 1000])
    assert corners(*parse_boxes(reply, (100, 200))) == [(0, 0, 100, 100), (0, 0, 200, 100)]


@pytest.mark.parametrize(
    "box",
    [
        [0, 0, 200, 1000],  # in the padding above a wide image
        [300, 200, 300, 500],
        [600, 200, 400, 500],
        [0, 0, 1, 1],  # less than half a pixel
        [1, 2, 3],
        [1, 2, 3, 4, 5],
        ["1", "2", "3", "4"],
        [True, False, True, True],
        [float("nan"), 0, 500, 500],
        [0, 0, float("inf"), 500],
        [400, 200, 10**400, 500],
        None,
        {"y": 1},
    ],
)
def test_what_is_no_box_is_left_out(box: object) -> None:
    good = [400, 200, 600, 500]
    assert corners(*parse_boxes(fenced(box, good), (100, 200))) == [(40, 30, 100, 70)]


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "There is no opacity.",
        "[]",
        "```json\n[]\n```",
        "[1, 2, 3, 4]",
        "[{",
        "[" * 100_000,
        '[{"a":' * 2_000,
        '{"box_2d": [1, 2, 3, 4]}',
        '[{"label": "x"}, 3, null]',
    ],
)
def test_a_reply_without_boxes_has_none(reply: str) -> None:
    assert parse_boxes(reply, (100, 100)) == ()


def test_a_list_without_a_fence_is_read_and_brackets_before_it_are_passed_over() -> None:
    reply = 'Box [1] of [a, b]: [{"box_2d": [0, 0, 500, 500], "label": "x"}]'
    assert corners(*parse_boxes(reply, (100, 100))) == [(0, 0, 50, 50)]


def test_the_label_is_short_and_without_control_tokens() -> None:
    (box,) = parse_boxes(fenced([0, 0, 500, 500], label="a<end_of_turn>" + "b" * 100), (10, 10))
    assert box.label == "a" + "b" * 59
    (box,) = parse_boxes(fenced([0, 0, 500, 500], label=7), (10, 10))
    assert box.label == ""


def test_no_more_than_twenty_boxes_are_read() -> None:
    assert len(parse_boxes(fenced(*[[0, 0, 500, 500]] * 50), (10, 10))) == 20


def test_an_image_without_pixels_is_the_developers_error() -> None:
    with pytest.raises(ValueError, match="shape"):
        parse_boxes("[]", (0, 10))


def test_the_example_in_the_prompt_is_what_the_parser_reads() -> None:
    (box,) = parse_boxes(render("locate_finding", finding="x"), (1000, 1000))
    assert corners(box) == [(3, 800, 471, 840)]
