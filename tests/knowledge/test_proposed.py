"""The next edition of the corpus: whole, linked, and not in use yet."""

from __future__ import annotations

from pathlib import Path

from knowledge.entry import check_links, load_entries, read_entries
from knowledge.vocabulary import read_vocabulary

PROPOSED = Path(__file__).parents[2] / "knowledge" / "proposed"


def test_every_proposed_entry_fits_and_every_link_holds() -> None:
    entries = read_entries(PROPOSED / "corpus")
    terms = read_vocabulary(PROPOSED / "terms").terms
    assert check_links(entries, terms) == []
    rare = sum(entry.rarity == "rare" for entry in entries.values())
    said = f"{len(entries):,} entries ({rare} rare) and {len(terms):,}"
    assert said in (PROPOSED.parents[1] / "docs" / "knowledge.md").read_text("utf-8")
    assert set(load_entries()) < set(entries)
