"""Fixtures for all tests: the shared real data, a cache of our own, no network, no paid calls."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock

from agent.knowledge_base import open_knowledge
from agent.settings import Settings
from knowledge.search.retrieve import KnowledgeBase

# The same examples in every run, whatever the machine's load; --hypothesis-profile default for new.
hypothesis.settings.register_profile("hoofbeat", deadline=None, derandomize=True)
hypothesis.settings.load_profile("hoofbeat")

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "LANGSMITH_TRACING": "false",
    "TOKENIZERS_PARALLELISM": "false",
}
os.environ.update(
    _OFFLINE
)  # some of these libraries read it when they are imported, and never again
# A core a process: with more threads than cores, tiny models wait for each other most of the time.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "LANGSMITH_API_KEY", "LANGCHAIN_TRACING_V2")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, cache_root: Path) -> None:
    """No test reaches a paid service, a hub or what the person imported."""
    for name, value in _OFFLINE.items():
        monkeypatch.setenv(name, value)
    for name in (*_KEYS, *(n for n in os.environ if n.startswith("HOOFBEAT_"))):
        if name != "HOOFBEAT_DATA":
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOOFBEAT_SOURCES_DIR", str(cache_root / "sources"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data that is never copied into the project."""
    folder = os.environ.get("HOOFBEAT_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs real data: set HOOFBEAT_DATA to its folder")
    return Path(folder)


@pytest.fixture(scope="session")
def cache_root(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder of `cache_dir`; nothing is made in it yet."""
    mine = tmp_path_factory.getbasetemp()
    return (mine if worker_id == "master" else mine.parent) / "cache"


@pytest.fixture(scope="session")
def shipped(cache_root: Path) -> KnowledgeBase:
    """What every agent of `cache_dir` knows: corpus and index, made once for all processes."""
    knowledge = open_knowledge(Settings(cache_dir=cache_root, sources_dir=cache_root / "sources"))
    with FileLock(f"{cache_root}.lock"):
        knowledge.search("cough")
    return knowledge


@pytest.fixture(scope="session")
def cache_dir(cache_root: Path, shipped: KnowledgeBase) -> Path:
    """The cache that holds it. It is for no other entries: their index would displace this one."""
    return cache_root
