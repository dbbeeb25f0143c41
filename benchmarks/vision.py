"""What batching and image reuse save: `python -m benchmarks.vision [--real-shape]`.

Random weights, so times mean something and answers nothing. Median of 5 runs each after one that
does not count, every pair of figures from the same run. Without --real-shape a small Gemma 3 in
float32 on the CPU; with it, on a CUDA device, the shape of MedGemma 4B in bfloat16 (the weights
are made on the device and go through 9 GB of temporary disk). The tokenizer knows bytes only, so
texts are about four times as many tokens as in the published model, which makes image reuse look
worse than it is there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.tiny_gemma import MEDGEMMA_TEXT, MEDGEMMA_VISION, Shape, build_tiny_gemma
from tools.imaging.windows import View
from tools.vision.base import ClosedQuestion, Request, VisionPrompt
from tools.vision.checkpoint import Checkpoint, load_checkpoint
from tools.vision.prompting import yes_no_questions
from tools.vision.transformers_model import TransformersVision
from tools.vision.turns import chat_inputs

_RUNS = 5
_WINDOWS = ("lung", "soft tissue", "bone", "medgemma")
_SLICES = 8
_QUESTIONS = tuple(
    ClosedQuestion(text=f"Is there a lesion of kind {n} in these slices?", finding="lesion")
    for n in range(32)
)
_SCHEMA = {"type": "array", "items": {"enum": [*range(10)]}, "minItems": 16, "maxItems": 16}

_SMALL = Shape(
    text={
        "hidden_size": 256,
        "intermediate_size": 1024,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "sliding_window": 64,
    },
    vision={
        "hidden_size": 192,
        "intermediate_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
    },
    image_size=224,
    image_tokens=64,
)
_REAL = Shape(
    text={**MEDGEMMA_TEXT, "initializer_range": 0.02},
    vision=MEDGEMMA_VISION,
    image_size=896,
    image_tokens=256,
)


def main() -> None:
    """Print seconds, and the ratio of each way to its reference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real-shape", action="store_true", help="the 4B shape, on a CUDA device")
    is_real = parser.parse_args().real_shape
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch

    shape, dtype = (_REAL, "bfloat16") if is_real else (_SMALL, "float32")
    if is_real and not torch.cuda.is_available():
        parser.error("--real-shape needs a CUDA device")
    with tempfile.TemporaryDirectory() as folder:
        model = _build(Path(folder) / "model", shape, on_device=is_real)
        where = torch.cuda.get_device_name() if is_real else f"CPU, {torch.get_num_threads()} cores"
        print(
            f"text {shape.text['num_hidden_layers']} layers of {shape.text['hidden_size']}, "
            f"vision {shape.vision['num_hidden_layers']} of {shape.vision['hidden_size']}, "
            f"{shape.image_tokens} tokens a picture; {dtype}; {where}"
        )
        vision = TransformersVision(os.fspath(model), dtype=dtype, minimum_yes_no_mass=0)
        checkpoint = load_checkpoint(model, dtype=dtype, device_map="auto")
        _extraction(vision)
        _closed_questions(vision, checkpoint, is_volume=True)
        _closed_questions(vision, checkpoint, is_volume=False)


def _build(folder: Path, shape: Shape, *, on_device: bool) -> Path:
    import torch

    if not on_device:
        return build_tiny_gemma(folder, shape=shape)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda"):
            return build_tiny_gemma(folder, shape=shape)
    finally:
        torch.set_default_dtype(default)
        torch.cuda.empty_cache()


def _extraction(vision: TransformersVision) -> None:
    requests = [
        Request(prompt=_prompt(window, is_volume=True), schema=_SCHEMA) for window in _WINDOWS
    ]
    print(f"findings of {len(_WINDOWS)} windows, {_SLICES} slices each, guided JSON")
    singly = _median(lambda: [vision.generate([request]) for request in requests])
    _line("one request a call (reference)", singly, singly)
    _line("one call", _median(lambda: vision.generate(requests)), singly)


def _closed_questions(
    vision: TransformersVision, checkpoint: Checkpoint, *, is_volume: bool
) -> None:
    prompt = _prompt("lung", is_volume=is_volume)
    shown = f"a volume of {_SLICES} slices" if is_volume else "one picture"
    print(f"{len(_QUESTIONS)} closed questions on {shown}, both orders of the options")
    separate = _median(lambda: _full_passes(checkpoint, prompt))
    _line("a full pass for each (reference)", separate, separate)
    singly = _median(lambda: [vision.answer(prompt, [question]) for question in _QUESTIONS])
    _line("one question a call", singly, separate)
    _line("one call", _median(lambda: vision.answer(prompt, _QUESTIONS)), separate)


def _full_passes(checkpoint: Checkpoint, prompt: VisionPrompt) -> None:
    import torch

    model = checkpoint.model
    for question in _QUESTIONS:
        for asked in yes_no_questions(question.text):
            inputs = chat_inputs(checkpoint.processor, [replace(prompt, question=asked)])
            with torch.inference_mode():
                inputs = inputs.to(model.device, dtype=model.dtype)
                model(**inputs, logits_to_keep=1).logits.float().cpu()


def _prompt(window: str, *, is_volume: bool) -> VisionPrompt:
    noise = np.random.default_rng(len(window))
    views = tuple(
        View(
            pixels=noise.integers(0, 256, (256, 256), dtype=np.uint8),
            window=window,
            level_hu=None,
            width_hu=None,
            series="S1",
            slices=(n,),
        )
        for n in range(1, (_SLICES if is_volume else 1) + 1)
    )
    return VisionPrompt(
        instruction="Review every slice.", views=views, question="List.", is_volume=is_volume
    )


def _median(run: Callable[[], object]) -> float:
    times = []
    for _ in range(_RUNS + 1):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def _line(name: str, seconds: float, reference: float) -> None:
    print(f"  {name:34} {seconds:8.3f} s   x{seconds / reference:.2f}", flush=True)


if __name__ == "__main__":
    main()
