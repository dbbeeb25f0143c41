"""A tiny, real Gemma 3 on disk: random weights, the real processor, the real chat format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

IMAGE_TOKENS = 4
IMAGE_SIZE = 56

# The same layout as Gemma 3's published template: text parts are trimmed, turns must alternate.
CHAT_TEMPLATE = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\n\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/...") }}
    {%- endif -%}
    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- else -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{ '<start_of_turn>model\n' }}
{%- endif -%}
"""


# The published shape of the 4B model.
MEDGEMMA_TEXT: Mapping[str, object] = {
    "hidden_size": 2560,
    "intermediate_size": 10240,
    "num_hidden_layers": 34,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "sliding_window": 1024,
    "vocab_size": 262208,
}
MEDGEMMA_VISION: Mapping[str, object] = {
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How large a Gemma 3 is.

    Attributes:
        text, vision: Of the configurations of the text model and the vision tower.
        image_size: Rows and columns that a picture is resized to.
        image_tokens: Tokens that it becomes; a square number.
    """

    text: Mapping[str, object]
    vision: Mapping[str, object]
    image_size: int
    image_tokens: int


TINY = Shape(
    text={
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "query_pre_attn_scalar": 16,
        "layer_types": ["sliding_attention", "full_attention"],  # both kinds, as published
    },
    vision={
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    },
    image_size=IMAGE_SIZE,
    image_tokens=IMAGE_TOKENS,
)


def build_tiny_gemma(
    folder: Path,
    *,
    words: Sequence[str] = (),
    seed: int = 0,
    text: Mapping[str, object] | None = None,
    shape: Shape = TINY,
) -> Path:
    """Save a random Gemma3ForConditionalGeneration and its Gemma3Processor to a folder.

    The tokenizer is byte-level BPE without merges: every byte is a token, and so "yes" is three.

    Args:
        folder: Where the checkpoint goes; made when missing.
        words: ASCII words, with a leading space or not, that become single tokens, as they are in
            the published tokenizer.
        seed: Of the weights.
        text: What the text model's configuration says otherwise than the shape.
        shape: How large it is.

    Returns:
        The folder.
    """
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    tokenizer = _tokenizer(words)
    ids = tokenizer.convert_tokens_to_ids
    size = {"height": shape.image_size, "width": shape.image_size}
    processor = Gemma3Processor(
        image_processor=Gemma3ImageProcessorPil(
            size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3
        ),
        tokenizer=tokenizer,
        chat_template=CHAT_TEMPLATE,
        image_seq_length=shape.image_tokens,
    )
    config = Gemma3Config(
        text_config={
            "vocab_size": len(tokenizer) + 7,  # padded past the tokenizer, as published
            "max_position_embeddings": 32768,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            # Wider than usual, so that the next token depends on the prompt and not on the last
            # token alone.
            "initializer_range": 0.2,
            **shape.text,
            **(text or {}),
        },
        vision_config={
            "model_type": "siglip_vision_model",
            "image_size": shape.image_size,
            "patch_size": 14,
            "vision_use_head": False,
            **shape.vision,
        },
        mm_tokens_per_image=shape.image_tokens,
        image_token_index=ids("<image_soft_token>"),
        boi_token_index=ids("<start_of_image>"),
        eoi_token_index=ids("<end_of_image>"),
        initializer_range=0.2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Gemma3ForConditionalGeneration(config)
        # Left at zero by the initialiser: without it no picture would reach the text model.
        projection = model.model.multi_modal_projector.mm_input_projection_weight
        torch.nn.init.normal_(projection, std=0.2)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, ids("<end_of_turn>")]
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _tokenizer(words: Sequence[str]):  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = ["<pad>", "<eos>", "<bos>", "<unk>"]
    pieces += sorted(pre_tokenizers.ByteLevel.alphabet())
    merges: list[tuple[str, str]] = []
    for word in sorted(words):  # the spaced ones first, or their space would stay apart
        spelled = word.replace(" ", "Ġ")  # how byte-level BPE writes a space
        for end in range(2, len(spelled) + 1):
            merge = (spelled[: end - 1], spelled[end - 1])
            if merge not in merges:
                merges.append(merge)
                pieces.append("".join(merge))
    backend = Tokenizer(
        models.BPE(
            vocab={piece: i for i, piece in enumerate(pieces)}, merges=merges, unk_token="<unk>"
        )
    )
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        unk_token="<unk>",
        extra_special_tokens={
            "image_token": "<image_soft_token>",
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
        },
        padding_side="left",
    )
    tokenizer.add_tokens(["<start_of_turn>", "<end_of_turn>"], special_tokens=True)
    # The thinking marks are not special in the published tokenizer: decoding must keep them.
    tokenizer.add_tokens(["<unused94>", "<unused95>"], special_tokens=False)
    return tokenizer
