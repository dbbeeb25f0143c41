"""Decoding held to a JSON schema: llguidance's matcher as a logits processor of transformers.

Imports torch: import this module only where a model runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import llguidance
import llguidance.numpy
import numpy as np
import torch
from transformers import LogitsProcessor


class JsonGuide:
    """What of a growing answer is allowed, and whether it is whole; for one answer, one use.

    Whitespace is fixed (", " and ": "), so that an answer cannot grow by blanks: with bounded
    strings and arrays in the schema, every path through it ends.
    """

    def __init__(self, tokenizer: llguidance.LLTokenizer, schema: Mapping[str, Any]) -> None:
        """Compile the schema.

        Args:
            tokenizer: The model's tokenizer as llguidance sees it.
            schema: A JSON schema.

        Raises:
            ValueError: When llguidance cannot express the schema.
        """
        grammar = llguidance.LLMatcher.grammar_from_json_schema(
            json.dumps(schema),
            overrides={
                "whitespace_flexible": False,
                "item_separator": ", ",
                "key_separator": ": ",
            },
        )
        self._matcher = llguidance.LLMatcher(tokenizer, grammar)
        self._raise_on_error()
        self._vocabulary = tokenizer.vocab_size
        self._mask = llguidance.numpy.allocate_token_bitmask(1, self._vocabulary)

    def allowed(self, size: int) -> torch.Tensor:
        """(size,) bool: the tokens that can still become JSON of the schema, or end it."""
        llguidance.numpy.fill_next_token_bitmask(self._matcher, self._mask)
        self._raise_on_error()
        bits = np.unpackbits(self._mask[0].view(np.uint8), bitorder="little")
        # A model's embedding may be padded beyond the tokenizer: what is past it is forbidden.
        allowed = torch.zeros(size, dtype=torch.bool)
        allowed[: self._vocabulary] = torch.from_numpy(bits[: self._vocabulary].astype(np.bool_))
        return allowed

    def consume(self, tokens: Sequence[int]) -> None:
        """Take note of generated tokens; those behind the end of the answer mean nothing."""
        if tokens and not self._matcher.is_stopped():
            self._matcher.consume_tokens(list(tokens))
            self._raise_on_error()

    @property
    def is_complete(self) -> bool:
        """Whether the tokens consumed are one whole JSON value."""
        return bool(self._matcher.is_accepting() or self._matcher.is_stopped())

    def _raise_on_error(self) -> None:
        # The matcher never raises: it stops in an error state instead.
        if self._matcher.is_error():
            raise ValueError(f"llguidance: {self._matcher.get_error()}")


class JsonGuides(LogitsProcessor):  # type: ignore[misc]
    """Holds every row of a batch to the guide of its own; rows without one are left free."""

    def __init__(self, guides: Sequence[JsonGuide | None], prompt_tokens: int) -> None:
        """Guide a batch.

        Args:
            guides: One for each row.
            prompt_tokens: How many tokens, padding included, stand before the answers.
        """
        super().__init__()
        self._guides = guides
        self._consumed = prompt_tokens

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary) with every token that a schema forbids at minus infinity."""
        self.consume(input_ids)
        allowed = torch.ones(scores.shape, dtype=torch.bool)
        for row, guide in enumerate(self._guides):
            if guide is not None:
                allowed[row] = guide.allowed(scores.shape[-1])
        return scores.masked_fill(~allowed.to(scores.device), float("-inf"))

    def consume(self, input_ids: torch.Tensor) -> None:
        """Take note of the tokens (rows, tokens) that the guides have not seen."""
        for guide, row in zip(self._guides, input_ids[:, self._consumed :].tolist(), strict=True):
            if guide is not None:
                guide.consume(row)
        self._consumed = input_ids.shape[1]
