"""What the ranking takes and gives: observations in, contributions and posteriors out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

# A narrower finding that an entry lists at least so often implies the broader one.
IMPLIES = 0.1
# Where a finding lies qualifies it and says less than what it is.
DISTRIBUTION_WEIGHT = 0.5
# How often a disease without an entry shows a finding that is seen: three times the background
# rate, since something is wrong with the patient.
_OTHER_RATIO = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """A finding as the ranking takes it: which term, present or not, how sure, from where.

    `modality` is CT, XR, MR, US or NM when it is known: then only what the entries expect in that
    modality counts. A lucent hemithorax on a radiograph may be free air; on CT it is the lung.
    """

    id: str
    term: str
    present: bool
    certainty: float
    source: str
    modality: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """What one source adds to a disease; ln likelihood ratio.

    A source is the id of a finding, or "rarity", "differentials" (how many name it), "age", "sex",
    "study" (what it can show), "history: ..." or "words: ..." with the words that counted most.
    """

    source: str
    log_ratio: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """One disease with its posterior and all that spoke for or against it."""

    disease_id: str
    probability: float
    contributions: tuple[Contribution, ...]
    not_seen: tuple[str, ...] = field(default=())


class RankedEntries(Sequence[Ranked]):
    """All entries, best first. Order, and what spoke for one, are made when they are looked at.

    Args:
        ids: Of the entries, in the order of the knowledge base.
        probabilities: (entries,) in the same order.
        tell: Makes the entry of a place, 0 the best, and a row of `ids`.
    """

    def __init__(
        self,
        ids: Sequence[str],
        probabilities: NDArray[np.float64],
        tell: Callable[[int, int], Ranked],
    ) -> None:
        self._by_row = ids
        self._probabilities = probabilities
        self._tell = tell

    def __len__(self) -> int:
        return len(self._by_row)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids alone, best first."""
        return tuple(self._by_row[row] for row in self._order)

    @cached_property
    def _order(self) -> list[int]:
        rows: list[int] = np.argsort(-self._probabilities, kind="stable").tolist()
        return rows

    @cached_property
    def _place(self) -> dict[str, int]:
        return {disease_id: place for place, disease_id in enumerate(self.ids)}

    @overload
    def __getitem__(self, at: int) -> Ranked: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Ranked, ...]: ...

    def __getitem__(self, at: int | slice) -> Ranked | tuple[Ranked, ...]:
        """The entry of a place, or those of a slice."""
        if isinstance(at, slice):
            return tuple(self._at(place) for place in range(*at.indices(len(self))))
        if not -len(self) <= at < len(self):
            raise IndexError(f"place {at} of {len(self)} entries")
        return self._at(at % len(self))

    def of(self, disease_id: str) -> Ranked | None:
        """The entry of that id; None when there is none."""
        place = self._place.get(disease_id)
        return None if place is None else self._at(place)

    def _at(self, place: int) -> Ranked:
        return self._tell(place, self._order[place])


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """All entries in descending probability; with other_probability they sum to one.

    Attributes:
        probabilities: (entries,) in the order of the knowledge base's entries.
    """

    ranked: RankedEntries
    probabilities: NDArray[np.float64]
    other_probability: float


def expected_in_other(background: float) -> float:
    """How often a disease without an entry shows a finding of this background rate."""
    return max(min(0.5, _OTHER_RATIO * background), background)
