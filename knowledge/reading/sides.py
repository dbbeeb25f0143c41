"""On which side a sentence puts each of the terms in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge.reading.context import TERM, Masked
from knowledge.reading.cues import PLACE, STATEMENT_END, folded, whole_words

Side = Literal["left", "right", "bilateral", ""]

_LEFT = frozenset({"left", "lul", "lll", "l", "lt"})
_RIGHT = frozenset({"right", "rul", "rll", "rml", "r", "rt"})
_BOTH = frozenset(
    {"bilateral", "bilaterally", "both", "bibasilar", "bibasal", "bilat", "biapical", "bihilar"}
)
_STOP = whole_words(rf"[,:()]|and|or|{STATEMENT_END}")
_PLACE_BEFORE = re.compile(rf"(?:^| ){folded(PLACE)} $")
_PLACE_AFTER = re.compile(rf" {folded(PLACE)}(?!\S)")
_ONLY_PLACE = re.compile(
    rf"(?: (?:{folded(PLACE)}|(?:on|in|at|the|of|more|greater|larger|worse|than|lung|only|"
    rf"predominantly|mainly|chest))(?!\S))+ ?"
)
_PLACED = re.compile(
    r" (?:on|in|at|of|to) (?:the )?(?:\w+ )?(?:left|right|both)(?: and right)?(?!\S)"
)


_LYING = re.compile(
    r"(?:^| )(?:in|of|on|at|through|throughout|within|involving|affecting) (?:the )?(?:\w+ )?"
    r"(?:left|right|both)(?!\S)"
)
_TOWARDS = re.compile(r"(?:(?<=^)|(?<= ))to(?:ward)? the (?:left|right)(?!\S)(?! \w*(?:side|of))")
_OF_IT = re.compile(
    r"(?:^| )(?:its|their|them|there(?! (?:is|are|was|were|has|have|may|might)(?!\S)))(?!\S)"
)
# "The right kidney is small, with ..." speaks of the right throughout.
_SUBJECT = re.compile(
    r"(?:the )?(left|right|both|bilateral) (?:(?!TERM)\w+ ){1,3}?"
    r"(?:is|are|was|were|has|have|show|showed|contain|appear|demonstrate|:)(?!\S)"
)
_OTHERWISE = whole_words("left|right|both|other|opposite|contralateral|but|however|while|whereas")
_LIST = frozenset({",", "and", "or"})


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the sentence that has a side of its own, and the word or mark before it."""

    low: int
    high: int
    link: str


def sides(
    sentence: Masked, own: Sequence[tuple[int, tuple[str, ...], tuple[int, ...]]]
) -> list[Side]:
    """The side of each finding, in order.

    Args:
        own: For each finding: the number of its masked phrase, its own words, which may name a
            side themselves, and the tokens that they are.
    """
    return _Sides(sentence, own).all()


