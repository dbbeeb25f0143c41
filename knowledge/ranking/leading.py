"""Which terms lead a closed list that would grow too long to be read.

A model that is handed six hundred terms reads none of them. Those that the entries expect most
often lead; as a broader term is expected at least as often as a narrower one, that is coarse to
fine, and the finer ones stay to be asked for by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from knowledge.entry import Entry
from knowledge.vocabulary import Term, Vocabulary

Relevance = Mapping[tuple[str, str], float]


def relevance(entries: Iterable[Entry], vocabulary: Vocabulary) -> Relevance:
    """By term and modality ("" for any), the sum over entries of how often they show it.

    What shows a narrower term shows the broader one, once.
    """
    found: dict[tuple[str, str], float] = {}
    for entry in entries:
        shown: dict[tuple[str, str], float] = {}
        for finding in entry.findings:
            if finding.term not in vocabulary:
                continue
            for term in (finding.term, *vocabulary.ancestors(finding.term)):
                for key in ((term, finding.modality), (term, "")):
                    shown[key] = max(finding.frequency, shown.get(key, 0.0))
        for key, frequency in shown.items():
            found[key] = found.get(key, 0.0) + frequency
    return found


def leading(terms: Sequence[Term], weight: Relevance, modality: str, most: int) -> tuple[Term, ...]:
    """At most so many of the terms, those of the highest weight, in the order given."""
    if len(terms) <= most:
        return tuple(terms)
    by_weight = sorted(terms, key=lambda t: (-weight.get((t.id, modality), 0.0), t.id))
    kept = {term.id for term in by_weight[:most]}
    return tuple(term for term in terms if term.id in kept)
