"""What age, sex and history say of each entry, before any image is read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry
from knowledge.reading.normalise import Prose

_CLINICAL_HIT = 0.30  # P(a history names one of the entry's clinical terms | disease)
_CLINICAL_FLOOR = 0.04  # P(the same words | any other disease), at the least
_CLINICAL_CAP = 4.0  # ln: history alone never outweighs this
_CLINICAL_WEIGHT = 0.5  # the same history counts by its words as well (knowledge.ranking.wording)
_AGE_DECAY_YEARS = 12.0
_AGE_FLOOR = 0.15
_SEX_FLOOR = 0.04


class Patients:
    """Demographics and clinical terms of all entries; rows in their order."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        ages = np.array([entry.demographics.age_years for entry in entries], dtype=np.float64)
        self._low, self._high = ages.reshape(-1, 2).T
        self._female = np.array([entry.demographics.female_share for entry in entries])
        self._rows: dict[str, list[int]] = {}
        for row, entry in enumerate(entries):
            for phrase in _clinical_phrases(entry):
                self._rows.setdefault(phrase, []).append(row)
        self._count = max(1, len(entries))

    def age(self, years: float) -> NDArray[np.float64]:
        """(entries,) ln weight of an age in years."""
        beyond = np.maximum(np.maximum(self._low - years, years - self._high), 0.0)
        fit = np.maximum(_AGE_FLOOR, np.exp(-beyond / _AGE_DECAY_YEARS))
        width = np.maximum(self._high - self._low, 10.0)
        narrow = np.where(beyond == 0, np.log(np.clip(80.0 / width, 1.0, 2.5)), 0.0)
        return np.asarray(np.log(fit) + 0.5 * narrow)

    def sex(self, sex: str) -> NDArray[np.float64]:
        """(entries,) ln weight of "female" or "male"."""
        share = self._female if sex == "female" else 1 - self._female
        return np.asarray(np.log(2 * np.maximum(_SEX_FLOOR, share)))

    def denied(self, text: str) -> tuple[str, ...]:
        """The clinical phrases of all entries that the text denies: "no fever"."""
        prose = Prose(text)
        return tuple(phrase for phrase in self._rows if prose.states(phrase) is False)

    def affirmed(self, text: str, phrases: Sequence[str]) -> frozenset[str]:
        """Those of the phrases that the text says of the patient."""
        prose = Prose(text)
        return frozenset(phrase for phrase in phrases if prose.states(phrase) is True)

    def history(self, text: str) -> dict[int, list[tuple[str, float]]]:
        """By row, the clinical phrases that the history states, with the ln ratio of each."""
        prose = Prose(text)
        found: dict[int, list[tuple[str, float]]] = {}
        spent: dict[int, float] = {}
        for phrase, rows in self._rows.items():
            if prose.states(phrase) is not True:
                continue
            share = len(rows) / self._count
            whole = np.log(max(1.0, _CLINICAL_HIT / (_CLINICAL_FLOOR + 0.5 * share)))
            for row in rows:
                ratio = min(_CLINICAL_WEIGHT * whole, _CLINICAL_CAP - spent.get(row, 0.0))
                if ratio > 0:
                    spent[row] = spent.get(row, 0.0) + ratio
                    found.setdefault(row, []).append((phrase, float(ratio)))
        return found


def _clinical_phrases(entry: Entry) -> tuple[str, ...]:
    words = (*entry.clinical_terms, *entry.demographics.risk_factors, *entry.demographics.genes)
    return tuple(dict.fromkeys(w.casefold() for w in words))
