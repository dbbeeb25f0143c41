"""MedGemma in this process, through transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from threading import Lock
from typing import Any

from tools.errors import ToolFailure, UserError
from tools.vision.base import Capabilities, ClosedQuestion, Reply, Request, VisionPrompt, YesNo
from tools.vision.checkpoint import DTYPES, QUANTIZATIONS, Checkpoint, load_checkpoint
from tools.vision.memory import (
    Quantization,
    check_fits,
    free_bytes,
    in_halves,
    memory_errors_explained,
    parameter_counts,
    precision_table,
    prompt_need,
    rows_that_fit,
    weight_bytes,
)
from tools.vision.pinned import PinnedModel
from tools.vision.prefix import token_probabilities
from tools.vision.prompting import without_thinking, yes_no_questions
from tools.vision.turns import chat_inputs, encode_pictures, pictures_for_model
from tools.vision.yes_no import p_yes, yes_no_tokens

_IMAGES_PER_PROMPT = 85  # slices in MedGemma's own training prompts
_REQUESTS_AT_ONCE = 4


class TransformersVision:
    """A VisionModel over a Gemma 3 checkpoint, in a folder or on the hub.

    Nothing is loaded before the first use. Threads may share one: calls run one at a time.
    """

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        dtype: str = "bfloat16",
        quantization: Quantization = "none",
        device_map: str | None = "auto",
        minimum_yes_no_mass: float = 0.5,
    ) -> None:
        """Remember what to load.

        Args:
            model: A folder, or a hub id such as "google/medgemma-1.5-4b-it".
            revision: Branch, tag or commit on the hub; means nothing for a folder.
            dtype: "bfloat16" or "float32".
            quantization: "4bit" loads the text model's matrices as NF4 with bitsandbytes.
            device_map: As transformers takes it; "auto" picks the CPU where there is no
                accelerator.
            minimum_yes_no_mass: Probability that yes and no must hold together for the model to
                count as having answered, 0..1.

        Raises:
            UserError: For any other dtype or quantization.
        """
        if dtype not in DTYPES:
            raise UserError(
                f"dtype {dtype!r} is not accepted; give {' or '.join(DTYPES)} "
                "(Gemma 3 gives empty answers in float16)"
            )
        if quantization not in QUANTIZATIONS:
            raise UserError(
                f"quantization {quantization!r} is not accepted; give {' or '.join(QUANTIZATIONS)}"
            )
        self._model = model
        precision = (dtype, "4bit") if quantization == "4bit" else (dtype,)
        self._pinned = PinnedModel(model, revision, details=precision)
        self._dtype = dtype
        self._quantization = quantization
        self._device_map = device_map
        self._minimum_mass = minimum_yes_no_mass
        self._lock = Lock()
        self._loaded: Checkpoint | None = None
        self._json_tokenizer: Any = None

    @property
    def identity(self) -> str:
        """Backend, model, commit and precision; of a folder its name, never where it lies.

        Of a branch or tag the hub is asked once which commit it means; that one is then loaded.
        """
        return f"transformers {self._pinned.name}"

    @property
    def capabilities(self) -> Capabilities:
        """85 images, guided JSON, probabilities, volumes and boxes; four requests at once."""
        return Capabilities(
            images_per_prompt=_IMAGES_PER_PROMPT,
            guided_json=True,
            log_probabilities=True,
            localises=True,
            batch=_REQUESTS_AT_ONCE,
        )

    def generate(self, requests: Sequence[Request]) -> tuple[Reply, ...]:
        """Answers by greedy decoding, without the model's thinking.

        Requests with the same token limit that stand side by side run together, as many as memory
        holds and four at most; each gets the reply that it would get alone, but for rounding.

        Args:
            requests: The reply to one with a schema is whole JSON that fits it, unless cut off.

        Raises:
            UserError: When the model cannot be loaded or memory runs out.
            ValueError: When a schema cannot be expressed.
        """
        if not requests:
            return ()
        replies: list[Reply] = []
        with self._lock, memory_errors_explained():
            checkpoint = self._checkpoint([request.prompt for request in requests])
            for _, alike in groupby(requests, key=lambda request: request.max_new_tokens):
                group = list(alike)
                at_once = self._requests_that_fit(checkpoint, group)
                for start in range(0, len(group), at_once):
                    replies += in_halves(
                        partial(self._write, checkpoint), group[start : start + at_once]
                    )
        return tuple(replies)

    def answer(
        self, prompt: VisionPrompt, questions: Sequence[ClosedQuestion]
    ) -> tuple[YesNo, ...]:
        """p(yes) from the probabilities of the first answer token, 0..1.

        Each question is asked with "yes or no" and with "no or yes", and the two are averaged. In
        each, the probabilities of the single tokens that spell yes (any case, with a leading space
        or not) are summed, those of no likewise, and p = yes / (yes + no): None where, in either
        order, yes and no together hold less than `minimum_yes_no_mass`. What the questions share,
        the pictures first of all, is read once.

        Raises:
            UserError: When the model cannot be loaded or memory runs out.
        """
        if not questions:
            return ()
        prompts = [
            replace(prompt, question=asked)
            for question in questions
            for asked in yes_no_questions(question.text)
        ]
        with self._lock, memory_errors_explained():
            checkpoint = self._checkpoint(prompts)
            groups = yes_no_tokens(checkpoint.processor.tokenizer)
            masses = token_probabilities(checkpoint, prompts, groups)
        return tuple(
            YesNo(p_yes=p_yes(masses[n : n + 2], self._minimum_mass), how="log-probabilities")
            for n in range(0, len(masses), 2)
        )

    def _checkpoint(self, prompts: Sequence[VisionPrompt]) -> Checkpoint:
        """The model, loaded for the first prompts where they and it fit."""
        if self._loaded is None:
            folder = self._pinned.folder()
            slices = max(len(prompt.views) for prompt in prompts)
            from transformers import AutoConfig

            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            counts = parameter_counts(folder)
            need = prompt_need(
                config,
                slices=slices,
                dtype=self._dtype,
                weights=weight_bytes(counts, self._dtype, self._quantization),
            )
            precision = self._dtype if self._quantization == "none" else self._quantization
            check_fits(
                need,
                self._free(),
                what=f"{self._model} in {precision} with {slices} pictures",
                can_quantize=self._quantization == "none",
                table=precision_table(config, counts, slices=slices),
            )
            self._loaded = load_checkpoint(
                folder,
                dtype=self._dtype,
                device_map=self._device_map,
                quantization=self._quantization,
            )
        return self._loaded

    def _free(self) -> int:
        return free_bytes(on_cuda=self._device_map not in (None, "cpu"))

    def _requests_that_fit(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> int:
        need = prompt_need(
            checkpoint.model.config,
            slices=max(len(request.prompt.views) for request in requests),
            dtype=self._dtype,
            new_tokens=requests[0].max_new_tokens,
        )
        return rows_that_fit(need.total, self._free(), _REQUESTS_AT_ONCE)

    def _write(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> list[Reply]:
        """Replies to requests of one token limit, written together."""
        import torch
        from transformers import GenerationConfig, LogitsProcessorList

        from tools.vision.guided import JsonGuides

        tokenizer = checkpoint.processor.tokenizer
        inputs = chat_inputs(checkpoint.processor, [request.prompt for request in requests])
        prompt_tokens = inputs["input_ids"].shape[1]
        guides = [self._guide(checkpoint, request.schema) for request in requests]
        guard = JsonGuides(guides, prompt_tokens)
        with torch.inference_mode():
            pictures = encode_pictures(checkpoint.model, inputs.pop("pixel_values"))
            output = checkpoint.model.generate(
                **inputs.to(checkpoint.model.device),
                mm_encoder_outputs=pictures_for_model(pictures),
                generation_config=GenerationConfig(
                    do_sample=False,
                    max_new_tokens=requests[0].max_new_tokens,
                    eos_token_id=list(checkpoint.end_tokens),
                    pad_token_id=tokenizer.pad_token_id,
                ),
                logits_processor=LogitsProcessorList([guard]),
            )
        guard.consume(output)
        replies = []
        for row, guide in zip(output[:, prompt_tokens:].tolist(), guides, strict=True):
            ended = any(token in checkpoint.end_tokens for token in row)
            is_whole = ended or (guide is not None and guide.is_complete)
            replies.append(_reply(tokenizer.decode(row, skip_special_tokens=True), is_whole))
        return replies

    def _guide(self, checkpoint: Checkpoint, schema: Mapping[str, Any] | None) -> Any:
        if schema is None:
            return None
        from llguidance.hf import from_tokenizer

        from tools.vision.guided import JsonGuide

        if self._json_tokenizer is None:
            self._json_tokenizer = from_tokenizer(
                checkpoint.processor.tokenizer, eos_token=list(checkpoint.end_tokens)
            )
        return JsonGuide(self._json_tokenizer, schema)


def _reply(text: str, is_whole: bool) -> Reply:
    try:
        return Reply(text=without_thinking(text), is_cut_off=not is_whole)
    except ToolFailure:  # it never came out of thinking
        return Reply(text="", is_cut_off=True)
