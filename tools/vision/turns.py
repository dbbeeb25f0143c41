"""Prompts as a Gemma 3 processor lays them out: ids and pictures, ready for the model.

Imports torch and transformers only when used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools.vision.base import VisionPrompt
from tools.vision.memory import IMAGES_AT_ONCE
from tools.vision.prompting import picture, user_parts


def chat_inputs(processor: Any, prompts: Sequence[VisionPrompt]) -> Any:
    """Prompts through the processor's chat template, on the CPU.

    Args:
        processor: A Gemma3Processor.
        prompts: One user turn each; the shorter ones are padded on the left.

    Returns:
        The processor's BatchFeature: input_ids, attention_mask and token_type_ids (prompts,
        tokens), and pixel_values (views of all prompts, 3, rows, columns).
    """
    return processor.apply_chat_template(
        [_turn(prompt, with_pictures=True) for prompt in prompts],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs={
            "do_pan_and_scan": False,
            "padding": True,
            "padding_side": "left",
        },
    )


def token_ids(processor: Any, prompts: Sequence[VisionPrompt]) -> list[list[int]]:
    """The ids of prompts as chat_inputs gives them, without padding and without their pictures.

    Pictures take nearly all of the processor's time, and the ids do not depend on them.
    """
    texts = processor.apply_chat_template(
        [_turn(prompt, with_pictures=False) for prompt in prompts],
        add_generation_prompt=True,
        tokenize=False,
    )
    expanded = [text.replace(processor.boi_token, processor.full_image_sequence) for text in texts]
    ids: list[list[int]] = processor.tokenizer(expanded, add_special_tokens=False)["input_ids"]
    return ids


def encode_pictures(model: Any, pixel_values: Any) -> Any:
    """Pictures through the vision tower and the projector, a few at once.

    Args:
        model: Gemma3ForConditionalGeneration.
        pixel_values: (pictures, 3, rows, columns), as the processor gives them.

    Returns:
        (pictures, tokens of a picture, hidden) in the model's dtype, on its device.
    """
    import torch

    groups = pixel_values.split(IMAGES_AT_ONCE)
    return torch.cat(
        [
            model.get_image_features(
                group.to(model.device, dtype=model.dtype), return_dict=True
            ).pooler_output
            for group in groups
        ]
    )


def pictures_for_model(features: Any) -> dict[str, Any]:
    """Encoded pictures as the model's `mm_encoder_outputs` takes them."""
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    return {"image": BaseModelOutputWithPooling(pooler_output=features)}


def _turn(prompt: VisionPrompt, *, with_pictures: bool) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    for part in user_parts(prompt):
        if isinstance(part, str):
            content.append({"type": "text", "text": part})
        elif with_pictures:
            content.append({"type": "image", "image": picture(part)})
        else:
            content.append({"type": "image"})
    return [{"role": "user", "content": content}]
