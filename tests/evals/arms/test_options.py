from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from evals.arms.arm import Choice
from evals.arms.options import add_arm_options, choice_from
from evals.arms.table import ARMS
from tools.errors import UserError

ISSUE = (
    "agent", "agent-no-knowledge", "agent-no-vision", "agent-no-loop", "planner-alone",
    "planner-alone-images", "vision-alone", "offline", "bm25", "dense", "prior",
)  # fmt: skip


def chosen(*argv: str) -> Choice:
    parser = argparse.ArgumentParser()
    add_arm_options(parser, ARMS)
    return choice_from(parser.parse_args(["--arm", "prior", *argv]))


def test_the_table_has_every_arm_of_the_protocol() -> None:
    assert tuple(ARMS) == ISSUE


def test_a_flag_beats_the_environment_which_beats_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOOFBEAT_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("HOOFBEAT_PLANNER", "gemini:one")
    monkeypatch.setenv("HOOFBEAT_PIXELS_MAY_LEAVE", "true")
    settings = chosen("--max-vision-calls", "3").settings
    assert (settings.planner, settings.max_vision_calls) == ("gemini:one", 3)
    assert (settings.pixels_may_leave, settings.max_planner_calls) == (True, 12)
    assert chosen("--planner", "gemini:two").settings.planner == "gemini:two"
    assert settings.cache_dir == tmp_path


def test_the_offline_planner_never_stands_in_and_replies_are_not_taken_from_the_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOFBEAT_PLANNER_FALLBACK", "offline")
    monkeypatch.setenv("HOOFBEAT_VISION_CACHE", "true")
    assert chosen().settings.planner_fallback == "none"
    assert not chosen().settings.vision_cache
    assert chosen("--vision-cache").settings.vision_cache


def test_windows_are_left_to_the_arm_unless_they_are_chosen() -> None:
    assert chosen().windows is None
    assert chosen("--windows", "note-rgb").windows == "note-rgb"


def test_a_value_that_is_no_setting_is_one_line() -> None:
    with pytest.raises(UserError, match='planner is "offline"'):
        chosen("--planner", "Gemini Flash")


def test_what_changes_an_answer_changes_the_config_and_no_secret_stands_in_it(
    monkeypatch: pytest.MonkeyPatch, cache_dir: Path
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "key-of-gemini")
    monkeypatch.setenv("HOOFBEAT_VISION_API_KEY", "key-of-the-server")
    monkeypatch.setenv("HOOFBEAT_CACHE_DIR", str(cache_dir))
    eyes = ("--vision", "openai:m", "--vision-base-url", "http://127.0.0.1:9/v1")
    usual = ("--planner", "gemini", "--pixels-may-leave", *eyes)
    arms = ("agent", "agent-no-vision", "planner-alone", "planner-alone-images", "vision-alone")

    def configs(*more: str) -> dict[str, str]:
        choice = chosen(*usual, *more)
        return {name: repr(ARMS[name](choice).config) for name in arms}

    before = configs()
    assert not any("key-of" in config for config in before.values())
    windows = {name for name in arms if configs("--windows", "note-rgb")[name] != before[name]}
    assert windows == {"agent", "planner-alone-images", "vision-alone"}
    planner = {name for name in arms if configs("--planner", "gemini:x")[name] != before[name]}
    assert planner == {*arms} - {"vision-alone"}
    vision = {name for name in arms if configs("--vision", "openai:n")[name] != before[name]}
    assert vision == {"agent", "vision-alone"}
