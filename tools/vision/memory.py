"""How much memory a Gemma 3 checkpoint needs, and what to do where there is too little.

Imports torch only when asked what is free.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from tools.errors import UserError

Quantization = Literal["none", "4bit"]
IMAGES_AT_ONCE = 4  # through the vision tower; more only takes memory

_ELEMENT_BYTES = {"bfloat16": 2, "float32": 4}
_NF4_BYTES = 0.5 + 4 / 64  # four bits, and a float32 scale for every 64 weights
_TOKENS_BESIDE_IMAGE = 12  # line feeds, start and end of the image, "SLICE n"
_TEXT_TOKENS = 2000  # instruction, the closed list of findings, the template
_PRECISIONS: tuple[tuple[str, str, Quantization], ...] = (
    ("float32", "float32", "none"),
    ("bfloat16", "bfloat16", "none"),
    ("4bit", "bfloat16", "4bit"),
)
_SPARE = 0.9  # of what is free: allocators do not fill every gap
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """Memory of one prompt, in bytes.

    Attributes:
        weights: The model itself.
        cache: Keys and values of the prompt and the answer.
        work: The most that is needed beside them, while the prompt is read.
    """

    weights: int
    cache: int
    work: int

    @property
    def total(self) -> int:
        """Weights, cache and work together."""
        return self.weights + self.cache + self.work


def parameter_counts(folder: Path) -> dict[str, int]:
    """How many numbers every tensor of a checkpoint holds, from the headers of its safetensors.

    Args:
        folder: As find_checkpoint gives it.

    Raises:
        UserError: There are no weights, or a header is damaged.
    """
    counts: dict[str, int] = {}
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with file.open("rb") as stream:
                size = int.from_bytes(stream.read(8), "little")
                if size > file.stat().st_size:
                    raise ValueError("the header is longer than the file")
                header = json.loads(stream.read(size))
            header.pop("__metadata__", None)
            counts |= {name: math.prod(tensor["shape"]) for name, tensor in header.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{file.name} of the model folder {folder} is damaged; download it again"
            ) from error
    if not counts:
        raise UserError(
            f"the model folder {folder} holds no .safetensors file; download the checkpoint again"
        )
    return counts


def weight_bytes(counts: Mapping[str, int], dtype: str, quantization: Quantization) -> int:
    """Bytes that the weights take once loaded.

    With "4bit" the matrices of the text model's layers become NF4; embeddings, vision tower,
    projector and norms keep their dtype.

    Args:
        counts: As parameter_counts gives them.
        dtype: "bfloat16" or "float32".
        quantization: "none" or "4bit".
    """
    element = _ELEMENT_BYTES[dtype]
    if quantization == "none":
        return sum(counts.values()) * element
    small = sum(n for name, n in counts.items() if _is_quantized(name))
    return round(small * _NF4_BYTES) + (sum(counts.values()) - small) * element


def prompt_need(
    config: Any, *, slices: int, dtype: str, weights: int = 0, new_tokens: int = 2000
) -> Need:
    """What one prompt needs, computed from the model's shape.

    The cache: 2 x key/value heads x head dimension numbers for every token and layer; layers with
    a sliding window keep the window alone. The work is the larger of two moments. Reading the
    prompt: for every token three rows of the feed-forward network and eight of the hidden state,
    and four bytes for every pair of tokens (two boolean masks and one in the model's dtype).
    Encoding pictures, four at once: for every patch two rows of the tower's feed-forward network
    and eight of its hidden state. Attention is taken to be the memory-efficient kind.

    Args:
        config: Gemma3Config.
        slices: Pictures in the prompt.
        dtype: "bfloat16" or "float32".
        weights: Bytes of the loaded weights; 0 where they are loaded already.
        new_tokens: Of the answer.
    """
    text, vision, element = config.text_config, config.vision_config, _ELEMENT_BYTES[dtype]
    tokens = slices * (config.mm_tokens_per_image + _TOKENS_BESIDE_IMAGE) + _TEXT_TOKENS
    reading = tokens * (3 * text.intermediate_size + 8 * text.hidden_size) * element
    patches = min(slices, IMAGES_AT_ONCE) * (vision.image_size // vision.patch_size) ** 2
    encoding = patches * (2 * vision.intermediate_size + 8 * vision.hidden_size) * element
    features = slices * config.mm_tokens_per_image * text.hidden_size * element
    return Need(
        weights=weights,
        cache=cache_bytes(config, tokens + new_tokens, dtype),
        work=max(reading + 4 * tokens**2, encoding) + features,
    )


def cache_bytes(config: Any, tokens: int, dtype: str) -> int:
    """Bytes of the keys and values of one sequence."""
    text = config.text_config
    window = text.sliding_window or tokens
    kept = sum(
        min(tokens, window) if kind == "sliding_attention" else tokens for kind in text.layer_types
    )
    return int(2 * kept * text.num_key_value_heads * text.head_dim * _ELEMENT_BYTES[dtype])


def free_bytes(*, on_cuda: bool = True) -> int:
    """Memory that a model could take now.

    Args:
        on_cuda: Of the CUDA devices together, where there are any; otherwise of the machine.
    """
    import torch

    if on_cuda and torch.cuda.is_available():
        # What torch holds and does not use is free to it, and taken to everyone else.
        return sum(
            torch.cuda.mem_get_info(n)[0]
            + torch.cuda.memory_reserved(n)
            - torch.cuda.memory_allocated(n)
            for n in range(torch.cuda.device_count())
        )
    import psutil

    return int(psutil.virtual_memory().available)


def precision_table(config: Any, counts: Mapping[str, int], *, slices: int) -> str:
    """What the model and a prompt need in each precision: "bfloat16 9.9 GB, 4bit 5.3 GB ...".

    Args:
        config: Gemma3Config.
        counts: As parameter_counts gives them.
        slices: Pictures in the prompt.
    """
    needs = {
        name: prompt_need(
            config, slices=slices, dtype=dtype, weights=weight_bytes(counts, dtype, quantization)
        ).total
        for name, dtype, quantization in _PRECISIONS
    }
    return ", ".join(f"{name} {gigabytes(need)}" for name, need in needs.items())


def check_fits(need: Need, free: int, *, what: str, can_quantize: bool, table: str = "") -> None:
    """Refuse to load what cannot fit.

    Args:
        need: Of the model and its first prompt.
        free: As free_bytes gives it.
        what: Model, precision and slices, for the message.
        can_quantize: Whether 4bit is left to try.
        table: As precision_table gives it; "" where there is one precision only.

    Raises:
        UserError: With the figures and what to do.
    """
    if need.total <= free * _SPARE:
        return
    others = f" (by precision: {table})" if table else ""
    smaller = "set HOOFBEAT_VISION_QUANTIZATION=4bit, " if can_quantize else ""
    raise UserError(
        f"{what} needs about {gigabytes(need.total)} of memory (weights {gigabytes(need.weights)}, "
        f"keys and values {gigabytes(need.cache)}, work {gigabytes(need.work)}), and "
        f"{gigabytes(free)} is free{others}; {smaller}show fewer slices, use an accelerator with "
        "more memory, or set HOOFBEAT_VISION to a server (openai:MODEL)"
    )


def rows_that_fit(row_bytes: int, free: int, most: int) -> int:
    """How many rows go through the model together: 1 at least, and no more than `most`."""
    return max(1, min(most, int(free * _SPARE) // max(1, row_bytes)))


def in_halves(
    run: Callable[[Sequence[_Item]], list[_Result]], items: Sequence[_Item]
) -> list[_Result]:
    """run(items); where memory runs out, run on each half of the items and so on.

    Raises:
        MemoryError, RuntimeError: As run raised it, when one item alone is too much.
    """
    try:
        return run(items)
    except (MemoryError, RuntimeError) as error:
        if len(items) < 2 or not is_out_of_memory(error):
            raise
    # Outside the handler: the error's traceback would keep the tensors of the failed run alive.
    _give_back()
    middle = len(items) // 2
    return in_halves(run, items[:middle]) + in_halves(run, items[middle:])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the accelerator or the machine ran out of memory."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "allocate memory" in str(error)  # on the CPU, torch says it in a plain RuntimeError
    )


@contextmanager
def memory_errors_explained() -> Iterator[None]:
    """Turn running out of memory, of the accelerator or of the machine, into a UserError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise UserError(
                "the vision model ran out of memory; show fewer slices, set "
                "HOOFBEAT_VISION_QUANTIZATION=4bit, or use an accelerator with more memory"
            ) from error
        raise


def gigabytes(size: int) -> str:
    """Bytes as a person reads them: "8.6 GB", of 10^9 bytes."""
    return f"{size / 1e9:.1f} GB"


def _is_quantized(name: str) -> bool:
    return "language_model" in name and name.endswith("_proj.weight")


def _give_back() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
