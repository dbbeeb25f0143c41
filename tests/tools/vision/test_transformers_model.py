from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.tiny_gemma import build_tiny_gemma
from tests.tools.vision.parrot import teach
from tools.errors import UserError
from tools.imaging.windows import View
from tools.vision.base import Reply, Request, VisionPrompt
from tools.vision.checkpoint import Checkpoint
from tools.vision.transformers_model import TransformersVision

SCHEMA = {
    "type": "object",
    "properties": {
        "side": {"enum": ["left", "right", "none"]},
        "present": {"type": "boolean"},
        "slices": {"type": "array", "items": {"enum": [1, 2, 3]}, "maxItems": 3},
        "note": {"type": "string", "maxLength": 12},
    },
    "required": ["side", "present", "slices", "note"],
    "additionalProperties": False,
}
OK = {
    "type": "object",
    "properties": {"ok": {"const": True}},
    "required": ["ok"],
    "additionalProperties": False,
}


def ask(views: tuple[View, ...], question: str = "Is there a cyst?") -> VisionPrompt:
    return VisionPrompt(instruction="Look.", views=views, question=question, is_volume=True)


def write(vision: TransformersVision, request: Request) -> Reply:
    (reply,) = vision.generate([request])
    return reply


@pytest.mark.parametrize("seed", range(5))
def test_guided_answers_are_whole_json_of_the_schema(
    seed: int, tmp_path: Path, lung_views: tuple[View, ...]
) -> None:
    folder = build_tiny_gemma(tmp_path / "model", seed=seed)
    vision = TransformersVision(os.fspath(folder), dtype="float32")
    reply = json.loads(write(vision, Request(prompt=ask(lung_views), schema=SCHEMA)).text)
    assert list(reply) == ["side", "present", "slices", "note"]
    assert reply["side"] in {"left", "right", "none"}
    assert isinstance(reply["present"], bool)
    assert set(reply["slices"]) <= {1, 2, 3}
    assert len(reply["slices"]) <= 3
    assert len(reply["note"]) <= 12


def test_json_cut_off_by_the_token_limit_says_so(
    vision: TransformersVision, lung_views: tuple[View, ...]
) -> None:
    reply = write(vision, Request(prompt=ask(lung_views), schema=SCHEMA, max_new_tokens=8))
    assert reply == Reply(text='{"side":', is_cut_off=True)


def test_json_that_is_whole_at_the_token_limit_is_an_answer(
    vision: TransformersVision, lung_views: tuple[View, ...]
) -> None:
    # {"ok": true} is 12 bytes, so 12 tokens: there is no room left for an end token.
    whole = Request(prompt=ask(lung_views), schema=OK, max_new_tokens=12)
    assert write(vision, whole) == Reply(text='{"ok": true}')
    assert write(vision, replace(whole, max_new_tokens=11)).is_cut_off


def test_words_cut_off_by_the_token_limit_say_so(
    tiny_gemma: Path, tmp_path: Path, lung_views: tuple[View, ...]
) -> None:
    folder = teach(tiny_gemma, tmp_path / "model", "a cyst<end_of_turn>")
    vision = TransformersVision(os.fspath(folder), dtype="float32")
    reply = write(vision, Request(prompt=ask(lung_views), max_new_tokens=4))
    assert reply == Reply(text="a cy", is_cut_off=True)


def test_a_schema_that_cannot_be_expressed_is_the_developers_error(
    vision: TransformersVision, lung_views: tuple[View, ...]
) -> None:
    with pytest.raises(ValueError, match="llguidance"):
        vision.generate([Request(prompt=ask(lung_views), schema={"type": "vapour"})])


@pytest.mark.parametrize(
    ("says", "answer"),
    [
        ("a cyst<end_of_turn>", "a cyst"),
        ("<unused94>hm<unused95>no<eos>", "no"),
        ("hm<unused95>no<end_of_turn>", "no"),
    ],
)
def test_the_answer_is_what_follows_the_thinking(
    says: str, answer: str, tiny_gemma: Path, tmp_path: Path, lung_views: tuple[View, ...]
) -> None:
    folder = teach(tiny_gemma, tmp_path / "model", says)
    vision = TransformersVision(os.fspath(folder), dtype="float32")
    request = Request(prompt=ask(lung_views), max_new_tokens=20)
    assert write(vision, request) == Reply(text=answer)


@pytest.mark.parametrize("says", ["<unused94>hmh", "<unused94>hm<end_of_turn>"])
def test_a_reply_lost_in_thinking_is_cut_off_and_empty(
    says: str, tiny_gemma: Path, tmp_path: Path, lung_views: tuple[View, ...]
) -> None:
    folder = teach(tiny_gemma, tmp_path / "model", says)
    vision = TransformersVision(os.fspath(folder), dtype="float32")
    request = Request(prompt=ask(lung_views), max_new_tokens=20)
    assert write(vision, request) == Reply(text="", is_cut_off=True)


