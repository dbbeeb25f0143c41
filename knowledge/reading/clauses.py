"""A sentence in segments, each with the finding or the part of the body that it speaks of.

A sentence falls apart at its marks and joining words. A segment that names no finding of its own
lends its words to its neighbours ("renal and hepatic cysts"), and an organ named before holds until
the next ("the pancreas is atrophic, with a dilated duct"). What stands past "without",
"compressing" or "next to" belongs to something else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from knowledge.reading.families import ALSO, ANATOMY, COMMON_PARTS, FINDINGS, LESIONS, key
from knowledge.reading.gazetteer import PLACES
from knowledge.words import Token, fold


def folded(words: str) -> frozenset[str]:
    """A set of words from a line of them."""
    return frozenset(fold(word) for word in words.split())


SMALL = folded(
    "of the in with and to a an at on by for within from is are or that which its their into "
    "has have as be was were seen noted there this these throughout along been some arising"
)
_WEAK = folded("and or")
_MIDDLE = folded("with which showing containing causing producing")
_APART = folded(
    "but however although though while whereas except without no not nor adjacent abutting next "
    "beside compressing displacing obscuring away beyond against near toward surrounding extending "
    "splaying mimicking resembling pushing push displace compress abut touching touche indenting "
    "indent elevating lifting lift splay spread spreading invade encase versus vs rather than "
    "since due because"
)
_FINE = folded("normal unremarkable clear intact preserved patent spared maintained regular")
_DENIAL = folded("no without not nor")
_PREPOSITION = folded("of in within at on from along around to")
# "High T2 signal" is one way of saying hyperintensity, and so with the others.
_DEGREES = {
    "high": "up", "increased": "up", "elevated": "up", "low": "down", "decreased": "down",
    "reduced": "down", "elevation": "up",
}  # fmt: skip
_SCALES = {
    ("up", "signal"): "hyperintensity", ("down", "signal"): "hypointensity",
    ("up", "density"): "hyperdensity", ("down", "density"): "hypodensity",
    ("up", "attenuation"): "hyperdensity", ("down", "attenuation"): "hypodensity",
    ("up", "echogenicity"): "hyperechoic", ("down", "echogenicity"): "hypoechoic",
}  # fmt: skip
_SCALE_WORDS = frozenset(scale for _, scale in _SCALES)
_LEVEL = re.compile(r"c[1-7]|t(?:[3-9]|1[0-2])|l[1-5]|s1")  # T1 and T2 are sequences
_NODAL = re.compile(r"i{1,3}[ab]?|iv[ab]?|v[abi]?|[1-6][ab]?")
_LIST_MARK = re.compile(r"[,()\u2013\u2014]| - ")
# Parts that stand in so many organs that they do not end the talk of one.
_PLAIN_PARTS = COMMON_PARTS | folded("joint bone muscle cortex sinus gland nerve ligament tendon")

_ADJECTIVE = ("al", "ic", "ar", "ary", "ous")
_ORGANS = ANATOMY - _PLAIN_PARTS
_PLACE_WORDS = frozenset(phrase[0] for phrase in PLACES if len(phrase) == 1)


@dataclass(frozen=True, slots=True)
class Held:
    """What the statement before a semicolon was about.

    Attributes:
        keys: The part of the body, as keys.
        is_fine: It was said to be normal: then it has no finding but a denied one.
    """

    keys: frozenset[str] = frozenset()
    is_fine: bool = False


def scaled(keys: Sequence[str]) -> Sequence[str]:
    """The keys with "high ... signal" as one word; the adjective's becomes empty."""
    if _SCALE_WORDS.isdisjoint(keys):
        return keys
    done = list(keys)
    for at, word in enumerate(keys):
        if word not in _SCALE_WORDS:
            continue
        for back in range(at - 1, max(-1, at - 4), -1):
            scale = _SCALES.get((_DEGREES.get(keys[back], ""), word))
            if scale:
                done[at], done[back] = scale, ""
                break
    return done


