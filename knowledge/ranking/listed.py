"""Which entries list a term, and how often: what the ranking and the next question stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry
from knowledge.ranking.evidence import IMPLIES
from knowledge.vocabulary import Vocabulary

Rows = NDArray[np.intp]
Values = NDArray[np.float64]


def listed_by_term(
    entries: Sequence[Entry], vocabulary: Vocabulary
) -> Mapping[tuple[str, str], tuple[Rows, Values]]:
    """By term and modality ("" for any), the rows of the entries that list it and how often.

    A narrower listed term implies the broader one, which is there at least as often.
    A broader listed one speaks for the narrower one by the share that it has of it in other
    patients: who often has lung cysts has thin-walled ones more often than others have.

    Returns:
        (rows,) in the order of the entries, and (rows,) frequencies, 0..1.
    """
    own: dict[tuple[str, str], dict[int, float]] = {}
    listed: dict[tuple[str, str], dict[int, float]] = {}
    for row, entry in enumerate(entries):
        for finding in entry.findings:
            for modality in ("", finding.modality):
                _keep_highest(own, (finding.term, modality), row, finding.frequency)
                _keep_highest(listed, (finding.term, modality), row, finding.frequency)
                if finding.frequency >= IMPLIES and finding.term in vocabulary:
                    for broader in vocabulary.ancestors(finding.term):
                        _keep_highest(listed, (broader, modality), row, finding.frequency)
    for term in vocabulary.terms.values():
        for modality in ("", *term.modality):
            of_broader: dict[int, float] = {}
            for broader in vocabulary.ancestors(term.id):  # the nearest that an entry lists
                share = min(1.0, term.background / vocabulary[broader].background)
                for row, frequency in own.get((broader, modality), {}).items():
                    of_broader.setdefault(row, frequency * share)
            if of_broader:
                listed[term.id, modality] = of_broader | listed.get((term.id, modality), {})
    return {
        key: (np.fromiter(rows, dtype=np.intp), np.array(list(rows.values())))
        for key, rows in listed.items()
    }


def _keep_highest(
    table: dict[tuple[str, str], dict[int, float]], key: tuple[str, str], row: int, value: float
) -> None:
    rows = table.setdefault(key, {})
    rows[row] = max(value, rows.get(row, 0.0))
