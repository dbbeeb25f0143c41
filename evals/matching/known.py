"""Outside knowledge of names: which names one disease bears, what is a kind of what."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from evals.matching.compare import best, compare, sides_clash
from evals.matching.level import Level
from evals.matching.names import keys, words
from evals.matching.parts import Parts, read_claim


@dataclass(frozen=True, kw_only=True, slots=True)
class Disease:
    """One disease of a knowledge base or an ontology.

    Attributes:
        names: Exact names of it.
        narrower: Names of its kinds, as far as they are given by name alone.
        parents: Ids of what it is directly a kind of.
    """

    id: str
    names: tuple[str, ...]
    narrower: tuple[str, ...] = ()
    parents: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Diseases by their names; a name that two of them bear stands for neither.

    Attributes:
        diseases: By id.
        by_name: Key or parts of a name to the id of the one disease that bears it.
        by_kind: Key or parts of a narrower name to the ids of the diseases that cover it.
    """

    diseases: Mapping[str, Disease]
    by_name: Mapping[object, str]
    by_kind: Mapping[object, frozenset[str]] = field(default_factory=dict)

    def ids(self, name: str) -> frozenset[str]:
        """The diseases that a name stands for: one at most, unless it gives two names itself."""
        return frozenset(self.by_name[sign] for sign in signs(name) if sign in self.by_name)

    def covering(self, name: str) -> frozenset[str]:
        """The diseases that have the name as one of their kinds."""
        if not self.by_kind:
            return frozenset()
        return frozenset().union(*(self.by_kind.get(sign, frozenset()) for sign in signs(name)))

    def above(self, disease: str) -> frozenset[str]:
        """Every disease that this one is a kind of."""
        found: set[str] = set()
        todo = [disease]
        while todo:
            for parent in self.diseases[todo.pop()].parents:
                if parent in self.diseases and parent not in found:
                    found.add(parent)
                    todo.append(parent)
        return frozenset(found)

    def target(self, anchors: Sequence[str]) -> Target:
        """The truth in this knowledge.

        Args:
            anchors: The truth's names, each of which is the whole truth.
        """
        ids = frozenset().union(*map(self.ids, anchors))
        parents = (self.diseases[each].parents for each in ids)
        names = (name for each in ids for name in self.diseases[each].names)
        return Target(
            known=self,
            ids=ids,
            parents=frozenset().union(*parents, *map(self.covering, anchors)),
            parts=tuple(parts for name in names for parts in _single(name)),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A truth in a source of outside knowledge.

    Attributes:
        ids: The diseases that it is.
        parents: The diseases that it is directly a kind of.
        parts: Readings of all names of the diseases that it is.
    """

    known: Known
    ids: frozenset[str]
    parents: frozenset[str]
    parts: tuple[Parts, ...]

    def level(self, item: str) -> Level | None:
        """The level of an item: L1, L2, L3, or None where this source says nothing."""
        if not self.ids and not self.parents:
            return None
        ours = self.known.ids(item)
        if ours & self.ids:
            return Level.L1
        if self.known.covering(item) & self.ids:
            return Level.L2
        if any(self.known.above(each) & self.ids for each in ours):
            return Level.L2
        if best(_single(item), self.parts) is Level.L2:
            return Level.L2
        return Level.L3 if ours & self.parents else None


def know(diseases: Iterable[Disease], *, by_parts: bool = True) -> Known:
    """Index the names of diseases; what two of them share stands for neither.

    Args:
        diseases: Each with an id of its own.
        by_parts: Whether a name is also found by its parts, in another order of words. Reading the
            hundred thousand names of an ontology in parts takes half a minute.
    """
    strict = signs_of if by_parts else keys
    by_id = {disease.id: disease for disease in diseases}
    is_collecting = gc.isenabled()
    gc.disable()  # a hundred thousand new objects, none of them garbage: looking takes long
    try:
        return Known(
            diseases=by_id,
            by_name=_unique(
                (d.id, sign) for d in by_id.values() for n in d.names for sign in strict(n)
            ),
            by_kind=_gathered(
                (d.id, sign) for d in by_id.values() for n in d.narrower for sign in strict(n)
            ),
        )
    finally:
        if is_collecting:
            gc.enable()


@lru_cache(maxsize=65536)
def signs_of(name: str) -> frozenset[object]:
    """What a name is found by: its words, and its parts with nothing left out."""
    claim = read_claim(name)
    if claim.denied or len(claim.alternatives) != 1:
        return frozenset(keys(name))
    return frozenset((*keys(name), *claim.alternatives[0]))


@lru_cache(maxsize=65536)
def signs(name: str) -> frozenset[object]:
    """What a name is looked up by: as `signs_of`, and without what changes nothing.

    The side, "acute" and "benign" are left out only when what is left names one disease.
    """
    found = set(signs_of(name))
    claim = read_claim(name)
    if len(claim.alternatives) == 1 and not claim.denied:
        for parts in claim.alternatives[0]:
            bare = replace(
                parts,
                sides=frozenset(),
                timing=parts.timing - {"acute"},
                kinds=parts.kinds - {"benign"},
            )
            if compare(parts, bare) is Level.L1:
                found.add(bare)
    return frozenset(found)


def clash(names: Sequence[Parts], others: Sequence[Parts]) -> bool:
    """Whether two names give opposite sides, or other numbers, whatever disease they name."""
    return any(
        sides_clash(one, other)
        or (one.numbers and other.numbers and one.numbers.isdisjoint(other.numbers))
        for one in names
        for other in others
    )


def _single(name: str) -> tuple[Parts, ...]:
    alternatives = read_claim(name).alternatives
    return alternatives[0] if len(alternatives) == 1 else ()


def words_of(known: Known) -> frozenset[str]:
    """Every word of every name, as names.words spells it."""
    return frozenset(
        word
        for disease in known.diseases.values()
        for name in (*disease.names, *disease.narrower)
        for word in words(name)
    )


def _unique(pairs: Iterable[tuple[str, object]]) -> Mapping[object, str]:
    found: dict[object, str] = {}
    shared: set[object] = set()
    for disease, sign in pairs:
        if found.setdefault(sign, disease) != disease:
            shared.add(sign)
    return {sign: disease for sign, disease in found.items() if sign not in shared}


def _gathered(pairs: Iterable[tuple[str, object]]) -> Mapping[object, frozenset[str]]:
    found: dict[object, set[str]] = {}
    for disease, sign in pairs:
        found.setdefault(sign, set()).add(disease)
    return {sign: frozenset(diseases) for sign, diseases in found.items()}
