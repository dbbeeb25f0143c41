"""Passages: an entry as the few texts that can be found and quoted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from knowledge.entry import Entry
from knowledge.index.facets import clinical_text, imaging_texts, mimics_text
from knowledge.vocabulary import Modality, Vocabulary

Facet = Literal["imaging", "clinical", "mimics", "imported"]


class Passage(BaseModel):
    """A piece of knowledge that a search found.

    Attributes:
        id: P1, P2 ...; empty until the case takes the passage in.
        modality: Of an imaging passage; empty for the other facets.
        source: Where it stands: entry id and facet, "knowledge/lam/imaging-ct"; of an imported
            passage its source, disease and part, "imported/orphanet/orpha-538/1".
        score: Of the fusion; only the order means anything.
        why: What found it: "dense 3", "words 1", "name: LAM", "finding: thin-walled cysts".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = ""
    disease_id: str
    disease: str
    facet: Facet
    modality: Modality | Literal[""] = ""
    text: str
    source: str
    score: float
    why: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """One facet of one entry, ready to be embedded.

    Attributes:
        modality: Of an imaging chunk; empty for the other facets.
        modalities, windows: For filters: of an imaging chunk its own, else all of the entry.
    """

    id: str
    disease_id: str
    disease: str
    facet: Facet
    modality: Modality | Literal[""] = ""
    system: str
    rarity: str
    modalities: tuple[str, ...]
    windows: tuple[str, ...]
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 over all of it: changes when the text or a filter does."""
        parts = (self.id, self.disease, self.system, self.rarity, self.text)
        listed = "\0".join((*parts, *self.modalities, "", *self.windows))
        return hashlib.sha256(listed.encode()).hexdigest()


def chunks(entries: Mapping[str, Entry], vocabulary: Vocabulary) -> list[Chunk]:
    """Every facet of every entry, in the order of the entries."""
    return [chunk for entry in entries.values() for chunk in _of_entry(entry, entries, vocabulary)]


def corpus_hash(made: Iterable[Chunk]) -> str:
    """SHA-256 over all chunks in their order."""
    return hashlib.sha256("".join(chunk.digest for chunk in made).encode()).hexdigest()


def _of_entry(
    entry: Entry, entries: Mapping[str, Entry], vocabulary: Vocabulary
) -> Iterable[Chunk]:
    images = imaging_texts(entry, vocabulary)
    for modality, text in images.items():
        yield _chunk(entry, "imaging", text, (modality,), modality=modality)
    yield _chunk(entry, "clinical", clinical_text(entry), tuple(images))
    mimics = mimics_text(entry, entries)
    if mimics:
        yield _chunk(entry, "mimics", mimics, tuple(images))


def _chunk(
    entry: Entry,
    facet: Facet,
    text: str,
    modalities: tuple[Modality, ...],
    *,
    modality: Modality | Literal[""] = "",
) -> Chunk:
    windows = {f.window for f in entry.findings if f.modality in modalities}
    return Chunk(
        id=f"{entry.id}/{facet}" + (f"-{modality.lower()}" if modality else ""),
        disease_id=entry.id,
        disease=entry.name,
        facet=facet,
        modality=modality,
        system=entry.system,
        rarity=entry.rarity,
        modalities=modalities,
        windows=tuple(sorted(windows)),
        text=" ".join(text.split()),
    )