class _Sides:
    def __init__(
        self, sentence: Masked, own: Sequence[tuple[int, tuple[str, ...], tuple[int, ...]]]
    ) -> None:
        self._sentence = sentence
        self._text = sentence.text
        self._own = own
        self._pieces = _pieces(sentence.text)
        self._words: dict[int, set[str]] = {}
        for number, words, _ in own:
            self._words.setdefault(number, set()).update(words)

    def all(self) -> list[Side]:
        found = [
            self._in_piece(number, set(words)) or self._elsewhere(at)
            for number, words, at in self._own
        ]
        of_phrase: dict[int, Side] = {}
        for (number, _, _), side in zip(self._own, found, strict=True):
            of_phrase[number] = of_phrase.get(number) or side
        return [
            side or self._inherited(number, of_phrase)
            for (number, _, _), side in zip(self._own, found, strict=True)
        ]

    def _piece_of(self, number: int) -> int:
        start, end = self._sentence.at[number]
        return next(
            i for i, piece in enumerate(self._pieces) if piece.low <= start and end <= piece.high
        )

    def _in_piece(self, number: int, own: set[str]) -> Side:
        start, end = self._sentence.at[number]
        mine = self._piece_of(number)
        piece = self._pieces[mine]
        before, after = self._text[piece.low : start], self._text[end : piece.high]
        earlier, later = before.rfind(TERM), after.find(TERM)
        if earlier >= 0:  # "X on the left over Y": the left belongs to X
            before = _PLACED.sub("", before[earlier + len(TERM) :])
        if later >= 0:
            next_words = self._words.get(number + 1, set())
            if set(after[:later].split()) <= next_words:  # "bronchiectasis", "in both upper lobes"
                own = own | next_words
            after = " ".join(_PLACED.findall(after[:later]))
        found = _named(own | {*before.split(), *after.split()})
        for beside in (mine + 1, mine - 1):  # "X, left more than right"; "On the left, X"
            if not found and 0 <= beside < len(self._pieces):
                part = self._part(beside)
                if _ONLY_PLACE.fullmatch(f" {part.strip()} "):
                    found = _named(set(part.split()))
        return found

    def _part(self, piece: int) -> str:
        return self._text[self._pieces[piece].low : self._pieces[piece].high]

    def _elsewhere(self, at: tuple[int, ...]) -> Side:
        """The side beside another word of the finding: "both ovaries are enlarged"."""
        words: set[str] = set()
        for number, piece in enumerate(self._pieces):
            if any(piece.low <= self._sentence.words[t] < piece.high for t in at if t >= 0):
                words |= _around(self._part(number))
        return _named(words)

    def _inherited(self, number: int, of_phrase: Mapping[int, Side]) -> Side:
        """The side of what the finding goes with, of what it heads, or of a heading."""
        mine = self._piece_of(number)
        for after in range(mine + 1, len(self._pieces)):  # "cysts, thin-walled, in both lungs"
            part = self._part(after)
            if TERM in part or self._pieces[after].link not in _LIST:
                break
            if _LYING.search(part):
                return _named(_around(part))
        is_of_it = _OF_IT.search(self._part(mine)) is not None
        for back in range(mine, 0, -1):  # "stone on the left with hydronephrosis"
            link = self._pieces[back].link
            if link == "with" or (is_of_it and link in _LIST):
                last = self._last_phrase(back - 1)
                return of_phrase.get(last, "") if last is not None else ""
            if link not in _LIST:
                break
        start = self._sentence.at[number][0]
        heading = self._text.find(" :")
        if 0 < heading < start and TERM not in self._text[:heading]:
            return _named(set(self._text[:heading].split()))
        subject = _SUBJECT.match(self._text)
        if subject and not _OTHERWISE.search(self._text, subject.end(1), start):
            return _named({subject.group(1)})
        return ""

    def _last_phrase(self, piece: int) -> int | None:
        low, high = self._pieces[piece].low, self._pieces[piece].high
        inside = [i for i, (start, _) in enumerate(self._sentence.at) if low <= start < high]
        return inside[-1] if inside else None


def _pieces(text: str) -> list[_Piece]:
    """Where the sentence falls apart into parts that each have a side of their own."""
    stops = [(m.start(), m.end()) for m in _STOP.finditer(text)]
    pieces: list[_Piece] = []
    start, link = 0, ""
    for number, (at, after) in enumerate(stops):
        until = stops[number + 1][0] if number + 1 < len(stops) else len(text)
        joins_places = (
            text[at:after] in {"and", "or", ","}
            and _PLACE_BEFORE.search(text, start, at)
            and _PLACE_AFTER.match(text, after)
            and not (TERM in text[start:at] and TERM in text[after:until])
        )
        if not joins_places:
            pieces.append(_Piece(start, at, link))
            start, link = after, text[at:after]
    pieces.append(_Piece(start, len(text), link))
    return pieces


def _around(words: str) -> set[str]:
    """Words that may name a side; "shifted to the left" names a direction."""
    return set(_TOWARDS.sub("", words).split())


def refers_back(words: Collection[str]) -> bool:
    """Whether folded words speak of what was said before: "its", "there"."""
    return _OF_IT.search(" ".join(words)) is not None


def named_side(words: Collection[str]) -> Side:
    """The side that folded words name; "" when they name none."""
    return _named(set(words))


def _named(words: set[str]) -> Side:
    if words & _BOTH or (words & _LEFT and words & _RIGHT) or {"either", "side"} <= words:
        return "bilateral"
    if words & _LEFT:
        return "left"
    return "right" if words & _RIGHT else ""
