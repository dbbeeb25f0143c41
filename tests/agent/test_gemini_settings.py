"""From the settings to Gemini as it is built."""

from __future__ import annotations

import pytest

from agent.planner import build_planner
from agent.planner.gemini import GeminiPlanner
from agent.settings import build_settings


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        ("PLANNER_THOUGHTS", "include_thoughts"),
        ("PLANNER_CACHE", "prefix_cache"),
        ("PIXELS_MAY_LEAVE", "images_may_leave"),
        ("GEMINI_VERTEX", "vertexai"),
    ],
)
def test_what_is_off_by_default_is_turned_on_by_its_setting(
    setting: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert getattr(build_planner(build_settings(planner="gemini")), field) is False
    monkeypatch.setenv(f"HOOFBEAT_{setting}", "true")
    assert getattr(build_planner(build_settings(planner="gemini")), field) is True


def test_the_model_and_its_address_come_from_the_settings() -> None:
    settings = build_settings(planner="gemini:gemini-x", gemini_base_url="http://127.0.0.1:1")
    planner = build_planner(settings)
    assert isinstance(planner, GeminiPlanner)
    assert (planner.model, planner.base_url) == ("gemini-x", "http://127.0.0.1:1")
    newest = build_planner(build_settings(planner="gemini"))
    assert isinstance(newest, GeminiPlanner)
    assert newest.model == "gemini-flash-latest"
