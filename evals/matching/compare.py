"""How near one disease's name is to another's, by their parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from evals.matching.level import Level
from evals.matching.parts import Parts
from evals.matching.vocabulary import Vocabulary, load_vocabulary

# One-word diseases of which a place makes a kind: a hemangioma of the liver is a hemangioma, but
# pulmonary hypertension is no kind of hypertension.
_PLACED = re.compile(
    r"\w*(oma|sarcoma|abscess|cyst|fracture|aneurysm|metastasis|embolism|thrombosis|infarction|"
    r"hemorrhage|laceration|contusion|rupture|perforation|dissection|dislocation|diverticulum|polyp|"
    r"tumor|tuberculosis|sarcoidosis|amyloidosis|endometriosis|lymphoma|volvulus|intussusception|"
    r"atresia|agenesis|tear|osteomyelitis|torsion|injury|teratoma|calculus|hamartoma|stenosis)"
)
_MALIGNANT = re.compile(
    r"\w*(carcinoma|sarcoma|lymphoma|blastoma|melanoma|myeloma|leukemia|metastasis)\w*"
)
_TELLING = frozenset({"benign", "malignant", "metastatic"})  # no kind of what is named without them


ORDER = (Level.L0, Level.L1, Level.L2, Level.L3, Level.L4, Level.DIFFERENT)


def best(names: Sequence[Parts], others: Sequence[Parts]) -> Level | None:
    """The nearest level between any reading of one name and any of another."""
    found = [
        level for one in names for other in others if (level := compare(one, other)) is not None
    ]
    return min(found, key=ORDER.index, default=None)


def compare(item: Parts, truth: Parts) -> Level | None:
    """The level of an item against one name of the truth.

    Returns:
        L1, L2, L3 or L4; DIFFERENT where the same disease is named with another side, number,
        vertebra or an opposed kind; None where the names share nothing that decides.
    """
    if item.others or truth.others:
        return _compound(item, truth)
    return _single(item, truth)


def _compound(item: Parts, truth: Parts) -> Level | None:
    """Names of several parts: "A with B", "A due to B", "A and B".

    All parts of both alike is the same. The truth with something that goes with it ("A with B" for
    A) is narrower; "A and B" for A claims a second disease, and is a component as B is of "A with
    B".
    """
    ours = [("", replace(item, others=())), *item.others]
    theirs = [("", replace(truth, others=())), *truth.others]
    if any(kind == "without" for kind, _ in (*ours, *theirs)):
        return Level.L1 if item == truth else None
    near = [[_single(mine, other) for _, other in theirs] for _, mine in ours]
    right = [[level in (Level.L1, Level.L2) for level in row] for row in near]
    if len(ours) == len(theirs) and _is_matched(right):
        if not right[0][0] and not _may_turn(item, truth):
            return Level.DIFFERENT
        return Level.L2 if any(Level.L2 in row for row in near) else Level.L1
    if near[0][0] is Level.DIFFERENT:
        return Level.DIFFERENT
    if right[0][0] and not truth.others and all(kind != "and" for kind, _ in item.others):
        return Level.L2
    return Level.L4 if any(any(row) for row in right) else None


def _is_matched(right: list[list[bool]]) -> bool:
    """Whether every one of ours has one of theirs and the reverse."""
    return all(map(any, right)) and all(map(any, zip(*right, strict=True)))


def _may_turn(item: Parts, truth: Parts) -> bool:
    """Whether "A with B" may stand for "B due to A": not where both say what is the cause."""
    ours, theirs = ({kind for kind, _ in parts.others} for parts in (item, truth))
    return ours != theirs or ours <= {"with", "and"}


def _single(item: Parts, truth: Parts) -> Level | None:
    if item.core != truth.core or not item.core:
        return None
    vocabulary = load_vocabulary()
    if _is_opposed(item, truth, vocabulary):
        return Level.DIFFERENT
    empty = frozenset({"benign"} if _may_be_benign(item) else ())
    added, lacking = item.kinds - truth.kinds - empty, truth.kinds - item.kinds - empty
    placed = _places(item, truth, vocabulary)
    if (added and lacking) or added & _TELLING or placed is None:
        return None
    sided = _sides(item, truth, vocabulary)
    harmless = frozenset() if _is_timed(item, vocabulary) else frozenset({"acute"})
    more = any(
        (added, item.numbers - truth.numbers, item.levels - truth.levels, placed[0], sided[0],
         item.timing - truth.timing - harmless)
    )  # fmt: skip
    less = any(
        (lacking, truth.numbers - item.numbers, truth.levels - item.levels, placed[1], sided[1],
         truth.timing - item.timing - harmless)
    )  # fmt: skip
    if more and less:
        return None
    if more:
        return Level.L2
    return Level.L3 if less else Level.L1


def around(sites: frozenset[str]) -> frozenset[str]:
    """The sites and those that they lie in."""
    within = load_vocabulary().within
    return sites.union(*(within.get(site, frozenset()) for site in sites))


def sides_clash(item: Parts, truth: Parts) -> bool:
    """Whether one names the left and the other the right."""
    ours, theirs = item.bare_sides, truth.bare_sides
    if not ours or not theirs:
        return False
    if len(item.sides) > 1 or len(truth.sides) > 1:
        return item.sides != truth.sides
    return ours != theirs


def _is_opposed(item: Parts, truth: Parts, vocabulary: Vocabulary) -> bool:
    """Whether the two give one disease another side, number, vertebra or an opposed kind."""
    if sides_clash(item, truth):
        return True
    for ours, theirs in ((item.numbers, truth.numbers), (item.levels, truth.levels)):
        if ours and theirs and not (ours <= theirs or theirs <= ours):
            return True
    if bool(item.numbers) != bool(truth.numbers) and _is_numbered(item):
        return True  # "Arnold-Chiari malformation type 1" is no Chiari 2 malformation
    said, true = item.kinds | item.timing, truth.kinds | truth.timing
    return any(
        said & together and true & together and not said & true & together
        for together in vocabulary.opposed
    )


def _is_numbered(parts: Parts) -> bool:
    """Whether the disease's own name holds a number: "Chiari 2 malformation"."""
    return any(word.isdecimal() for token in parts.core for word in token.split("_"))


