"""What every test of the evaluation has: a cache that is not the person's own, and a quick start.

A start reads the corpus, indexes the names in it and hashes the code, which takes a second even
where it was done before. Here each process does it once, for all runs of all tests.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from evals.matching.known import Known
from evals.matching.scoring import Scorer, Scoring, build_scorers
from evals.running.manifest import source_sha256
from knowledge.entry import Entry
from knowledge.index.compiled import Compiled, load_compiled

_COMMANDS = ("evals.run", "evals.verify", "evals.probe")
_source = cache(source_sha256)


@cache
def _corpus(cache_root: Path) -> Compiled:
    cache_root.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{cache_root}.lock"):
        return load_compiled(cache_root)


@cache
def _scorers(cache_root: Path) -> Mapping[Scoring, Scorer]:
    return build_scorers(_corpus(cache_root).entries)


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, cache_root: Path) -> None:
    monkeypatch.setenv("HOOFBEAT_CACHE_DIR", str(cache_root))


@pytest.fixture(autouse=True)
def _quick_start(monkeypatch: pytest.MonkeyPatch, cache_root: Path) -> None:
    def scorers(
        entries: Mapping[str, Entry], ontologies: Sequence[Known] = ()
    ) -> Mapping[Scoring, Scorer]:
        is_shipped = entries is _corpus(cache_root).entries and not ontologies
        return _scorers(cache_root) if is_shipped else build_scorers(entries, ontologies)

    # A file saved between two runs of a test would rightly make the second begin anew.
    once = {
        "source_sha256": _source,
        "load_compiled": lambda _: _corpus(cache_root),
        "build_scorers": scorers,
    }
    for module in (sys.modules[name] for name in _COMMANDS if name in sys.modules):
        for name, quick in once.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, quick)