class Clauses:
    """One sentence in segments.

    Attributes:
        before: What the part before a semicolon was about.
        segment: Of each token, the number of its segment.
        at: Every key, and where it stands.
        cost: How many words that count stand before each token.
    """

    def __init__(self, sentence: str, words: Sequence[Token], before: Held) -> None:
        self.before = before
        self._forms = [word.form for word in words]
        self._keys = [key(form) for form in self._forms]
        self._is_finding = [form in FINDINGS for form in self._forms]
        self.cost = [0]
        self.segment: list[int] = []
        self._links: list[str] = []
        self._apart: list[int] = []
        # Of each segment: names a finding, calls something normal, denies, names an organ.
        self._names: list[bool] = []
        self._fine: list[bool] = []
        self._denies: list[bool] = []
        self._organ: list[bool] = []
        end = 0
        for index, word in enumerate(words):
            form = word.form
            link = _link(sentence[end : word.start], form) if index else "first"
            if link:
                self._links.append(link)
                for flags in (self._names, self._fine, self._denies, self._organ):
                    flags.append(False)
            self.segment.append(len(self._links) - 1)
            if form in _APART:
                self._apart.append(index)
                self._denies[-1] |= form in _DENIAL
            self._names[-1] |= self._is_finding[index]
            self._fine[-1] |= form in _FINE
            self._organ[-1] |= self._keys[index] in _ORGANS or form in _PLACE_WORDS
            self.cost.append(self.cost[-1] + (form not in SMALL and not form[0].isdigit()))
            end = word.end
        self.at = self._index()

    def _index(self) -> Mapping[str, list[int]]:
        at: dict[str, list[int]] = defaultdict(list)
        before = ""
        for index, (said, own, form) in enumerate(
            zip(scaled(self._keys), self._keys, self._forms, strict=True)
        ):
            at[own].append(index)
            if said and said != own:
                at[said].append(index)
            if _LEVEL.fullmatch(form):
                for word in ("spine", "vertebra"):
                    at[word].append(index)
            elif before == "level" and _NODAL.fullmatch(form):
                for word in ("neck", "cervical"):
                    at[word].append(index)
            for word in ALSO.get(form, ()):
                at[word].append(index)
            before = form
        return at

    def held(self) -> Held:
        """The part of the body that the sentence ends on."""
        last = max((s for s, has in enumerate(self._organ) if has), default=None)
        if last is None:
            return self.before
        mine = [k for k, s in zip(self._keys, self.segment, strict=True) if s == last]
        return Held(frozenset(mine) & (ANATOMY | COMMON_PARTS), self._fine[last])

    def lists(self, head: int, other: int) -> bool:
        """Whether only marks, an "and" or a "next to" stand between the segments of two tokens."""
        between = range(self.segment[head] + 1, self.segment[other] + 1)
        return all(self._links[s] in {"weak", "apart"} for s in between)

    def are_in_one(self, tokens: Collection[int]) -> bool:
        """Whether tokens stand in one segment."""
        return len({self.segment[token] for token in tokens}) == 1

    def goes_with(self, head: int, other: int) -> bool:
        """Whether the segment of the second token is joined to the first's by a "with" alone."""
        mine, its = self.segment[head], self.segment[other]
        return its == mine + 1 and self._links[its] == "middle"

    def can_head(self, at: int, own: frozenset[str]) -> bool:
        """Whether a word stands for itself: the air of "air bronchogram" does not."""
        after = at + 1
        return not (
            after < len(self._keys)
            and self.segment[after] == self.segment[at]
            and self._is_finding[after]
            and self._keys[after] not in own
        )

    def anchor(self, head: int, near: Collection[int]) -> int:
        """The token that a denial of the finding governs: the trachea is not *narrowed*."""
        places = ANATOMY | COMMON_PARTS
        after = [at for at in near if at > head and self._keys[at] not in places]
        return max(after) if after and self._keys[head] in places else head

    def reaches(self, head: int, other: int, own: frozenset[str]) -> bool:
        """Whether a word belongs to the head: of its segment, or lent by one without a finding."""
        low, high = min(head, other), max(head, other)
        if any(low < t <= high and self._keys[t] not in own for t in self._apart):
            return False
        mine, its = self.segment[head], self.segment[other]
        if mine == its:
            return not (other < head and self._belongs_to_another(other, head, own))
        first, last = min(mine, its), max(mine, its)
        links = [self._links[s] for s in range(first + 1, last + 1)]
        if links == ["middle"]:
            pair = {self._keys[head], self._keys[other]}
            return self._is_finding[other] and not pair.isdisjoint(LESIONS)
        if not {"weak", "apart"}.issuperset(links):
            return False
        if other > head and not self._stands_alone(other, own):
            return False
        lenders = range(its, mine) if its < mine else range(mine + 1, its + 1)
        return not any(self._names[s] or self._fine[s] for s in lenders)

    def _stands_alone(self, at: int, own: frozenset[str]) -> bool:
        """Whether a word describes what came before: not in "nodule, enlarged liver"."""
        if self._keys[at] in ANATOMY or self._keys[at] in COMMON_PARTS:
            return True
        after = at + 1
        return (
            after == len(self._keys)
            or self.segment[after] != self.segment[at]
            or self._forms[after] in SMALL
            or self._keys[after] in own
        )

    def organs(self, head: int) -> frozenset[str]:
        """The parts of the body that a token's segment, or else the nearest before, speaks of."""
        for segment in range(self.segment[head], -1, -1):
            if self._organ[segment]:
                mine = [k for k, s in zip(self._keys, self.segment, strict=True) if s == segment]
                return _ORGANS.intersection(mine)
        return self.before.keys & _ORGANS

    def _belongs_to_another(self, other: int, head: int, own: frozenset[str]) -> bool:
        """In "soft tissue bulge in the column of air" the tissue goes with the bulge."""
        names = [
            at
            for at in range(other + 1, head)
            if self._is_finding[at] and self._keys[at] not in own
        ]
        return (
            any(self._forms[at] in _PREPOSITION for at in range(names[0], head)) if names else False
        )

    def holds(self, part: int, head: int) -> bool:
        """Whether a part of the body named before is still the one spoken of."""
        its, mine = self.segment[part], self.segment[head]
        if its >= mine or self._organ[mine] or not self._organ[its]:
            return False
        if self._keys[part] not in ANATOMY and self._keys[part] not in COMMON_PARTS:
            return False
        if self._describes(part) or (self._fine[its] and not self._denies[mine]):
            return False
        return not any(self._organ[s] for s in range(its + 1, mine))

    def _describes(self, part: int) -> bool:
        """Whether an organ is only an adjective to another finding: "pleural effusion"."""
        after = part + 1
        return (
            self._forms[part].endswith(_ADJECTIVE)
            and after < len(self._forms)
            and self.segment[after] == self.segment[part]
            and self._is_finding[after]
        )

    def holds_from_before(self, word: str, head: int) -> bool:
        """Whether the part before the semicolon was about this, and nothing else came since."""
        mine = self.segment[head]
        if word not in self.before.keys or any(self._organ[: mine + 1]):
            return False
        return not self.before.is_fine or self._denies[mine]


def _link(gap: str, form: str) -> str:
    """How a segment that begins at a word joins the one before; empty when none begins."""
    is_bare = gap in {" ", "-"}
    if not is_bare and ";" in gap:
        return "strong"
    if form in _APART:  # weak for a wording that has the word itself
        return "apart"
    if form in _MIDDLE or (not is_bare and ":" in gap):
        return "middle"
    return "weak" if form in _WEAK or (not is_bare and _LIST_MARK.search(gap)) else ""
