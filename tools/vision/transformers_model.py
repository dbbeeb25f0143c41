"""MedGemma in this process, through transformers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from tools.errors import ToolFailure, UserError
from tools.vision.base import Capabilities, VisionPrompt
from tools.vision.checkpoint import (
    DTYPES,
    Checkpoint,
    find_checkpoint,
    is_folder,
    load_checkpoint,
    memory_errors_explained,
)
from tools.vision.prompting import picture, user_parts, without_thinking, yes_no_questions

_IMAGES_PER_PROMPT = 85  # slices in MedGemma's own training prompts
_YES = ("yes", "Yes", "YES", " yes", " Yes", " YES")
_NO = ("no", "No", "NO", " no", " No", " NO")


class TransformersVision:
    """A VisionModel over a Gemma 3 checkpoint, in a folder or on the hub.

    Nothing is loaded before the first use. Threads may share one: prompts run one at a time.
    """

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        dtype: str = "bfloat16",
        device_map: str | None = "auto",
        minimum_yes_no_mass: float = 0.5,
    ) -> None:
        """Remember what to load.

        Args:
            model: A folder, or a hub id such as "google/medgemma-1.5-4b-it".
            revision: Branch, tag or commit on the hub; means nothing for a folder.
            dtype: "bfloat16" or "float32".
            device_map: As transformers takes it; "auto" picks the CPU where there is no
                accelerator.
            minimum_yes_no_mass: Probability that yes and no must hold together for the model to
                count as having answered, 0..1.

        Raises:
            UserError: For any other dtype.
        """
        if dtype not in DTYPES:
            raise UserError(
                f"dtype {dtype!r} is not accepted; give {' or '.join(DTYPES)} "
                "(Gemma 3 gives empty answers in float16)"
            )
        self._model = model
        self._revision = revision
        self._dtype = dtype
        self._device_map = device_map
        self._minimum_mass = minimum_yes_no_mass
        self._lock = Lock()
        self._loaded: Checkpoint | None = None
        self._json_tokenizer: Any = None

    @property
    def identity(self) -> str:
        """Backend, model and revision; of a folder its name alone, never where it lies."""
        if is_folder(self._model):
            return f"transformers {Path(self._model).expanduser().name} (local folder)"
        return f"transformers {self._model}@{self._revision or 'main'}"

    @property
    def capabilities(self) -> Capabilities:
        """85 images, guided JSON and probabilities."""
        return Capabilities(
            images_per_prompt=_IMAGES_PER_PROMPT, guided_json=True, log_probabilities=True
        )

    def generate(
        self, prompt: VisionPrompt, *, schema: Mapping[str, Any] | None, max_new_tokens: int
    ) -> str:
        """The model's answer by greedy decoding, without its thinking.

        Args:
            prompt: One user turn.
            schema: A JSON schema with bounded strings and arrays; the answer is then whole JSON
                that fits it.
            max_new_tokens: An answer that is not finished by then is none.

        Raises:
            ToolFailure: When the answer was cut off.
            UserError: When the model cannot be loaded or memory runs out.
            ValueError: When the schema cannot be expressed.
        """
        with self._lock, memory_errors_explained():
            checkpoint = self._checkpoint()
            import torch
            from transformers import GenerationConfig, LogitsProcessorList

            inputs = self._inputs(checkpoint, prompt)
            prompt_tokens = inputs["input_ids"].shape[1]
            guide = None if schema is None else self._guide(checkpoint, schema, prompt_tokens)
            with torch.inference_mode():
                output = checkpoint.model.generate(
                    **inputs,
                    generation_config=GenerationConfig(
                        do_sample=False,
                        max_new_tokens=max_new_tokens,
                        eos_token_id=list(checkpoint.end_tokens),
                        pad_token_id=checkpoint.processor.tokenizer.pad_token_id,
                    ),
                    logits_processor=LogitsProcessorList([guide] if guide else []),
                )
            tokens = output[0, prompt_tokens:].tolist()
            ended = tokens[-1] in checkpoint.end_tokens
            if guide is not None and not ended:
                guide.consume(tokens[-1:])
                ended = guide.is_complete
            reply = checkpoint.processor.tokenizer.decode(tokens, skip_special_tokens=True)
        answer = without_thinking(reply)
        if not ended:
            raise ToolFailure(
                f"the vision model did not finish its answer within {max_new_tokens} tokens; "
                "ask about fewer findings"
            )
        return answer

    def yes_probability(self, prompt: VisionPrompt) -> float | None:
        """p(yes) from the probabilities of the first answer token, 0..1.

        The question is asked with "yes or no" and with "no or yes", and the two are averaged. In
        each, the probabilities of the single tokens that spell yes (any case, with a leading space
        or not) are summed, those of no likewise, and p = yes / (yes + no). Where a tokenizer has
        no single token for either word (the tiny byte-level one of the tests), the first tokens of
        the spellings stand for them, save those that yes and no share.

        Returns:
            None when, in either order, yes and no together hold less than `minimum_yes_no_mass` of
            the probability: the model then said something else.

        Raises:
            UserError: When the model cannot be loaded or memory runs out.
        """
        with self._lock, memory_errors_explained():
            checkpoint = self._checkpoint()
            yes_tokens, no_tokens = yes_no_tokens(checkpoint.processor.tokenizer)
            orders = []
            for question in yes_no_questions(prompt.question):
                probabilities = self._next_token(checkpoint, replace(prompt, question=question))
                yes = float(probabilities[yes_tokens].sum())
                mass = yes + float(probabilities[no_tokens].sum())
                # Zero: both underflowed, and there is no ratio even where any mass would do.
                if mass < self._minimum_mass or mass == 0:
                    return None
                orders.append(yes / mass)
        return sum(orders) / len(orders)

    def _checkpoint(self) -> Checkpoint:
        if self._loaded is None:
            folder = find_checkpoint(self._model, self._revision)
            self._loaded = load_checkpoint(folder, dtype=self._dtype, device_map=self._device_map)
        return self._loaded

    def _inputs(self, checkpoint: Checkpoint, prompt: VisionPrompt) -> Any:
        inputs = chat_inputs(checkpoint.processor, prompt)
        # The dtype is for the pictures; ids stay integers.
        return inputs.to(checkpoint.model.device, dtype=checkpoint.model.dtype)

    def _next_token(self, checkpoint: Checkpoint, prompt: VisionPrompt) -> Any:
        """Probabilities of the first answer token: (vocabulary,) float32 tensor."""
        import torch

        with torch.inference_mode():
            logits = checkpoint.model(**self._inputs(checkpoint, prompt), logits_to_keep=1).logits
        return torch.softmax(logits[0, -1].float(), dim=-1)

    def _guide(self, checkpoint: Checkpoint, schema: Mapping[str, Any], prompt_tokens: int) -> Any:
        from llguidance.hf import from_tokenizer

        from tools.vision.guided import JsonGuide

        if self._json_tokenizer is None:
            self._json_tokenizer = from_tokenizer(
                checkpoint.processor.tokenizer, eos_token=list(checkpoint.end_tokens)
            )
        return JsonGuide(self._json_tokenizer, schema, prompt_tokens)


def chat_inputs(processor: Any, prompt: VisionPrompt) -> Any:
    """The prompt as the processor's chat template lays it out: ids and pictures, on the CPU.

    Args:
        processor: A Gemma3Processor.
        prompt: One user turn.
    """
    content = [
        {"type": "text", "text": part}
        if isinstance(part, str)
        else {"type": "image", "image": picture(part)}
        for part in user_parts(prompt)
    ]
    return processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs={"do_pan_and_scan": False},
    )


def yes_no_tokens(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The token ids that begin, or better are, the words yes and no.

    Args:
        tokenizer: A tokenizer of transformers.

    Raises:
        ValueError: When no token tells yes from no.
    """
    spelled = [
        [tokenizer.encode(word, add_special_tokens=False) for word in words]
        for words in (_YES, _NO)
    ]
    yes, no = ({ids[0] for ids in words if len(ids) == 1} for words in spelled)
    if not (yes and no):
        yes, no = ({ids[0] for ids in words} for words in spelled)
    yes, no = yes - no, no - yes
    if not (yes and no):
        raise ValueError("the tokenizer has no token that tells yes from no")
    return sorted(yes), sorted(no)
