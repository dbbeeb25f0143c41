"""The next closed question: the one whose answer is expected to tell the candidates apart best.

The gain of asking a term is the mutual information, in bits, between the answer and the disease:

    H(answer) - sum over diseases of P(disease) * H(answer | disease)

with P(yes | disease) = sensitivity * p + (1 - specificity) * (1 - p), and p the entry's frequency,
or the term's background rate where the entry does not list it. Diseases without an entry are left
out: asking cannot tell them apart, and every common finding would seem to speak of them. So what
every candidate shows gains nothing, nor does what is rare in all of them, and a source that guesses
gains little whatever it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry
from knowledge.ranking.evidence import DISTRIBUTION_WEIGHT
from knowledge.ranking.listed import listed_by_term
from knowledge.ranking.settled import Consequences
from knowledge.ranking.trust import Trust
from knowledge.vocabulary import Term, Vocabulary

_Values = NDArray[np.float64]
# Of who will answer: the same for all, or by modality and kind of term.
Answerer = Trust | Callable[[str, str], Trust]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A term that is worth asking for.

    Attributes:
        modality: In which it is asked; "" when any will do.
        gain: Expected information, bits.
        p_yes: How likely the answer is yes.
        splits: P(yes) of each leading candidate, by disease id, in their order.
    """

    term: Term
    modality: str
    gain: float
    p_yes: float
    splits: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Table:
    """The listed frequencies of one modality, term after term."""

    terms: tuple[Term, ...]
    starts: NDArray[np.intp]
    rows: NDArray[np.intp]
    frequencies: _Values
    backgrounds: _Values
    weights: _Values


class Questions:
    """All that can be asked of all entries. Build once; it holds no case."""

    def __init__(self, entries: Mapping[str, Entry], vocabulary: Vocabulary) -> None:
        self._ids = tuple(entries)
        self._vocabulary = vocabulary
        self._listed = listed_by_term(tuple(entries.values()), vocabulary)
        self._table = cache(self._table_of)
        self._consequences = Consequences(vocabulary)

    def best(
        self,
        probabilities: _Values,
        *,
        trust: Answerer,
        modalities: Collection[str] = (),
        regions: Collection[str] = (),
        answered: Mapping[str, bool] | None = None,
        asks_kin: bool = False,
        count: int = 5,
        shown: int = 5,
    ) -> list[Question]:
        """The questions of the highest gain, best first; only those that gain something.

        Args:
            probabilities: (entries,) of the present ranking, in the order of the entries; some
                share is above zero.
            trust: Sensitivity and specificity of who will answer; where they differ by modality and
                kind of term, `partial(table.of, "vision")` of a TrustTable.
            modalities: CT, XR, MR, US or NM of the study; a question is of one of them. Empty:
                nothing is known of the study, and a question is of none in particular.
            regions: Of the study; empty when they are not known.
            answered: Terms that need no asking, and what was found. What follows from them is not
                asked either: a narrower term of an absent one, a broader or an opposite term of a
                present one.
            asks_kin: Ask what follows all the same. A second look at one thing is worth something
                where the answers err independently of each other; a model errs alike on both.
            shown: So many leading candidates are told in `splits`.
        """
        told = answered or {}
        known = frozenset(told) if asks_kin else self._consequences.settled(told)
        found: dict[str, Question] = {}
        leading = np.argsort(-probabilities, kind="stable")[:shown]
        for modality in sorted(modalities) or [""]:
            table = self._table(modality)
            if not table.terms:
                continue
            gains, yes = _gains(table, probabilities, _of_terms(table, modality, trust))
            taken = 0
            for at in np.argsort(-gains, kind="stable"):
                term = table.terms[at]
                if taken == count or gains[at] <= 0:
                    break
                if term.id in known or not term.is_seen_in(regions):
                    continue
                taken += 1
                if term.id not in found or gains[at] > found[term.id].gain:
                    found[term.id] = Question(
                        term=term,
                        modality=modality,
                        gain=float(gains[at]),
                        p_yes=float(yes[at]),
                        splits=self._splits(
                            table, int(at), leading, _of(trust, modality, term.kind)
                        ),
                    )
        return sorted(found.values(), key=lambda q: (-q.gain, q.term.id))[:count]

    def _splits(
        self, table: _Table, at: int, leading: Sequence[int] | NDArray[np.intp], trust: Trust
    ) -> dict[str, float]:
        end = table.starts[at + 1] if at + 1 < len(table.starts) else len(table.rows)
        here = slice(table.starts[at], end)
        listed = dict(zip(table.rows[here].tolist(), table.frequencies[here].tolist(), strict=True))
        unlisted = float(table.backgrounds[at])
        return {self._ids[row]: trust.says_yes(listed.get(int(row), unlisted)) for row in leading}

    def _table_of(self, modality: str) -> _Table:
        terms = tuple(
            term
            for term in self._vocabulary.terms.values()
            if (term.id, modality) in self._listed and (not modality or modality in term.modality)
        )
        parts = [self._listed[term.id, modality] for term in terms]
        sizes = np.array([len(rows) for rows, _ in parts], dtype=np.intp)
        backgrounds = np.array([term.background for term in terms])
        return _Table(
            terms=terms,
            starts=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp),
            rows=np.concatenate([rows for rows, _ in parts]) if parts else np.zeros(0, np.intp),
            frequencies=np.concatenate([f for _, f in parts]) if parts else np.zeros(0),
            backgrounds=backgrounds,
            weights=np.array(
                [DISTRIBUTION_WEIGHT if t.kind == "distribution" else 1.0 for t in terms]
            ),
        )


def _of(trust: Answerer, modality: str, kind: str) -> Trust:
    return trust if isinstance(trust, Trust) else trust(modality, kind)


def _of_terms(table: _Table, modality: str, trust: Answerer) -> tuple[_Values, _Values]:
    """(terms,) P(yes | there) and (terms,) P(yes | not there)."""
    by_kind = {kind: _of(trust, modality, kind) for kind in {t.kind for t in table.terms}}
    trusts = [by_kind[term.kind] for term in table.terms]
    return np.array([t.sensitivity for t in trusts]), np.array([1 - t.specificity for t in trusts])


def _gains(
    table: _Table, probabilities: _Values, says_yes: tuple[_Values, _Values]
) -> tuple[_Values, _Values]:
    """(terms,) bits, and (terms,) P(yes).

    Args:
        says_yes: (terms,) P(yes | there) and (terms,) P(yes | not there).
    """
    sizes = np.diff(np.append(table.starts, len(table.rows)))
    if_there, if_not = says_yes
    unlisted = if_not + (if_there - if_not) * table.backgrounds
    listed = np.repeat(if_not, sizes) + np.repeat(if_there - if_not, sizes) * table.frequencies
    weight = (probabilities / probabilities.sum())[table.rows]

    def mean(of_listed: _Values, of_unlisted: _Values) -> _Values:
        """Over all diseases: what is not listed has one value, so only the listed ones differ."""
        moved = np.add.reduceat(weight * (of_listed - np.repeat(of_unlisted, sizes)), table.starts)
        return np.asarray(of_unlisted + moved)

    yes = np.clip(mean(listed, unlisted), 0.0, 1.0)
    kept = mean(entropy(listed), entropy(unlisted))
    return table.weights * np.maximum(entropy(yes) - kept, 0.0), yes


def entropy(p: _Values) -> _Values:
    """Of a yes of probability p, or a no, bits; elementwise."""
    safe = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(-safe * np.log2(safe) - (1 - safe) * np.log2(1 - safe))
