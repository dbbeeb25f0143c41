"""build_vision: each backend that the settings name, what it needs, and the cache before it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from agent.eyes import build_vision
from agent.settings import Settings, build_settings
from tests.tiny_gemma import build_tiny_gemma
from tests.tiny_siglip import build_tiny_siglip
from tests.tools.vision.vision_server import ENDPOINT, KEY, MODEL, Asked, VisionServer, says
from tools.errors import UserError
from tools.imaging.windows import View
from tools.vision.base import ClosedQuestion, VisionModel, VisionPrompt
from tools.vision.cache import CachedVision
from tools.vision.medsiglip import MedSigLIPVision
from tools.vision.openai_api import OpenAIVision
from tools.vision.transformers_model import TransformersVision
from tools.vision.vertex import VertexVision

_REMOTE = "https://vision.example.org/v1"
_QUESTION = ClosedQuestion(text="Is there a nodule?", finding="nodule")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = ("yes", " yes", "Yes", " Yes", "no", " no", "No", " No")
    return build_tiny_gemma(tmp_path_factory.mktemp("eyes") / "tiny-gemma", words=words)


@pytest.fixture
def server() -> Iterator[VisionServer]:
    """Says yes with a probability of 3 in 4."""

    def answer(asked: Asked) -> dict[str, Any]:
        return says("yes", top={"yes": float(np.log(0.75)), "no": float(np.log(0.25))})

    with VisionServer(answer) as server:
        yield server


def _settings(tmp_path: Path, **given: Any) -> Settings:
    return build_settings(cache_dir=tmp_path / "cache", **given)


def _built(tmp_path: Path, **given: Any) -> VisionModel:
    vision = build_vision(_settings(tmp_path, **given))
    assert vision is not None
    return vision


def _refused(tmp_path: Path, **given: Any) -> str:
    """The one line that building with these settings ends in."""
    with pytest.raises(UserError) as caught:
        build_vision(_settings(tmp_path, **given))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _prompt() -> VisionPrompt:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    view = View(
        pixels=pixels, window="as displayed", level_hu=None, width_hu=None, series="S1", slices=(1,)
    )
    return VisionPrompt(instruction="Look.", views=(view,), question="", is_volume=False)


def test_measurement_only_has_no_model_and_leaves_no_folder(tmp_path: Path) -> None:
    assert build_vision(_settings(tmp_path)) is None
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("given", "backend", "identity"),
    [
        (
            {"vision": "transformers:lab/model", "vision_dtype": "float32"},
            TransformersVision,
            "transformers lab/model@main (unpinned, float32)",
        ),
        (
            {
                "vision": "transformers:lab/model",
                "vision_revision": "a" * 40,
                "vision_quantization": "4bit",
            },
            TransformersVision,
            f"transformers lab/model@{'a' * 40} (bfloat16, 4bit)",
        ),
        (
            {"vision": "medsiglip:lab/siglip", "vision_revision": "v1"},
            MedSigLIPVision,
            "medsiglip lab/siglip@v1 (unpinned, bfloat16)",
        ),
        (
            {"vision": "openai:med:gemma", "vision_base_url": "http://127.0.0.1:8000/v1"},
            OpenAIVision,
            "openai med:gemma at 127.0.0.1:8000",
        ),
        ({"vision": f"vertex:{ENDPOINT}", "pixels_may_leave": True}, VertexVision,
         f"vertex {ENDPOINT}"),
    ],
)  # fmt: skip
def test_each_backend_is_built_as_named_and_nothing_is_loaded_or_called(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    given: dict[str, Any],
    backend: type,
    identity: str,
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    bare = _built(tmp_path, vision_cache=False, **given)
    assert isinstance(bare, backend)
    assert bare.identity.startswith(identity)
    cached = _built(tmp_path, **given)
    assert isinstance(cached, CachedVision)
    assert cached.identity == bare.identity


def test_a_folder_is_named_without_where_it_lies(tmp_path: Path, checkpoint: Path) -> None:
    identity = _built(tmp_path, vision=f"transformers:{checkpoint}").identity
    assert identity.startswith("transformers tiny-gemma (local folder, weights ")
    assert str(checkpoint.parent) not in identity


def test_a_server_needs_an_address(tmp_path: Path) -> None:
    said = _refused(tmp_path, vision="openai:medgemma")
    assert "set HOOFBEAT_VISION_BASE_URL" in said
    assert "HOOFBEAT_VISION_BASE_URL" in _refused(
        tmp_path, vision="openai:medgemma", vision_base_url="localhost:8000"
    )


@pytest.mark.parametrize(
    ("given", "server"),
    [
        ({"vision": "openai:medgemma", "vision_base_url": _REMOTE}, "vision.example.org"),
        ({"vision": f"vertex:{ENDPOINT}"}, "europe-west4-aiplatform.googleapis.com"),
        (
            {"vision": f"vertex:{ENDPOINT}", "vision_base_url": "77.prediction.vertexai.goog"},
            "77.prediction.vertexai.goog",
        ),
    ],
)
def test_pixels_go_to_no_other_machine_unless_a_setting_says_so(
    tmp_path: Path, given: dict[str, Any], server: str
) -> None:
    said = _refused(tmp_path, **given)
    assert f"the vision server {server} is not on this machine" in said
    assert "HOOFBEAT_PIXELS_MAY_LEAVE=true" in said
    assert _built(tmp_path, **given, pixels_may_leave=True)


def test_pixels_that_may_leave_do_not_travel_unencrypted(tmp_path: Path) -> None:
    said = _refused(
        tmp_path,
        vision="openai:medgemma",
        vision_base_url="http://vision.example.org/v1",
        pixels_may_leave=True,
    )
    assert "unencrypted" in said


def test_a_key_that_can_be_none_is_refused_without_being_shown(tmp_path: Path) -> None:
    said = _refused(
        tmp_path,
        vision="openai:medgemma",
        vision_base_url="http://127.0.0.1:8000/v1",
        vision_api_key=SecretStr("dontLeak This"),
    )
    assert "HOOFBEAT_VISION_API_KEY" in said
    assert "dontLeak" not in said


def test_an_endpoint_of_vertex_is_named_in_full(tmp_path: Path) -> None:
    said = _refused(tmp_path, vision="vertex:my-endpoint", pixels_may_leave=True)
    assert "'my-endpoint'" in said
    assert "vertex:projects/PROJECT/locations/REGION/endpoints/ENDPOINT" in said


@pytest.mark.parametrize("kind", ["transformers", "medsiglip"])
def test_a_folder_that_is_not_there_or_holds_another_model_is_told_at_the_first_use(
    tmp_path: Path, kind: str
) -> None:
    missing = _built(tmp_path, vision=f"{kind}:{tmp_path / 'nowhere'}", vision_cache=False)
    with pytest.raises(UserError, match=r"does not exist; set HOOFBEAT_VISION to"):
        missing.answer(_prompt(), [_QUESTION])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"model_type": "bert"}', "utf-8")
    other = _built(tmp_path, vision=f"{kind}:{tmp_path / 'other'}", vision_cache=False)
    with pytest.raises(UserError, match="HOOFBEAT_VISION"):
        other.answer(_prompt(), [_QUESTION])


def test_a_checkpoint_is_asked_once(tmp_path: Path, checkpoint: Path) -> None:
    vision = _built(tmp_path, vision=f"transformers:{checkpoint}", vision_dtype="float32")
    (fresh,) = vision.answer(_prompt(), [_QUESTION])
    assert fresh.how == "log-probabilities"
    assert not fresh.is_cached
    again = _built(tmp_path, vision=f"transformers:{checkpoint}", vision_dtype="float32")
    (kept,) = again.answer(_prompt(), [_QUESTION])
    assert (kept.p_yes, kept.is_cached) == (fresh.p_yes, True)


def test_medsiglip_in_a_folder_compares_sentences(tmp_path: Path) -> None:
    folder = build_tiny_siglip(tmp_path / "tiny-siglip")
    vision = _built(tmp_path, vision=f"medsiglip:{folder}", vision_dtype="float32")
    (answer,) = vision.answer(_prompt(), [_QUESTION])
    assert answer.p_yes is not None
    assert not vision.capabilities.generates


def test_the_settings_reach_the_server(tmp_path: Path, server: VisionServer) -> None:
    vision = _built(
        tmp_path,
        vision=f"openai:{MODEL}",
        vision_base_url=server.base_url,
        vision_api_key=SecretStr(KEY),
        vision_parallel=3,
        vision_image_format="jpeg",
    )
    assert vision.capabilities.parallel == 3
    (answer,) = vision.answer(_prompt(), [_QUESTION])
    assert answer.p_yes == pytest.approx(0.75)
    assert len(server.asked) == 2  # "yes or no" and "no or yes"
    for asked in server.asked:
        assert asked.body["model"] == MODEL
        (picture,) = (part for part in asked.parts if part["type"] == "image_url")
        assert picture["image_url"]["url"].startswith("data:image/jpeg;base64,")


@pytest.mark.parametrize(
    ("again", "is_cached"),
    [
        ({}, True),
        ({"vision_cache": False}, False),
        ({"vision_image_format": "jpeg"}, False),
        ({"vision_base_url": "/"}, False),  # the same server by another address
    ],
)
def test_a_kept_reply_is_given_to_the_same_request_to_the_same_address_alone(
    tmp_path: Path, server: VisionServer, again: dict[str, Any], is_cached: bool
) -> None:
    given: dict[str, Any] = {
        "vision": f"openai:{MODEL}",
        "vision_base_url": server.base_url,
        "vision_api_key": SecretStr(KEY),
    }
    (first,) = _built(tmp_path, **given).answer(_prompt(), [_QUESTION])
    if "vision_base_url" in again:
        again = {"vision_base_url": server.base_url + again["vision_base_url"]}
    (second,) = _built(tmp_path, **{**given, **again}).answer(_prompt(), [_QUESTION])
    assert (first.is_cached, second.is_cached) == (False, is_cached)
    assert len(server.asked) == (2 if is_cached else 4)  # in both orders of yes and no


def test_a_server_that_is_down_is_told_with_the_setting_to_look_at(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listening: connections are refused
        vision = _built(
            tmp_path,
            vision="openai:medgemma",
            vision_base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1",
            vision_retries=0,
        )
        with pytest.raises(UserError, match=r"cannot be reached.*HOOFBEAT_VISION_BASE_URL"):
            vision.answer(_prompt(), [_QUESTION])
