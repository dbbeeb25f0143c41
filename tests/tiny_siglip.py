"""A tiny, real SigLIP on disk: random weights and the real processor classes."""

from __future__ import annotations

from pathlib import Path

IMAGE_SIZE = 32
TEXT_TOKENS = 64


def build_tiny_siglip(folder: Path, *, seed: int = 0) -> Path:
    """Save a random SiglipModel and its SiglipProcessor to a folder.

    The tokenizer knows bytes only: every byte is a token, and a text ends with "</s>", which pads
    it too, as in the published tokenizer.

    Args:
        folder: Where the checkpoint goes; made when missing.
        seed: Of the weights.

    Returns:
        The folder.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, SiglipConfig, SiglipModel, SiglipProcessor
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    pieces = ["</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    backend = Tokenizer(
        models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=[], unk_token="<unk>")
    )
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 0)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="</s>",
        pad_token="</s>",
        unk_token="<unk>",
        model_max_length=TEXT_TOKENS,
    )
    size = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    processor = SiglipProcessor(
        image_processor=SiglipImageProcessorPil(
            size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3
        ),
        tokenizer=tokenizer,
    )
    shape = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    config = SiglipConfig(
        text_config={
            **shape,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": TEXT_TOKENS,
            "projection_size": 32,
            "pad_token_id": 0,
            "eos_token_id": 0,
            "bos_token_id": None,
        },
        vision_config={**shape, "image_size": IMAGE_SIZE, "patch_size": 8},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = SiglipModel(config)
        # The initialiser makes all vectors nearly the same: spread them, so that answers differ.
        for weight in model.parameters():
            if weight.ndim > 1:
                torch.nn.init.normal_(weight, std=0.3)
        torch.nn.init.constant_(model.logit_scale, 3.0)
        torch.nn.init.constant_(model.logit_bias, -2.0)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
