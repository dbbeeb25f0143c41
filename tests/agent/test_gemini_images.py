"""Pixels reach Gemini only when the privacy setting says so."""

from __future__ import annotations

import base64

import pytest
from langchain_core.messages import HumanMessage

from agent.planner.gemini_errors import PlannerRefused
from tests.gemini_server import GeminiServer, text
from tests.gemini_ways import TWO_WAYS, ask, planner_for


def test_an_image_is_sent_inline_over_the_wire() -> None:
    image = {"type": "image", "base64": "+/+/", "mime_type": "image/png"}
    with GeminiServer([text("x")]) as server:
        ask(planner_for(server, images_may_leave=True), [HumanMessage([image])], "invoke")
    data = server.requests[0].contents[0]["parts"][0]["inlineData"]["data"]
    assert base64.urlsafe_b64decode(data) == base64.b64decode("+/+/")


@pytest.mark.parametrize("way", TWO_WAYS)
def test_an_image_is_refused_before_anything_is_sent_unless_pixels_may_leave(way: str) -> None:
    image = {"type": "image", "base64": "+/+/", "mime_type": "image/png"}
    expected = pytest.raises(PlannerRefused, match="set pixels_may_leave")
    with GeminiServer([]) as server, expected:
        ask(planner_for(server), [HumanMessage(["look", image])], way)
    assert server.requests == []