def _may_be_benign(parts: Parts) -> bool:
    return not any(_MALIGNANT.fullmatch(token) for token in parts.core)


def _is_timed(parts: Parts, vocabulary: Vocabulary) -> bool:
    said = {word for token in parts.core for word in token.split("_")} | parts.sites
    return any(said.issuperset(term.split("_")) for term in vocabulary.timed)


def _places(item: Parts, truth: Parts, vocabulary: Vocabulary) -> tuple[bool, bool] | None:
    """Whether the item says more of where, and whether it says less; None for another place."""
    within = vocabulary.within
    lacking = {
        there
        for there in truth.sites - item.sites
        if not any(there in within.get(here, ()) for here in item.sites)
    }
    added = {
        here
        for here in item.sites - truth.sites
        if not any(here in within.get(there, ()) for there in truth.sites)
    }
    if lacking and added:
        return None
    is_placed = len(item.core) > 1 or truth.sites or _PLACED.fullmatch(item.core[0])
    if added and not is_placed:
        return None
    return bool(added), bool(lacking)


def _sides(item: Parts, truth: Parts, vocabulary: Vocabulary) -> tuple[bool, bool]:
    if item.bare_sides == truth.bare_sides:
        return False, False
    named = item.sites | truth.sites | item.kinds | truth.kinds | set(item.core)
    is_paired = any(
        site in named or set(site.split("_")) <= named for site in vocabulary.paired
    ) or any(p in token.split("_") for p in vocabulary.paired for token in item.core)
    if is_paired:
        return False, False
    return bool(item.sides and not truth.sides), bool(truth.sides and not item.sides)
