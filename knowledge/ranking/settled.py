"""What follows from what was found: the terms that need no looking for any more."""

from __future__ import annotations

from collections.abc import Mapping

from knowledge.vocabulary import Vocabulary


class Consequences:
    """What each answer settles beside itself. Build once for a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._narrower: dict[str, set[str]] = {}
        self._opposite: dict[str, set[str]] = {}  # of either's saying
        for term in vocabulary.terms.values():
            for broader in vocabulary.ancestors(term.id):
                self._narrower.setdefault(broader, set()).add(term.id)
            for other in term.opposite:
                self._opposite.setdefault(other, set()).add(term.id)
                self._opposite.setdefault(term.id, set()).add(other)

    def settled(self, answered: Mapping[str, bool]) -> frozenset[str]:
        """The answered terms and what follows from them.

        A broader or an opposite term of a present one, a narrower one of an absent one.

        Args:
            answered: By term, whether it was found.
        """
        known = set(answered)
        for term, is_present in answered.items():
            if not is_present:
                known |= self._narrower.get(term, set())
            elif term in self._vocabulary:
                known.update(self._vocabulary.ancestors(term), self._opposite.get(term, ()))
        return frozenset(known)
