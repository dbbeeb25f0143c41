from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_gemma import MEDGEMMA_TEXT, MEDGEMMA_VISION, build_tiny_gemma
from tools.errors import UserError
from tools.imaging.windows import View
from tools.vision import transformers_model
from tools.vision.base import ClosedQuestion, VisionPrompt
from tools.vision.memory import (
    Need,
    cache_bytes,
    check_fits,
    gigabytes,
    in_halves,
    memory_errors_explained,
    parameter_counts,
    precision_table,
    prompt_need,
    rows_that_fit,
    weight_bytes,
)
from tools.vision.transformers_model import TransformersVision

GB = 10**9


def medgemma_config() -> Any:
    """The published shape of the 4B model: config only."""
    from transformers import Gemma3Config

    return Gemma3Config(
        text_config=dict(MEDGEMMA_TEXT),
        vision_config={
            **MEDGEMMA_VISION,
            "image_size": 896,
            "patch_size": 14,
            "vision_use_head": False,
        },
    )


def medgemma_counts() -> dict[str, int]:
    import torch
    from transformers import Gemma3ForConditionalGeneration

    with torch.device("meta"):
        model = Gemma3ForConditionalGeneration(medgemma_config())
    return {name: tensor.numel() for name, tensor in model.named_parameters()}


def test_the_4b_model_takes_what_its_parameters_say() -> None:
    counts = medgemma_counts()
    assert sum(counts.values()) == 4_300_079_472  # as the model page counts them
    assert weight_bytes(counts, "bfloat16", "none") == 8_600_158_944
    assert weight_bytes(counts, "float32", "none") == 17_200_317_888
    # 3_208_642_560 weights of the layers' matrices at 4.5 bits, the others at 16.
    layers = 34 * (2 * 2560 * 2048 + 2 * 2560 * 1024 + 3 * 2560 * 10240)
    expected = layers * 4.5 / 8 + (4_300_079_472 - layers) * 2
    assert weight_bytes(counts, "bfloat16", "4bit") == pytest.approx(expected)
    assert 3.9 * GB < expected < 4.1 * GB


def test_only_the_layers_without_a_window_keep_every_token() -> None:
    # 2 x 4 heads x 256 numbers of 2 bytes is 4096 bytes a token and layer: 5 layers keep all
    # tokens, 29 keep 1024 of them.
    config = medgemma_config()
    assert cache_bytes(config, 1000, "bfloat16") == 34 * 1000 * 4096
    assert cache_bytes(config, 20_000, "bfloat16") == (5 * 20_000 + 29 * 1024) * 4096
    assert cache_bytes(config, 20_000, "float32") == 2 * (5 * 20_000 + 29 * 1024) * 4096


def test_the_need_of_a_prompt_grows_with_its_slices() -> None:
    config = medgemma_config()
    one, full = (prompt_need(config, slices=n, dtype="bfloat16") for n in (1, 85))
    # 85 x 268 + 2000 tokens: 24_780, and 2000 of the answer.
    assert full.cache == (5 * 26_780 + 29 * 1024) * 4096
    assert full.work == (24_780 * (3 * 10240 + 8 * 2560) * 2 + 4 * 24_780**2 + 85 * 256 * 2560 * 2)
    # With one picture the vision tower counts no less than reading the prompt.
    assert (
        one.work
        == max(2268 * (3 * 10240 + 8 * 2560) * 2 + 4 * 2268**2, 4096 * (2 * 4304 + 8 * 1152) * 2)
        + 256 * 2560 * 2
    )
    assert prompt_need(config, slices=1, dtype="bfloat16", weights=7).total == one.total + 7


def test_the_table_in_the_documentation_is_what_is_computed() -> None:
    document = (Path(__file__).parents[3] / "docs" / "medgemma.md").read_text("utf-8")
    config, counts = medgemma_config(), medgemma_counts()
    for precision in ("bfloat16", "float32", "4bit"):
        dtype = "float32" if precision == "float32" else "bfloat16"
        weights = weight_bytes(counts, dtype, "4bit" if precision == "4bit" else "none")
        needs = [
            prompt_need(config, slices=n, dtype=dtype, weights=weights).total for n in (1, 20, 85)
        ]
        cells = " | ".join(gigabytes(size) for size in (weights, *needs))
        assert f"| {precision} | {cells} |" in document


def test_the_headers_of_a_checkpoint_give_its_parameters(tiny_gemma: Path) -> None:
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(tiny_gemma)
    assert sum(parameter_counts(tiny_gemma).values()) == model.num_parameters()


@pytest.mark.parametrize("damage", ["none there", "no header", "header too long", "no shapes"])
def test_weights_whose_header_cannot_be_read_are_named(damage: str, tmp_path: Path) -> None:
    content = {
        "no header": b"\x02",
        "header too long": (1 << 60).to_bytes(8, "little") + b"{}",
        "no shapes": (14).to_bytes(8, "little") + b'{"a": {"b":1}}',
    }
    if damage in content:
        (tmp_path / "model.safetensors").write_bytes(content[damage])
    with pytest.raises(UserError, match="download"):
        parameter_counts(tmp_path)


