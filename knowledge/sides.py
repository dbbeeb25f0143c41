"""On which side a sentence puts each of the terms in it."""

from __future__ import annotations

import re
from typing import Literal

from knowledge.context import Masked
from knowledge.cues import PLACE, STATEMENT_END, folded, whole_words

Side = Literal["left", "right", "bilateral", ""]

_LEFT = frozenset({"left", "lul", "lll"})
_RIGHT = frozenset({"right", "rul", "rll", "rml"})
_BOTH = frozenset({"bilateral", "bilaterally", "both", "bibasilar", "bibasal"})
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


def sides(sentence: Masked, own: tuple[tuple[str, ...], ...]) -> list[Side]:
    """The side of each masked phrase, in order.

    Args:
        own: The words of each phrase, which may name a side themselves.
    """
    pieces = _pieces(sentence)
    return [_side(sentence, number, pieces, set(words)) for number, words in enumerate(own)]


def _pieces(sentence: Masked) -> list[tuple[int, int]]:
    """Where the sentence falls apart into parts that each have a side of their own."""
    text = sentence.text
    stops = [(m.start(), m.end()) for m in _STOP.finditer(text)]
    pieces: list[tuple[int, int]] = []
    start = 0
    for number, (at, after) in enumerate(stops):
        until = stops[number + 1][0] if number + 1 < len(stops) else len(text)
        joins_places = (
            text[at:after] in {"and", "or", ","}
            and _PLACE_BEFORE.search(text, start, at)
            and _PLACE_AFTER.match(text, after)
            and not ("TERM" in text[start:at] and "TERM" in text[after:until])
        )
        if not joins_places:
            pieces.append((start, at))
            start = after
    pieces.append((start, len(text)))
    return pieces


def _side(sentence: Masked, number: int, pieces: list[tuple[int, int]], own: set[str]) -> Side:
    text = sentence.text
    start, end = sentence.at[number]
    mine = next(i for i, (low, high) in enumerate(pieces) if low <= start and end <= high)
    low, high = pieces[mine]
    before, after = text[low:start], text[end:high]
    earlier, later = before.rfind("TERM"), after.find("TERM")
    if earlier >= 0:  # "X on the left over Y": the left belongs to X
        before = _PLACED.sub("", before[earlier + 4 :])
    if later >= 0:
        after = " ".join(_PLACED.findall(after[:later]))
    found = _named(own | {*before.split(), *after.split()})
    for beside in (mine + 1, mine - 1):  # "X, left more than right"; "On the left, X"
        if not found and 0 <= beside < len(pieces):
            part = text[slice(*pieces[beside])]
            if _ONLY_PLACE.fullmatch(f" {part.strip()} "):
                found = _named(set(part.split()))
    return found


def _named(words: set[str]) -> Side:
    if words & _BOTH or (words & _LEFT and words & _RIGHT):
        return "bilateral"
    if words & _LEFT:
        return "left"
    return "right" if words & _RIGHT else ""