def test_the_default_precision_answers_too(tiny_gemma: Path, lung_views: tuple[View, ...]) -> None:
    vision = TransformersVision(os.fspath(tiny_gemma))
    reply = write(vision, Request(prompt=ask(lung_views), schema=SCHEMA))
    assert list(json.loads(reply.text)) == ["side", "present", "slices", "note"]


def test_requests_together_get_the_replies_they_get_alone(
    vision: TransformersVision, lung_views: tuple[View, ...]
) -> None:
    digits = {"type": "array", "items": {"enum": [*range(10)]}, "minItems": 20, "maxItems": 20}
    word = {"type": "string", "minLength": 24, "maxLength": 24}
    picture = VisionPrompt(
        instruction="Look closely.", views=lung_views[:1], question="What is it?", is_volume=False
    )
    other = ask(lung_views[:2], "Is there an effusion, however small?")
    requests = [
        Request(prompt=ask(lung_views), schema=digits),
        Request(prompt=picture, schema=OK),
        Request(prompt=other, schema=word),
        Request(prompt=other, schema=digits),
        Request(prompt=ask(lung_views), schema=word),
        Request(prompt=picture, max_new_tokens=30),
        Request(prompt=ask(lung_views), max_new_tokens=30),
        Request(prompt=ask(lung_views), max_new_tokens=5, schema=SCHEMA),
    ]
    together = vision.generate(requests)
    assert list(together) == [write(vision, request) for request in requests]
    # What a reply says depends on its prompt: mixed up rows would show.
    assert together[0] != together[3]
    assert together[2] != together[4]


def test_no_requests_and_no_questions_load_no_model() -> None:
    nowhere = TransformersVision("/nowhere")
    assert nowhere.generate([]) == ()
    prompt = VisionPrompt(instruction="", views=(), question="", is_volume=False)
    assert nowhere.answer(prompt, []) == ()


def test_a_batch_that_is_too_large_for_memory_runs_in_halves(
    tiny_gemma: Path, lung_views: tuple[View, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    vision = TransformersVision(os.fspath(tiny_gemma), dtype="float32")
    requests = [Request(prompt=ask(lung_views[: n % 3 + 1]), schema=SCHEMA) for n in range(4)]
    expected = vision.generate(requests)
    whole, sizes = vision._write, []

    def short_of_memory(checkpoint: Checkpoint, part: Sequence[Request]) -> list[Reply]:
        sizes.append(len(part))
        if len(part) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return whole(checkpoint, part)

    monkeypatch.setattr(vision, "_write", short_of_memory)
    assert vision.generate(requests) == expected
    assert sizes == [4, 2, 1, 1, 2, 1, 1]


def test_four_bits_are_loaded_for_the_text_layers_and_the_eyes_stay_whole(
    tmp_path: Path, lung_views: tuple[View, ...]
) -> None:
    from bitsandbytes.nn.modules import Linear4bit

    # On the CPU, bitsandbytes wants rows of a multiple of 64 weights.
    wide = {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    folder = build_tiny_gemma(tmp_path / "model", text=wide)
    vision = TransformersVision(os.fspath(folder), quantization="4bit")
    reply = write(vision, Request(prompt=ask(lung_views), schema=SCHEMA))
    assert list(json.loads(reply.text)) == ["side", "present", "slices", "note"]
    assert vision._loaded is not None
    model = vision._loaded.model
    small = {name for name, part in model.named_modules() if isinstance(part, Linear4bit)}
    assert len(small) == 2 * 7  # two layers of q, k, v, o, gate, up and down
    assert all("language_model" in name for name in small)
    assert "bfloat16, 4bit" in vision.identity


def test_any_other_quantization_is_refused() -> None:
    with pytest.raises(UserError, match="'8bit' is not accepted; give none or 4bit"):
        TransformersVision("a/b", quantization=cast("Any", "8bit"))


def test_identity_names_backend_model_revision_and_precision_but_no_path(
    tiny_gemma: Path, tiny_gemma_with_words: Path
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    pinned = TransformersVision("google/medgemma-1.5-4b-it", revision=commit)
    assert pinned.identity == f"transformers google/medgemma-1.5-4b-it@{commit} (bfloat16)"
    unpinned = TransformersVision("a/b", revision="v2", dtype="float32").identity
    assert unpinned == "transformers a/b@v2 (unpinned, float32)"
    local = TransformersVision(os.fspath(tiny_gemma)).identity
    assert re.fullmatch(
        r"transformers tiny-gemma \(local folder, weights [0-9a-f]{12}, bfloat16\)", local
    )


def test_a_folder_with_other_weights_has_another_identity(tiny_gemma: Path, tmp_path: Path) -> None:
    same = shutil.copytree(tiny_gemma, tmp_path / "one" / "tiny-gemma")
    other = build_tiny_gemma(tmp_path / "two" / "tiny-gemma", seed=1)
    names = [TransformersVision(os.fspath(f)).identity for f in (tiny_gemma, same, other)]
    assert names[0] == names[1] != names[2]
