from __future__ import annotations

import math

import pytest

from tests.tools.vision.asking import look, served
from tests.tools.vision.vision_server import MODEL, Json, Scripted, error, says
from tools.errors import ToolFailure, UserError
from tools.imaging.windows import View

Views = tuple[View, ...]


def test_the_image_limit_of_the_server_is_told_and_remembered(lung_views: Views) -> None:
    refusal = error(400, "At most 2 image(s) may be provided in one prompt.", 400)
    with served(refusal) as (server, vision):
        for _ in range(2):
            with pytest.raises(ToolFailure, match=r"at most 2 images.*3 were given.*limit-mm-per"):
                look(vision, lung_views)
        assert vision.capabilities.images_per_prompt == 2
    assert len(server.asked) == 1


def test_a_server_without_eyes_is_for_the_person(lung_views: Views) -> None:
    with (
        served(error(400, "At most 0 image(s) may be provided in one prompt.")) as (_, vision),
        pytest.raises(UserError, match=r"takes no images.*HOOFBEAT_VISION"),
    ):
        look(vision, lung_views)


@pytest.mark.parametrize(
    "refusal",
    [
        error(
            400,
            "This model's maximum context length is 8192 tokens. However, you requested 9200 "
            "tokens (7200 in the messages, 2000 in the completion). Please reduce the length.",
        ),
        error(
            400,
            "The decoder prompt (length 9200) is longer than the maximum model length of 8192. "
            "Make sure that `max_model_len` is no smaller than the number of text tokens plus "
            "multimodal tokens.",
        ),
        error(400, "Your input exceeds the window of this model.", "context_length_exceeded"),
        error(413, "Request Entity Too Large"),
    ],
    ids=["vllm", "vllm-multimodal", "openai", "too-large"],
)
def test_too_long_a_prompt_asks_for_fewer_slices(lung_views: Views, refusal: Scripted) -> None:
    with (
        served(refusal) as (_, vision),
        pytest.raises(ToolFailure, match=r"3 slices given.*fewer slices"),
    ):
        look(vision, lung_views)


@pytest.mark.parametrize(
    "reply",
    [
        says("I can", finish="content_filter"),
        error(400, "The response was filtered by the policy.", "content_filter"),
    ],
)
def test_a_content_filter_lets_the_planner_go_on(lung_views: Views, reply: Json | Scripted) -> None:
    with served(reply) as (server, vision), pytest.raises(ToolFailure, match="content filter"):
        look(vision, lung_views)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        {"choices": []},
        {"object": "list"},
        says(None),
        {"choices": [{"message": {"content": ["Cysts."]}}]},
        says("yes", top={"yes": math.nan}),
    ],
)
def test_an_answer_without_words_is_no_finding(lung_views: Views, reply: Json) -> None:
    with served(reply) as (_, vision), pytest.raises(ToolFailure, match="go on without it"):
        look(vision, lung_views)


@pytest.mark.parametrize(
    "refusal",
    [
        error(404, "The model `x` does not exist.", 404),
        Scripted(status=400, body={"detail": "Server is pinned to 'm'; requested 'x'."}),
    ],
    ids=["vllm", "transformers-serve"],
)
def test_an_unknown_model_lists_those_that_are_served(lung_views: Views, refusal: Scripted) -> None:
    with (
        served(refusal) as (_, vision),
        pytest.raises(UserError, match=rf"serves '{MODEL}', 'other'.*HOOFBEAT_VISION"),
    ):
        look(vision, lung_views)