def test_what_fits_is_let_through_and_what_does_not_is_told_in_figures() -> None:
    need = Need(weights=8_600_000_000, cache=200_000_000, work=1_200_000_000)
    told = "the model needs about 10.0 GB of memory (weights 8.6 GB, keys and values 0.2 GB, work "
    check_fits(need, 12 * GB, what="the model", can_quantize=True)
    with pytest.raises(UserError) as error:
        check_fits(need, 10 * GB, what="the model", can_quantize=True)
    assert str(error.value) == (
        f"{told}1.2 GB), and 10.0 GB is free; set HOOFBEAT_VISION_QUANTIZATION=4bit, show fewer "
        "slices, use an accelerator with more memory, or set HOOFBEAT_VISION to a server "
        "(openai:MODEL)"
    )
    with pytest.raises(UserError, match="free; show fewer slices"):
        check_fits(need, 10 * GB, what="the model", can_quantize=False)


def test_too_little_memory_is_told_before_any_weight_is_loaded(
    tiny_gemma: Path, lung_views: tuple[View, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformers_model, "free_bytes", lambda **_: 1_000_000)
    monkeypatch.setattr(transformers_model, "load_checkpoint", None)  # would fail if called
    vision = TransformersVision(os.fspath(tiny_gemma))
    prompt = VisionPrompt(instruction="Look.", views=lung_views, question="", is_volume=True)
    with pytest.raises(UserError, match="in bfloat16 with 3 pictures needs about") as error:
        vision.answer(prompt, [ClosedQuestion(text="Is it?", finding="it")])
    table = r"\(by precision: float32 \S+ GB, bfloat16 \S+ GB, 4bit \S+ GB\)"
    assert re.search(table, str(error.value))


def test_the_table_of_precisions_is_that_of_the_4b_model() -> None:
    # 4.3 billion numbers, of which 3.2 billion are in the matrices of the text model.
    counts = {"model.language_model.x_proj.weight": 3_200_000_000, "rest": 1_100_000_000}
    # Weights 17.2, 8.6 and 3.2 * 0.5625 + 2.2 = 4.0 GB; with 20 slices as docs/medgemma.md says.
    assert precision_table(medgemma_config(), counts, slices=20) == (
        "float32 19.6 GB, bfloat16 9.9 GB, 4bit 5.3 GB"
    )


def test_a_checkpoint_without_weights_is_told_before_memory(
    tiny_gemma: Path, tmp_path: Path, lung_views: tuple[View, ...]
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_gemma, folder)
    (folder / "model.safetensors").unlink()
    prompt = VisionPrompt(instruction="Look.", views=lung_views, question="", is_volume=True)
    with pytest.raises(UserError, match=r"holds no \.safetensors file"):
        TransformersVision(os.fspath(folder)).answer(
            prompt, [ClosedQuestion(text="Is it?", finding="it")]
        )


@pytest.mark.parametrize(("free", "rows"), [(0, 1), (99, 1), (1000, 4), (2300, 10), (10**9, 64)])
def test_rows_are_bounded_by_memory_and_are_one_at_least(free: int, rows: int) -> None:
    # nine tenths of what is free, in rows of 200
    assert rows_that_fit(200, free, 64) == rows


def test_the_order_of_the_items_survives_halving() -> None:
    tried: list[int] = []

    def run(items: Sequence[int]) -> list[int]:
        tried.append(len(items))
        if len(items) > 2:
            raise MemoryError
        return [10 * item for item in items]

    assert in_halves(run, [1, 2, 3, 4, 5]) == [10, 20, 30, 40, 50]
    assert tried == [5, 2, 3, 1, 2]


def test_one_item_too_many_for_memory_stays_an_error_and_so_does_another_error() -> None:
    def run(items: Sequence[int]) -> list[int]:
        raise error

    error: Exception = MemoryError()
    with pytest.raises(MemoryError):
        in_halves(run, [1, 2])
    error = RuntimeError("shapes")
    with pytest.raises(RuntimeError, match="shapes"):
        in_halves(run, [1, 2])


def test_running_out_of_memory_says_what_to_do() -> None:
    import torch

    told = pytest.raises(UserError, match="ran out of memory; show fewer slices")
    with told, memory_errors_explained():
        torch.empty(1 << 58, dtype=torch.uint8)


def test_another_runtime_error_stays_what_it_is() -> None:
    import torch

    with pytest.raises(RuntimeError, match="shapes"), memory_errors_explained():
        torch.ones(2, 3) @ torch.ones(2, 3)


def test_the_cache_of_a_real_pass_is_as_large_as_computed(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForImageTextToText

    folder = build_tiny_gemma(tmp_path / "model", text={"sliding_window": 32})
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    cache = model(input_ids=torch.full((1, 100), 5), use_cache=True).past_key_values
    # A sliding layer keeps one token less than its window: the next one completes it.
    real = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert cache_bytes(model.config, 100, "float32") == real + 2 * 16 * 4
