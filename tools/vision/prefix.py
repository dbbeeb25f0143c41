"""What the model would say next, for many questions on the same views.

The part of the prompts that is the same for all is read once; its keys and values are then shared
by all questions. Imports torch only when used.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from tools.vision.base import VisionPrompt
from tools.vision.checkpoint import Checkpoint
from tools.vision.memory import free_bytes, in_halves, prompt_need, rows_that_fit
from tools.vision.turns import chat_inputs, encode_pictures, pictures_for_model, token_ids

_MOST_ROWS = 64


def token_probabilities(
    checkpoint: Checkpoint, prompts: Sequence[VisionPrompt], groups: Sequence[Sequence[int]]
) -> list[tuple[float, ...]]:
    """Probability that the answer's first token is one of a group, for each prompt and group.

    Every picture goes through the vision tower once. Where all pictures stand before the first
    token that differs (a volume, whose question comes last), the prompts' common beginning is read
    once too and its keys and values are copied for each prompt. Where they stand behind it (a
    single image, before which MedGemma reads its question), each prompt is read in full.

    Args:
        checkpoint: A loaded model.
        prompts: On the same views, in the same order.
        groups: Token ids.

    Returns:
        For each prompt, in order, one sum for each group; what full passes one by one give, but
        for rounding.

    Raises:
        MemoryError, RuntimeError: When memory runs out with a single prompt.
    """
    import torch

    model = checkpoint.model
    with torch.inference_mode():
        inputs = chat_inputs(checkpoint.processor, prompts[:1])
        rows = token_ids(checkpoint.processor, prompts)
        if rows[0] != inputs["input_ids"][0].tolist():
            # A processor that expands pictures in a way of its own: let it lay out every prompt.
            rows = [
                chat_inputs(checkpoint.processor, [p])["input_ids"][0].tolist() for p in prompts
            ]
        features = encode_pictures(model, inputs["pixel_values"])
        shared = _shared_tokens(rows, model.config.image_token_id)
        if shared:
            reader: _Reader = _AfterPrefix(model, rows[0][:shared], features)
        else:
            reader = _InFull(model, features)
        suffixes = [row[shared:] for row in rows]
        longest = max(len(suffix) for suffix in suffixes)
        at_once = rows_that_fit(
            reader.row_bytes(longest), free_bytes(on_cuda=model.device.type == "cuda"), _MOST_ROWS
        )

        def read(chunk: Sequence[list[int]]) -> list[tuple[float, ...]]:
            probabilities = torch.softmax(reader.next_logits(chunk).float(), dim=-1)
            sums = [probabilities[:, list(group)].sum(dim=-1).tolist() for group in groups]
            return list(zip(*sums, strict=True))

        found: list[tuple[float, ...]] = []
        for start in range(0, len(suffixes), at_once):
            found += in_halves(read, suffixes[start : start + at_once])
    return found


class _Reader(ABC):
    """Reads the ends of prompts and gives the logits of what comes next."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._dtype = str(model.dtype).removeprefix("torch.")

    @abstractmethod
    def row_bytes(self, tokens: int) -> int:
        """Memory that a row of so many tokens takes beside what all rows share."""

    @abstractmethod
    def next_logits(self, ends: Sequence[list[int]]) -> Any:
        """(rows, vocabulary) logits of the token that follows each end."""

    def _padded(self, ends: Sequence[list[int]]) -> tuple[Any, Any, Any]:
        """Ids and mask, padded on the right: (rows, tokens) each; the place of the last real one.

        On the right, so that no position moves; what stands behind a token is never read by it.
        """
        import torch

        width = max(len(end) for end in ends)
        ids = torch.tensor([end + [0] * (width - len(end)) for end in ends])
        lengths = torch.tensor([len(end) for end in ends])
        mask = (torch.arange(width) < lengths[:, None]).long()
        device = self._model.device
        return ids.to(device), mask.to(device), (lengths - 1)[:, None].to(device)


class _InFull(_Reader):
    """Whole prompts, with pictures that are encoded already."""

    def __init__(self, model: Any, features: Any) -> None:
        super().__init__(model)
        self._features = features

    def row_bytes(self, tokens: int) -> int:
        return prompt_need(
            self._model.config, slices=len(self._features), dtype=self._dtype, new_tokens=0
        ).total

    def next_logits(self, ends: Sequence[list[int]]) -> Any:
        ids, mask, last = self._padded(ends)
        features = self._features.repeat(len(ends), 1, 1)
        return self._model(
            input_ids=ids,
            attention_mask=mask,
            token_type_ids=(ids == self._model.config.image_token_id).long(),
            mm_encoder_outputs=pictures_for_model(features),
            use_cache=False,
            logits_to_keep=last,
        ).logits[:, 0]


class _AfterPrefix(_Reader):
    """Ends of prompts behind a beginning that is read once."""

    def __init__(self, model: Any, prefix: list[int], features: Any) -> None:
        super().__init__(model)
        import torch

        ids = torch.tensor([prefix], device=model.device)
        self._length = len(prefix)
        self._cache = model(
            input_ids=ids,
            # Image tokens see each other in both directions, and only while they are read.
            token_type_ids=(ids == model.config.image_token_id).long(),
            mm_encoder_outputs=pictures_for_model(features),
            use_cache=True,
            logits_to_keep=1,
        ).past_key_values

    def row_bytes(self, tokens: int) -> int:
        text = self._model.config.text_config
        # Beside the blocks, a row's logits and their softmax, in the model's dtype and in float32.
        work = tokens * (3 * text.intermediate_size + 8 * text.hidden_size) * 4
        work += 12 * text.vocab_size
        copied = sum(layer.keys.nbytes + layer.values.nbytes for layer in self._cache.layers)
        return int(work + copied)

    def next_logits(self, ends: Sequence[list[int]]) -> Any:
        import torch

        ids, mask, last = self._padded(ends)
        read = torch.ones(len(ends), self._length, dtype=mask.dtype, device=mask.device)
        positions = torch.arange(ids.shape[1], device=ids.device) + self._length
        return self._model(
            input_ids=ids,
            attention_mask=torch.cat([read, mask], dim=1),
            position_ids=positions.expand(len(ends), -1),
            past_key_values=_for_rows(self._cache, len(ends)),
            use_cache=True,
            logits_to_keep=last,
        ).logits[:, 0]


def _for_rows(cache: Any, rows: int) -> Any:
    """A cache of its own for every row, over the same memory until a layer is added to."""
    copied = copy.copy(cache)
    copied.layers = []
    for layer in cache.layers:
        own = copy.copy(layer)
        own.keys = layer.keys.expand(rows, -1, -1, -1)
        own.values = layer.values.expand(rows, -1, -1, -1)
        copied.layers.append(own)
    return copied


def _shared_tokens(rows: Sequence[list[int]], image_token: int) -> int:
    """How many leading tokens all rows share; 0 where a picture stands behind them."""
    shortest = min(map(len, rows)) - 1  # every row keeps a token to read
    shared = 0
    while shared < shortest and len({row[shared] for row in rows}) == 1:
        shared += 1
    return 0 if image_token in rows[0][shared:] else shared
