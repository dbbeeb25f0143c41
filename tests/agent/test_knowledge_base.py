"""One knowledge base for the agents of a process, and another where it would know otherwise."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from agent.knowledge_base import open_knowledge
from agent.settings import Settings
from knowledge.importers.run import Wanted, import_source


@pytest.fixture
def named(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", sources_dir=tmp_path / "sources")


def test_settings_that_name_the_same_share_one(named: Settings) -> None:
    first = open_knowledge(named)
    assert open_knowledge(named.model_copy(update={"max_planner_calls": 3})) is first


@pytest.mark.parametrize(
    "other", [{"cache_dir": "b"}, {"sources_dir": "b"}, {"chroma_host": "b"},
              {"embedding_model": "b"}]
)  # fmt: skip
def test_settings_that_name_another_open_another(
    named: Settings, other: dict[str, str], tmp_path: Path
) -> None:
    changed = {k: tmp_path / v if k.endswith("_dir") else v for k, v in other.items()}
    first = open_knowledge(named)
    assert open_knowledge(named.model_copy(update=changed)) is not first


def test_what_is_imported_or_removed_meanwhile_is_known_to_the_next(
    named: Settings, tmp_path: Path
) -> None:
    before = open_knowledge(named)
    table = tmp_path / "mine.csv"
    table.write_text("name\nGrey star lung\n", "utf-8")
    import_source(Wanted(kind="csv", path=table), named.sources_dir)
    after = open_knowledge(named)
    assert after is not before
    assert open_knowledge(named) is after
    (named.sources_dir / "mine.sqlite").unlink()
    assert open_knowledge(named) is before


def test_it_goes_with_the_last_who_holds_it(named: Settings) -> None:
    held = open_knowledge(named)
    alive = weakref.ref(held)
    del held
    gc.collect()
    assert alive() is None
