from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from knowledge.vocabulary import Term
from tests.tiny_gemma import build_tiny_gemma
from tests.tools.vision.hub_server import Hub
from tools.imaging.raster import slice_views
from tools.imaging.volume import Volume
from tools.imaging.windows import View
from tools.vision.transformers_model import TransformersVision

WORDS = ("yes", "Yes", " yes", " Yes", "no", "No", " no", " No")


@pytest.fixture(scope="session")
def tiny_gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Gemma 3 whose tokenizer knows bytes only."""
    return build_tiny_gemma(tmp_path_factory.mktemp("tiny") / "tiny-gemma")


@pytest.fixture(scope="session")
def tiny_gemma_with_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Gemma 3 whose tokenizer has yes and no as single tokens, as the real one does."""
    return build_tiny_gemma(tmp_path_factory.mktemp("tiny") / "tiny-gemma-words", words=WORDS)


@pytest.fixture(scope="session")
def vision(tiny_gemma: Path) -> TransformersVision:
    """The tiny model, in float32 so that figures can be compared."""
    return TransformersVision(os.fspath(tiny_gemma), dtype="float32")


@pytest.fixture(scope="session")
def chest() -> Volume:
    """Six slices: air around, fat, two lungs, a bright spine; 40 rows and 60 columns."""
    rows, columns = np.mgrid[0:40, 0:60]
    slice_hu = np.full((40, 60), -1000, dtype=np.int16)
    slice_hu[((rows - 20) / 18) ** 2 + ((columns - 30) / 28) ** 2 < 1] = 40
    for centre in (18, 42):
        slice_hu[((rows - 19) / 12) ** 2 + ((columns - centre) / 9) ** 2 < 1] = -850
    slice_hu[28:33, 28:33] = 600
    voxels = np.stack([slice_hu + 10 * n for n in range(6)])
    return Volume(voxels=voxels, unit="HU", affine_lps_mm=None, spacing_mm=(5.0, 1.0, 1.0))


@pytest.fixture(scope="session")
def lung_views(chest: Volume) -> tuple[View, ...]:
    """Slices 2, 4 and 6 in the lung window."""
    return slice_views(chest, "S1", "lung", (2, 4, 6))


@pytest.fixture
def hub(tiny_gemma: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The real hub client against a local server, with an empty cache; the files it gave."""
    from huggingface_hub import constants

    class Handler(Hub):
        folder = tiny_gemma
        fetched: ClassVar[list[str]] = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # this hub is on this machine
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", os.fspath(tmp_path / "cache"))
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    yield Handler.fetched
    server.shutdown()
    server.server_close()
    thread.join()


def term(term_id: str, name: str) -> Term:
    """A vocabulary term of a test."""
    return Term(
        id=term_id,
        name=name,
        modality=("CT",),
        window="lung",
        question=f"Do you see {name}?",
        background=0.1,
    )


@pytest.fixture(scope="session")
def terms() -> tuple[Term, ...]:
    """A closed list of three."""
    return (
        term("lung-cysts", "lung cysts"),
        term("pleural-effusion", "pleural effusion"),
        term("lytic-bone-lesion", "lytic bone lesion"),
    )
