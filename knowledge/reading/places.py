"""Where a sentence puts each of the terms in it: "distal radius", "L4/5", "upper lobe"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.reading.clauses import SMALL, Clauses, folded
from knowledge.reading.families import ANATOMY, FINDINGS, SEEN, key
from knowledge.reading.gazetteer import ACRONYMS, DIRECTIONS, ORGANS, PARTS, PLACES, WHOLE
from knowledge.words import Token, forms

_SIDES = folded("left right both bilateral either each")
_LOCATING = folded("in of at within on along throughout involving affecting behind over near from")
_OWN = folded("quadrant lobe")  # parts that tell their organ
_LIKE = folded("shaped like")
_NODAL = re.compile(r"i{1,3}[ab]?|iv[ab]?|v[abi]?|[1-8][ab]?")
_SPINAL = re.compile(
    r"\b(?:C[1-7]|T(?:[3-9]|1[0-2])|L[1-5]|S[1-5]|T[12](?=\s*[/-]\s*(?:T?[123]\b)))"
    r"(?:\s?[/\u2013-]\s?(?:[CTLS]?(?:1[0-2]|[1-9]))\b)?"
)
_CLOCK = re.compile(r"\b\d{1,2}(?:[:.]\d\d)?(?:\s?-\s?\d{1,2})? o.?clock\b")
_EXACT = re.compile(f"(?:{_SPINAL.pattern})|(?:{_CLOCK.pattern})")
_NO_PLACE = SMALL | folded(
    "and or but without with no not which same other remaining whole entire visualised visualized "
    "this that these patient man woman child image view phase keeping association study comparison "
    "setting region context diffuse several multiple all most many almost"
)
_BARE = frozenset({" ", "-", ""})
_MOST_WORDS = 7
_PLACE_WORDS = frozenset(word for phrase in PLACES for word in phrase if len(word) > 2)
_LONGEST = max(map(len, PLACES))
_FIRST = {phrase[0] for phrase in PLACES | WHOLE}


@dataclass(frozen=True, slots=True)
class Place:
    """A place named in a sentence.

    Attributes:
        text: Its words, singular, without the side.
        start, stop: Its first token and one past its last.
        is_located: Whether an "in" or "of" stands before it.
        is_whole: Whether it is a whole organ.
        is_level: Whether it is a spinal level or an hour of the clock.
    """

    text: str
    start: int
    stop: int
    is_located: bool
    is_whole: bool
    is_level: bool

    @property
    def keys(self) -> frozenset[str]:
        """What it is compared by."""
        return frozenset(map(key, forms(self.text)))


def places(sentence: str, words: Sequence[Token]) -> list[Place]:
    """Every place named in a sentence, in order."""
    starts = {word.start: index for index, word in enumerate(words)}
    exact: dict[int, int] = {}
    for match in _EXACT.finditer(sentence):
        if match.start() in starts:
            first = starts[match.start()]
            stop = first + 1
            while stop < len(words) and words[stop].start < match.end():
                stop += 1
            exact[first] = stop
    found: list[Place] = []
    at = 0
    while at < len(words):
        end = exact.get(at) or max(_phrase(words, at) or 0, _located(sentence, words, at)) or None
        if end is None or (end < len(words) and words[end].form in _LIKE):  # "thumb-shaped"
            at += 1
            continue
        stop = end if at in exact else _goes_on(words, end)
        found.append(_place(sentence, words, at, stop, is_exact=at in exact))
        at = stop
    return found


def _phrase(words: Sequence[Token], at: int) -> int | None:
    """One past the last token of a place that begins here; None when none does."""
    form = words[at].form
    if form in ACRONYMS:
        return at + 1
    if form == "level" and at + 1 < len(words) and _NODAL.fullmatch(words[at + 1].form):
        return at + 2
    if form == "segment" and at + 1 < len(words) and _NODAL.fullmatch(words[at + 1].form):
        return at + 2
    stop = at
    directed = False
    while stop < len(words) and words[stop].form in DIRECTIONS | _SIDES:
        directed |= words[stop].form in DIRECTIONS
        stop += 1
    if stop > at and not directed:
        return None  # begins after the side
    named = _named(words, stop)
    organs = stop
    part = 0
    while organs < len(words):
        form = words[organs].form
        if form in PARTS and (directed or organs > stop):
            part = organs + 1
        elif form not in ORGANS and key(form) not in ANATOMY and organs >= named:
            break
        organs += 1
    if part > named:
        return part
    if named > stop and not (directed and organs > named):
        return named
    if directed and organs > stop:
        return organs
    if directed:  # "apical" is a direction and a place
        return _named(words, at) if _named(words, at) > at else None
    return None


def _located(sentence: str, words: Sequence[Token], at: int) -> int:
    """One past the last part of the body in the words after an "in"; 0 when there is none."""
    before = _before(words, at)
    form = words[at].form
    if before < 0 or words[before].form not in _LOCATING or form in _NO_PLACE | _SIDES:
        return 0
    if key(form) in SEEN or form.endswith(("ed", "ing")):
        return 0
    last = 0
    for index in range(at, min(at + _MOST_WORDS, len(words))):
        form = words[index].form
        is_broken = index > at and sentence[words[index - 1].end : words[index].start] not in _BARE
        if is_broken or form in _NO_PLACE or form[0].isdigit():
            break
        if form in FINDINGS or key(form) in SEEN:  # "of the pleural effusion"
            return 0
        is_known = form in ORGANS or form in PARTS or form in _PLACE_WORDS
        if (is_known and form not in DIRECTIONS) or key(form) in ANATOMY:
            last = index + 1
    return last


def _before(words: Sequence[Token], at: int) -> int:
    """The token before a place, its article and side passed over; -1 when there is none."""
    before = at - 1
    while before >= 0 and words[before].form in _SIDES | {"the", "a", "an"}:
        before -= 1
    return before


def _named(words: Sequence[Token], at: int) -> int:
    """One past the longest name of a place or organ that begins here, or the token itself."""
    if at < len(words) and words[at].form in _FIRST:
        for length in range(min(_LONGEST, len(words) - at), 0, -1):
            phrase = tuple(word.form for word in words[at : at + length])
            if phrase in PLACES or phrase in WHOLE:
                return at + length
    return at


def _goes_on(words: Sequence[Token], stop: int) -> int:
    """Past an "of the upper lobe" that goes on with the place."""
    after = stop + 1
    if after < len(words) and words[stop].form == "of":
        while after < len(words) and (words[after].form == "the" or words[after].form in _SIDES):
            after += 1
        end = _phrase(words, after) if after < len(words) else None
        if end is None and after < len(words) and key(words[after].form) in ANATOMY:
            end = after + 1
        if tuple(word.form for word in words[after:end]) in WHOLE and words[stop - 1].form in _OWN:
            end = None
        if end is not None:
            return end
    return stop


def _place(
    sentence: str, words: Sequence[Token], start: int, stop: int, *, is_exact: bool
) -> Place:
    before = _before(words, start)
    mine = [word for word in words[start:stop] if word.form not in _SIDES and word.form != "the"]
    if is_exact:
        text = sentence[words[start].start : words[stop - 1].end]
    else:
        text = " ".join(_simple(sentence, word, is_last=word is mine[-1]) for word in mine)
    if before >= 0 and words[before].form == "behind":
        text = f"behind the {text}"
    return Place(
        text=text,
        start=start,
        stop=stop,
        is_located=before >= 0 and words[before].form in _LOCATING,
        is_whole=tuple(word.form for word in mine) in WHOLE,
        is_level=is_exact,
    )


def _simple(sentence: str, word: Token, *, is_last: bool) -> str:
    written = sentence[word.start : word.end]
    if word.form in ACRONYMS:
        return ACRONYMS[word.form]
    if len(written) > 1 and (written.isupper() or any(c.isdigit() for c in written)):
        return written
    if is_last and key(word.form) in ANATOMY:
        return key(word.form)
    return word.form if written.endswith("s") else written.lower()


def attach(
    found: Sequence[Place], heads: Sequence[int], clauses: Clauses
) -> list[tuple[Place, ...]]:
    """The places that may be those of each finding, the likeliest first.

    A place behind an "in" belongs to the finding before it, another to the one after it, within a
    segment; one in a segment without a finding to the nearest before. One that opens the sentence,
    and a spinal level, hold for what comes after.

    Args:
        found: The places.
        heads: The token of each finding, in order.
        clauses: The sentence in segments.
    """
    given: dict[int, list[Place]] = {head: [] for head in heads}
    general: list[tuple[int, Place]] = []
    for place in found:
        at = place.start
        same = [h for h in heads if clauses.segment[h] == clauses.segment[at]]
        before = [h for h in heads if h < place.stop]
        if same:
            earlier = [h for h in same if h < at]
            later = [h for h in same if h >= at]
            if earlier and (place.is_located or not later):
                chosen = [h for h in earlier if earlier[-1] - h <= 1]
            else:
                chosen = [*later[:1]]
        elif before:
            chosen = [*before[-1:]] if clauses.lists(before[-1], at) else []
        else:
            chosen = []
            if not place.is_whole:
                general.append((at, place))
        if place.is_level:
            chosen += [h for h in heads if h > at and clauses.goes_with(at, h)]
        for head in chosen:
            given[head].append(place)
    return [
        (*given[head], *(place for at, place in reversed(general) if at < head)) for head in heads
    ]
