"""Passages: an entry as the few texts that can be found and quoted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from knowledge.entry import Entry
from knowledge.vocabulary import Vocabulary

Facet = Literal["imaging", "clinical", "mimics"]


class Passage(BaseModel):
    """A piece of knowledge that a search found.

    Attributes:
        id: P1, P2 ...; empty until the case takes the passage in.
        source: Where it stands: entry id and facet.
        score: Reciprocal rank fusion; only the order means anything.
        why: What found it: dense, words, name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = ""
    disease_id: str
    disease: str
    facet: Facet
    text: str
    source: str
    score: float
    why: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """One facet of one entry, ready to be embedded."""

    id: str
    disease_id: str
    disease: str
    facet: Facet
    system: str
    rarity: str
    text: str


def chunks(entries: Mapping[str, Entry], vocabulary: Vocabulary) -> list[Chunk]:
    """Every facet of every entry, in the order of the entries."""
    return [chunk for entry in entries.values() for chunk in _of_entry(entry, entries, vocabulary)]


def corpus_hash(made: Iterable[Chunk]) -> str:
    """SHA-256 over all chunks: changes when a text, a name or a filter does."""
    digest = hashlib.sha256()
    for chunk in made:
        for part in (chunk.id, chunk.disease, chunk.system, chunk.rarity, chunk.text):
            digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def _of_entry(
    entry: Entry, entries: Mapping[str, Entry], vocabulary: Vocabulary
) -> Iterable[Chunk]:
    seen = ", ".join(
        " ".join(filter(None, (vocabulary[f.term].name, f"({f.place})" if f.place else "")))
        for f in sorted(entry.findings, key=lambda f: -f.frequency)
        if f.frequency >= 0.1 and f.term in vocabulary
    )
    also = f" ({', '.join(entry.synonyms)})" if entry.synonyms else ""
    mimics = " ".join(
        f"{entries[m.id].name}: {m.difference}" for m in entry.mimics if m.id in entries
    )
    texts: dict[Facet, str] = {
        "imaging": f"{entry.name}{also}. {entry.imaging} Findings: {seen}.",
        "clinical": (
            f"{entry.name}. {entry.summary} {entry.presentation} "
            f"{entry.course} What settles it: {entry.settles}"
        ),
    }
    if mimics:
        texts["mimics"] = f"{entry.name}, told apart from its mimics. {mimics}"
    for facet, text in texts.items():
        yield Chunk(
            id=f"{entry.id}/{facet}",
            disease_id=entry.id,
            disease=entry.name,
            facet=facet,
            system=entry.system,
            rarity=entry.rarity,
            text=" ".join(text.split()),
        )
