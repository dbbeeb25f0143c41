"""Disease names in what a vision model says: it is asked for findings, never for a diagnosis."""

from __future__ import annotations

from collections.abc import Callable

from knowledge.search.retrieve import KnowledgeBase
from knowledge.words import tokens


def disease_finder(knowledge: KnowledgeBase) -> Callable[[str], bool]:
    """A test of whether words name a disease of the knowledge base.

    A name that is at the same time, or is part of, a term of the finding vocabulary counts as that
    finding: "emphysema". A disease that has no entry is not known here.
    """
    names = knowledge.names
    longest = max(map(len, names), default=0)

    def names_a_disease(text: str) -> bool:
        words = tokens(text)
        found = [
            (words[at].start, words[stop - 1].end)
            for at in range(len(words))
            for stop in range(at + 1, min(at + longest, len(words)) + 1)
            if tuple(word.form for word in words[at:stop]) in names
        ]
        if not found:
            return False
        terms = [(m.start, m.end) for m in knowledge.normaliser.mentions(text)]
        return any(
            not any(low <= start and end <= high for low, high in terms) for start, end in found
        )

    return names_a_disease
