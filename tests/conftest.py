"""Fixtures for all tests: the shared real data, a cache of our own, no network, no paid calls."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

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
_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "LANGSMITH_API_KEY", "LANGCHAIN_TRACING_V2")


@pytest.fixture(autouse=True)
def _no_key_and_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches a paid service or a hub, whatever the machine's environment holds."""
    for name, value in _OFFLINE.items():
        monkeypatch.setenv(name, value)
    for name in (*_KEYS, *(n for n in os.environ if n.startswith("HOOFBEAT_"))):
        if name != "HOOFBEAT_DATA":
            monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data that is never copied into the project."""
    folder = os.environ.get("HOOFBEAT_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs real data: set HOOFBEAT_DATA to its folder")
    return Path(folder)


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the whole run, so that the index is built once."""
    return tmp_path_factory.mktemp("cache")
