from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.tools.vision.hub_server import COMMIT
from tools.errors import UserError
from tools.imaging.windows import View
from tools.vision.base import ClosedQuestion, VisionPrompt
from tools.vision.checkpoint import load_checkpoint
from tools.vision.hub import find_checkpoint
from tools.vision.transformers_model import TransformersVision


def one_line(error: pytest.ExceptionInfo[UserError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_missing_folder_names_the_setting_and_what_it_accepts(tmp_path: Path) -> None:
    missing = os.fspath(tmp_path / "nowhere")
    with pytest.raises(UserError) as error:
        find_checkpoint(missing, None)
    assert one_line(error).startswith(f"the model folder {missing!r} does not exist; set HOOFBEAT")


def test_the_error_of_a_missing_folder_comes_at_the_first_use(
    tmp_path: Path, lung_views: tuple[View, ...]
) -> None:
    vision = TransformersVision(os.fspath(tmp_path / "nowhere"))
    prompt = VisionPrompt(instruction="Look.", views=lung_views, question="Is it?", is_volume=True)
    with pytest.raises(UserError, match="does not exist"):
        vision.answer(prompt, [ClosedQuestion(text="Is it?", finding="it")])


@pytest.mark.parametrize("config", [None, "not json", "[]"])
def test_a_folder_without_a_model_is_not_a_checkpoint(config: str | None, tmp_path: Path) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(UserError, match=r"checkpoint.*HOOFBEAT_VISION"):
        find_checkpoint(os.fspath(tmp_path), None)


def test_another_kind_of_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llava"}))
    with pytest.raises(UserError, match="checkpoint of type 'llava'; only gemma3 is"):
        find_checkpoint(os.fspath(tmp_path), None)


@pytest.mark.parametrize("damage", ["no weights", "torn weights", "no processor", "no template"])
def test_an_incomplete_checkpoint_is_named(damage: str, tiny_gemma: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_gemma, folder)
    weights = folder / "model.safetensors"
    if damage == "no weights":
        weights.unlink()
    elif damage == "torn weights":
        weights.write_bytes(weights.read_bytes()[:100_000])
    elif damage == "no processor":
        (folder / "processor_config.json").unlink()
        (folder / "tokenizer.json").unlink()
    else:
        (folder / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match=f"the model folder {folder}") as error:
        load_checkpoint(folder, dtype="float32", device_map=None)
    one_line(error)


def test_missing_weights_are_never_replaced_by_random_ones(
    tiny_gemma: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(tiny_gemma, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors.pop(next(name for name in tensors if "multi_modal_projector" in name))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="lacks 1 of its weights"):
        load_checkpoint(folder, dtype="float32", device_map=None)


def test_float16_is_refused_because_its_answers_are_empty() -> None:
    with pytest.raises(UserError, match="'float16' is not accepted; give bfloat16 or float32"):
        TransformersVision("google/medgemma-1.5-4b-it", dtype="float16")


@pytest.mark.parametrize(
    ("model", "revision", "words"),
    [
        ("lab/gated", None, ["is gated", "https://huggingface.co/lab/gated", "HF_TOKEN", "folder"]),
        ("lab/missing", None, ["no model 'lab/missing'", "check HOOFBEAT_VISION"]),
        ("lab/fine", "nope", ["no revision 'nope'", "set HOOFBEAT_VISION_REVISION"]),
        ("lab/cut", None, ["could not be fetched", "set HOOFBEAT_VISION to a folder"]),
        ("not/a/hub/id", None, ["neither a folder nor a hub id", "set HOOFBEAT_VISION"]),
    ],
)
@pytest.mark.usefixtures("hub")
def test_what_the_hub_refuses_becomes_one_line(
    model: str, revision: str | None, words: list[str]
) -> None:
    with pytest.raises(UserError) as error:
        find_checkpoint(model, revision)
    line = one_line(error)
    assert [word for word in words if word not in line] == []


@pytest.mark.usefixtures("hub")
def test_a_model_of_the_hub_is_fetched_and_loads() -> None:
    folder = find_checkpoint("lab/fine", None)
    assert folder.name == COMMIT
    assert load_checkpoint(folder, dtype="float32", device_map="auto").end_tokens[0] == 1


def test_a_machine_without_network_is_told_to_use_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", os.fspath(tmp_path))
    with pytest.raises(UserError, match="could not be fetched") as error:
        find_checkpoint("google/medgemma-1.5-4b-it", None)
    one_line(error)


def test_a_missing_package_names_the_extra_that_brings_it(
    tiny_gemma: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tools.vision.checkpoint.find_spec", lambda name: None if name == "llguidance" else object()
    )
    with pytest.raises(UserError, match=r"needs llguidance: pip install 'hoofbeat\[medgemma\]'"):
        load_checkpoint(tiny_gemma, dtype="float32", device_map=None)
