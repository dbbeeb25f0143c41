"""The index on a real Chroma server."""

from __future__ import annotations

import gc
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge.index.build import add, close
from knowledge.index.passages import Chunk, chunks
from knowledge.index.server import ChromaServer, server_from
from knowledge.index.store import Store, open_store
from knowledge.yaml_source import KnowledgeError
from tests.knowledge.small_store import HashEncoder, corpus, is_right, vocabulary

_CHROMA = shutil.which("chroma", path=str(Path(sys.executable).parent))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    assert _CHROMA is not None
    at = ChromaServer(host="127.0.0.1", port=_free_port())
    process = subprocess.Popen(
        [_CHROMA, "run", "--path", tmp_path_factory.mktemp("server"), "--host", at.host,
         "--port", str(at.port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(300):
        try:
            httpx.get(f"{at.url}/api/v2/heartbeat")
            break
        except httpx.ConnectError:
            assert process.poll() is None
            time.sleep(0.1)
    yield at
    gc.collect()  # what a failed opening left, in the cycle of its traceback
    process.terminate()
    process.wait()


def _open(
    cache: Path, server: ChromaServer, edition: str, encoder: HashEncoder | None = None
) -> Store:
    made = chunks(corpus(edition), vocabulary())
    return open_store(cache, encoder or HashEncoder(), made, server)


def test_a_server_keeps_the_index_for_everyone(tmp_path: Path, server: ChromaServer) -> None:
    assert is_right(_open(tmp_path / "one", server, "shared"))
    encoder = HashEncoder()
    assert is_right(_open(tmp_path / "another", server, "shared", encoder))
    assert encoder.encoded == 0
    assert not (tmp_path / "one" / "index").exists()


def test_what_died_half_filled_is_not_taken_for_whole(
    tmp_path: Path, server: ChromaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(collection: Any, made: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        add(collection, made[: len(made) // 2], vectors[: len(made) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("knowledge.index.server.add", half)
        with pytest.raises(KeyboardInterrupt):
            _open(tmp_path, server, "half")
    assert is_right(_open(tmp_path, server, "half"))


def test_a_collection_that_was_changed_there_is_refused(
    tmp_path: Path, server: ChromaServer
) -> None:
    import chromadb

    store = _open(tmp_path, server, "changed")
    client = chromadb.HttpClient(host=server.host, port=server.port)
    name = f"hoofbeat-{store.manifest.key}"
    client.get_collection(name, embedding_function=None).delete(ids=[store.chunks[0].id])
    close(client)
    with pytest.raises(KnowledgeError, match=r"holds 58 of 59 passages .* delete it there"):
        _open(tmp_path, server, "changed")


def test_a_server_that_does_not_answer_is_one_clear_error(tmp_path: Path) -> None:
    nobody = ChromaServer(host="127.0.0.1", port=_free_port(), token="secret-token")
    with pytest.raises(KnowledgeError, match=r"127\.0\.0\.1.*chroma run") as told:
        _open(tmp_path, nobody, "one")
    assert "secret-token" not in str(told.value)


def test_the_environment_names_a_server() -> None:
    assert server_from({}) is None
    named = {"HOOFBEAT_CHROMA_HOST": "index.example", "HOOFBEAT_CHROMA_SSL": "true"}
    assert server_from(named) == ChromaServer(host="index.example", port=8000, ssl=True)
    for name, value in (("PORT", "eight"), ("SSL", "maybe")):
        with pytest.raises(KnowledgeError, match=f"HOOFBEAT_CHROMA_{name} .*{value}"):
            server_from({**named, f"HOOFBEAT_CHROMA_{name}": value})


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(ChromaServer(host="h", token="secret"))
