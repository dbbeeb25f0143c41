"""How far the word of a source is trusted, by source and kind of finding: one table, trust.yaml.

A finding is of kind "distribution" where its term says where findings lie, else of the modality of
the series it was seen in. A file of the person's own, written by `python -m evals.trust` or by
hand, replaces single rows; the others stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from knowledge.yaml_source import KnowledgeError, read_yaml

Chance = TypeVar("Chance", float, NDArray[np.float64])
TrustSource = Literal["measurement", "report", "person", "vision"]
TrustKind = Literal["any", "CT", "XR", "MR", "US", "NM", "distribution"]
ANY: TrustKind = "any"
_KINDS: frozenset[str] = frozenset(get_args(TrustKind))


class Trust(NamedTuple):
    """How far the word of a source can be trusted."""

    sensitivity: float
    specificity: float

    def says_yes(self, p: Chance) -> Chance:
        """P(the source reports a finding as present), when p is P(it is there)."""
        return self.sensitivity * p + (1 - self.specificity) * (1 - p)


class TrustRow(BaseModel):
    """One row of the table.

    Attributes:
        basis: "published" by others, "estimate" of this project, or "labels" of the person.
        why: Where the two numbers come from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: TrustSource
    kind: TrustKind = ANY
    sensitivity: float = Field(gt=0, lt=1)
    specificity: float = Field(gt=0, lt=1)
    basis: Literal["published", "estimate", "labels"]
    why: str = Field(min_length=3)

    @model_validator(mode="after")
    def _is_no_worse_than_chance(self) -> TrustRow:
        if self.sensitivity + self.specificity < 1:
            raise ValueError(
                f"{self.source} {self.kind}: sensitivity {self.sensitivity:g} and specificity "
                f"{self.specificity:g} add up to less than 1, so its yes would speak against; "
                "such a source takes 0.5 and 0.5, which say nothing"
            )
        return self


@dataclass(frozen=True, slots=True)
class TrustTable:
    """Rows by source and kind; every source has a row of kind "any"."""

    rows: Mapping[tuple[str, str], Trust]

    def of(self, source: str, modality: str = "", term_kind: str = "finding") -> Trust:
        """The trust in one finding.

        Args:
            source: measurement, report, person or vision.
            modality: CT, XR, MR, US or NM of the series; "" when it is not known.
            term_kind: Of the vocabulary's term: "finding" or "distribution".

        Raises:
            KeyError: On a source that the table does not have.
        """
        found = self.rows.get((source, kind_of(modality, term_kind)))
        return self.rows[source, ANY] if found is None else found

    def with_rows(self, rows: Mapping[tuple[str, str], Trust]) -> TrustTable:
        """This table with some rows replaced or added."""
        return TrustTable({**self.rows, **rows})

    def with_source(self, source: str, trust: Trust) -> TrustTable:
        """This table with one trust for all that a source says."""
        kept = {key: row for key, row in self.rows.items() if key[0] != source}
        return TrustTable({**kept, (source, ANY): trust})

    @property
    def digest(self) -> str:
        """12 hexadecimal digits over all rows: the same for the same numbers."""
        told = "\n".join(
            f"{source} {kind} {trust.sensitivity:.6g} {trust.specificity:.6g}"
            for (source, kind), trust in sorted(self.rows.items())
        )
        return hashlib.sha256(told.encode()).hexdigest()[:12]


def kind_of(modality: str, term_kind: str) -> str:
    """The table's kind of a finding: where it lies, else its modality, else "any"."""
    if term_kind == "distribution":
        return term_kind
    return modality if modality in _KINDS else ANY


@cache
def default_trust() -> TrustTable:
    """The table that ships with the package."""
    shipped = _read(files("knowledge.ranking") / "trust.yaml")
    missing = [s for s in get_args(TrustSource) if (s, ANY) not in shipped]
    if missing:
        raise KnowledgeError(f'trust.yaml: no row of kind "any" for {", ".join(missing)}')
    return TrustTable(shipped)


def load_trust(path: Path) -> TrustTable:
    """The shipped table with the rows of a file in their place.

    Raises:
        KnowledgeError: On a file that cannot be read, is no such table, or has a row twice.
    """
    try:
        return default_trust().with_rows(_read(path))
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(
            f"the trust table {str(path)!r} cannot be read ({type(error).__name__}); name a file "
            "of the form of knowledge/ranking/trust.yaml"
        ) from error


def _read(source: Path | Traversable) -> dict[tuple[str, str], Trust]:
    return _by_key(read_yaml(source, list[TrustRow]), source.name)


def _by_key(rows: Iterable[TrustRow], name: str) -> dict[tuple[str, str], Trust]:
    found: dict[tuple[str, str], Trust] = {}
    for row in rows:
        if (row.source, row.kind) in found:
            raise KnowledgeError(f"{name}: two rows for {row.source} {row.kind}: keep one")
        found[row.source, row.kind] = Trust(row.sensitivity, row.specificity)
    return found
