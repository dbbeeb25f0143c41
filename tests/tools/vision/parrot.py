"""A real Gemma 3 on disk whose weights make it say one thing, token by token."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path


def teach(source: Path, folder: Path, says: str) -> Path:
    """Copy a tiny checkpoint and set its weights so that each token leads to the next of `says`.

    The blocks of the text model are silenced, so what comes next depends on the last token alone:
    no token may occur twice in `says`, save the last, which may lead back. The last token of the
    prompt, a line feed, leads to the first of `says`.
    """
    import torch
    from transformers import AutoProcessor, Gemma3ForConditionalGeneration

    shutil.copytree(source, folder)
    tokenizer = AutoProcessor.from_pretrained(source).tokenizer
    model = Gemma3ForConditionalGeneration.from_pretrained(source)
    model.config.tie_word_embeddings = False
    size, width = model.get_input_embeddings().weight.shape
    embeddings = torch.randn(size, width, generator=torch.Generator().manual_seed(0))
    head = torch.zeros(size, width)
    tokens = tokenizer.encode("\n" + says, add_special_tokens=False)
    for now, following in pairwise(tokens):
        head[following] += embeddings[now]
    with torch.no_grad():
        for layer in model.model.language_model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.set_input_embeddings(torch.nn.Embedding.from_pretrained(embeddings))
        model.lm_head = torch.nn.Linear(width, size, bias=False)
        model.lm_head.weight.copy_(head)
    model.save_pretrained(folder)
    return folder
