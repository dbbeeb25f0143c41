"""What every test of the evaluation has: a cache that is not the person's own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, cache_root: Path) -> None:
    monkeypatch.setenv("HOOFBEAT_CACHE_DIR", str(cache_root))
