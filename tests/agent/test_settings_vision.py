"""The settings of the eyes: from arguments, from the environment, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from agent.settings import Settings, build_settings, check_environment
from tools.errors import UserError

_SECRET = "hf-key-dontLeakThis"


def test_by_default_nothing_looks_and_no_pixel_leaves(cache_dir: Path) -> None:
    settings = build_settings(cache_dir=cache_dir)
    assert (settings.vision, settings.pixels_may_leave) == ("none", False)
    assert settings.vision_revision is None
    assert settings.vision_api_key is None


@pytest.mark.parametrize(
    "vision",
    [
        "none",
        "transformers:google/medgemma-1.5-4b-it",
        "transformers:/models/medgemma",
        "medsiglip:google/medsiglip-448",
        "openai:medgemma:latest",
        "vertex:projects/p/locations/europe-west4/endpoints/7",
    ],
)
def test_every_backend_can_be_named(vision: str) -> None:
    assert build_settings(vision=vision).vision == vision


@pytest.mark.parametrize(
    "vision",
    ["", "medgemma", "transformers", "transformers:", "openai: ", "none:x", "None", "gemini:flash"],
)
def test_another_name_is_refused_with_those_that_there_are(vision: str) -> None:
    with pytest.raises(UserError) as caught:
        build_settings(vision=vision)
    message = str(caught.value)
    assert message.startswith('setting vision: vision is "none" or one of')
    assert message.endswith(f"got {vision!r}")
    for kind in ("transformers:", "medsiglip:", "openai:", "vertex:projects/"):
        assert kind in message


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("VISION", "openai:medgemma", "openai:medgemma"),
        ("VISION_REVISION", "0123abc", "0123abc"),
        ("VISION_DTYPE", "float32", "float32"),
        ("VISION_QUANTIZATION", "4bit", "4bit"),
        ("VISION_BASE_URL", "http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("VISION_API_KEY", _SECRET, SecretStr(_SECRET)),
        ("VISION_TIMEOUT_S", "2.5", 2.5),
        ("VISION_RETRIES", "0", 0),
        ("VISION_REQUESTS_PER_MINUTE", "30", 30),
        ("VISION_PARALLEL", "64", 64),
        ("VISION_IMAGE_FORMAT", "jpeg", "jpeg"),
        ("PIXELS_MAY_LEAVE", "true", True),
        ("VISION_CACHE", "false", False),
        ("VISION_CACHE_MIB", "1", 1),
        ("MAX_VISION_CALLS", "0", 0),
    ],
)
def test_the_environment_gives_every_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: Any
) -> None:
    assert getattr(build_settings(), name.lower()) != expected
    monkeypatch.setenv(f"HOOFBEAT_{name}", value)
    assert getattr(build_settings(), name.lower()) == expected


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("vision_dtype", "float16", "'bfloat16' or 'float32'"),
        ("vision_quantization", "8bit", "'none' or '4bit'"),
        ("vision_timeout_s", "0", "greater than 0"),
        ("vision_retries", "11", "less than or equal to 10"),
        ("vision_requests_per_minute", "-1", "greater than or equal to 0"),
        ("vision_parallel", "0", "greater than or equal to 1"),
        ("vision_image_format", "webp", "'png' or 'jpeg'"),
        ("pixels_may_leave", "perhaps", "boolean"),
        ("vision_cache_mib", "0", "greater than or equal to 1"),
        ("max_vision_calls", "-1", "greater than or equal to 0"),
    ],
)
def test_a_value_that_does_not_fit_is_one_line_that_names_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"HOOFBEAT_{name.upper()}", value)
    with pytest.raises(UserError) as caught:
        build_settings()
    message = str(caught.value)
    assert message.startswith(f"setting {name}: ")
    assert said in message
    assert "\n" not in message


def test_an_argument_beats_the_environment_and_none_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOFBEAT_VISION", "openai:medgemma")
    assert build_settings(vision="none").vision == "none"
    assert build_settings(vision=None).vision == "openai:medgemma"


def test_a_variable_that_is_no_setting_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UserError, match=r"^HOOFBEAT_VISION_TYPE is no setting") as caught:
        check_environment({"HOOFBEAT_VISION": "none", "HOOFBEAT_VISION_TYPE": "float32"})
    assert "HOOFBEAT_VISION_DTYPE" in str(caught.value)


def test_variables_of_the_tests_and_of_others_are_left_alone() -> None:
    check_environment({"HOOFBEAT_DATA": "data", "HOOF": "1", "VISION": "openai:x"})


def test_no_key_stands_in_settings_that_are_shown_or_in_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOFBEAT_VISION_API_KEY", _SECRET)
    settings = build_settings()
    assert _SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"
    monkeypatch.setenv("HOOFBEAT_VISION_TIMEOUT_S", _SECRET)  # pasted into the wrong line
    with pytest.raises(UserError, match="vision_timeout_s") as caught:
        build_settings()
    assert _SECRET not in str(caught.value)


def test_settings_cannot_be_changed_or_extended() -> None:
    settings = build_settings()
    with pytest.raises(ValidationError):
        settings.pixels_may_leave = True  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Settings(vision_backend="openai")  # type: ignore[call-arg]
