"""Filters of a search: which passages may answer, for Chroma and for everything beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.index.passages import Chunk
from knowledge.yaml_source import KnowledgeError

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """What a passage must be; an empty field asks nothing.

    Attributes:
        disease_ids: One of these entries.
        system: "thorax" for one.
        modality: CT, MR, XR, US or NM: imaging passages of it, other passages of entries that have
            one.
        rarity: rare, uncommon or common.
        window: "lung" for one: passages of findings that are best seen there.
    """

    disease_ids: tuple[str, ...] = ()
    system: str = ""
    modality: str = ""
    rarity: str = ""
    window: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether every passage may answer."""
        return self == Filter()

    def where(self) -> dict[str, Any] | None:
        """The same in Chroma's words; None when it asks nothing."""
        clauses: list[dict[str, Any]] = []
        if self.disease_ids:
            clauses.append({"disease_id": {"$in": list(self.disease_ids)}})
        for name in ("system", "rarity"):
            if getattr(self, name):
                clauses.append({name: getattr(self, name)})
        for name in ("modality", "window"):
            if getattr(self, name):
                clauses.append({name: {"$contains": getattr(self, name)}})
        return {"$and": clauses} if len(clauses) > 1 else (clauses[0] if clauses else None)


def metadata(chunk: Chunk) -> dict[str, Any]:
    """What Chroma keeps of a chunk, for filters; an empty list is left out, as Chroma wants it."""
    kept = {
        "disease_id": chunk.disease_id,
        "facet": chunk.facet,
        "system": chunk.system,
        "rarity": chunk.rarity,
        "modality": list(chunk.modalities),
        "window": list(chunk.windows),
    }
    return {name: value for name, value in kept.items() if value}


class Masks:
    """Which rows a filter lets through; a row is a chunk's place in the index."""

    def __init__(self, made: Sequence[Chunk]) -> None:
        self._rows = len(made)
        self._by: dict[str, dict[str, Mask]] = {
            "system": self._each((c.system,) for c in made),
            "rarity": self._each((c.rarity,) for c in made),
            "modality": self._each(c.modalities for c in made),
            "window": self._each(c.windows for c in made),
        }
        self._entries: dict[str, list[int]] = {}
        for row, chunk in enumerate(made):
            self._entries.setdefault(chunk.disease_id, []).append(row)

    def allowed(self, wanted: Filter) -> Mask:
        """(rows,) True where a chunk may answer.

        Raises:
            KnowledgeError: On a value that no passage has; says which there are.
        """
        mask = np.ones(self._rows, dtype=bool)
        for field in fields(Filter):
            value = getattr(wanted, field.name)
            if not value:
                continue
            if field.name == "disease_ids":
                mask &= self._of_entries(value)
            else:
                mask &= self._lookup(field.name, value)
        return mask

    def _each(self, values: Iterable[Sequence[str]]) -> dict[str, Mask]:
        masks: dict[str, Mask] = {}
        for row, listed in enumerate(values):
            for value in listed:
                masks.setdefault(value, np.zeros(self._rows, dtype=bool))[row] = True
        return masks

    def _lookup(self, name: str, value: str) -> Mask:
        known = self._by[name]
        if value not in known:
            raise KnowledgeError(
                f"no passage has the {name} {value!r}; there are {', '.join(sorted(known))}"
            )
        return known[value]

    def _of_entries(self, ids: Sequence[str]) -> Mask:
        mask = np.zeros(self._rows, dtype=bool)
        for entry_id in ids:
            if entry_id not in self._entries:
                raise KnowledgeError(
                    f"there is no entry {entry_id!r}; search without it to find its id"
                )
            mask[self._entries[entry_id]] = True
        return mask

    def entries_of(self, mask: Mask) -> frozenset[str]:
        """The entries that have a row in a mask."""
        return frozenset(i for i, rows in self._entries.items() if mask[rows].any())

    def rows_of(self, entry_id: str) -> Sequence[int]:
        """The rows of an entry's chunks: imaging first."""
        return self._entries[entry_id]
