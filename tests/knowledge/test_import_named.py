"""A disease of an imported source that is asked for by its whole name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from knowledge.entry import Entry
from knowledge.importers.run import Wanted, import_source
from knowledge.search.retrieve import KnowledgeBase
from knowledge.vocabulary import Vocabulary


def test_a_disease_that_the_corpus_lacks_stands_first_under_its_name_even_without_a_text(
    tmp_path: Path,
    cache_dir: Path,
    small_entries: Mapping[str, Entry],
    small_vocabulary: Vocabulary,
) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("name\nCrazy paving of the very old\n", "utf-8")
    import_source(Wanted(kind="csv", path=table), tmp_path / "sources")
    base = KnowledgeBase(
        cache_dir,
        entries=small_entries,
        vocabulary=small_vocabulary,
        sources_dir=tmp_path / "sources",
    )
    first, second = base.search("crazy paving of the very old", limit=2)
    assert first.disease == "Crazy paving of the very old"
    assert "finding: crazy paving" in second.why  # every ranking of the corpus leads to this one
