"""Whether a sentence states, denies, doubts or asks for the phrases in it, and of whom and when.

In the manner of NegEx and ConText (Chapman et al., J Biomed Inform 2001; Harkema et al., J Biomed
Inform 2009): a wording governs what follows or precedes it as far as its statement goes. A comma or
an "and" goes on with the list, or begins a new statement; `_begins_statement` tells which.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.reading.cues import (
    BE,
    CLAUSE_START,
    ITEM_START,
    PLACE,
    RULES,
    STATEMENT_END,
    Rule,
    folded,
    whole_words,
)  # fmt: skip
from knowledge.words import Token

TERM = "TERM"

_CUE = re.compile(
    rf"(?<!\S)(?:{'|'.join(f'(?P<r{i}>{folded(r.words)})' for i, r in enumerate(RULES))})(?!\S)"
)
_STOP = whole_words(rf"[,:()]|and|{STATEMENT_END}")
_ENDS = whole_words(rf"[:]|{STATEMENT_END}")
_BE = whole_words(BE)
_OR = whole_words("or|nor")
_CONNECTED = re.compile(r" (?:and|or|nor)(?!\S)")
_CLAUSE_START = re.compile(rf" {folded(CLAUSE_START)}(?!\S)")
_ITEM_START = re.compile(rf" {folded(ITEM_START)}(?!\S)")
_WORDS = r"(?: (?!and |or |nor |with )\w+){1,6}?"
_SEEN_AFTER = re.compile(
    rf"{_WORDS} (?:{folded(BE)}|noted|seen|present|identified|persist|since)(?!\S)"
)
_PLACED_AFTER = re.compile(rf"{_WORDS} (?:on|in|at) (?:the )?{folded(PLACE)}(?!\S)")
_ONE_AFTER_AND = re.compile(rf"{_WORDS} (?:is|was|has|remain|persist|measure)(?!\S)")
_NOUN = re.compile(r"(?: (?!and |or |of |in |on |at |to |for |with |is |was )\w+){0,3}? TERM(?!\S)")
_MANY = re.compile(r"(?:are|were|have|both|all|not|never|no)(?!\S)")
_STILL = whole_words(r"since|from|compared|than|to|unchanged|stable")
_GOES_ON = re.compile(
    rf"(?: (?!TERM)\w+){{0,4}}? (?:{folded('has|have|is|are|remains|persists|again|unchanged')}"
    r"|stable|increased|decreased|larger|smaller)(?!\S)"
)
_ASKING_END = re.compile(r"(?<!\()\?[\"')\]\s]*$")
_WH = r"(?:what|which|why|how|could|can|would|is (?:this|it)|does (?:this|it))"
# "Cysts and a pneumothorax, what is it?" states the cysts.
_ASKING_START = re.compile(rf"(?!{folded(_WH)} ).*(, (?:and |so )?{folded(_WH)}(?!\S))")
_MARKS = {",": ",", ";": ",", ":": ":", "(": "(", "[": "(", ")": ")", "]": ")", "?": "?"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What its sentence says of a phrase.

    Attributes:
        denied: Said to be absent.
        gone: Absent now, and once there ("has resolved"); never together with denied.
        doubted: Possible, suspected, not excluded.
        weak: A denial that leaves some doubt ("unlikely", "no new").
        asked: Part of a question or a request.
        family: Said of a relative.
        past: Said of an earlier time.
    """

    denied: bool
    gone: bool
    doubted: bool
    weak: bool
    asked: bool
    family: bool
    past: bool


@dataclass(frozen=True, slots=True)
class _Cue:
    rule: Rule
    start: int
    end: int
    limit: int  # where what it governs ahead ends


@dataclass(frozen=True, slots=True)
class Masked:
    """A sentence of folded words and marks with TERM for each phrase.

    Attributes:
        at: Where in the text each TERM stands.
        words: Where in the text each token of the sentence begins; inside a phrase, its TERM.
    """

    text: str
    at: tuple[tuple[int, int], ...]
    words: tuple[int, ...]
    asks: bool


def mask(sentence: str, words: Sequence[Token], phrases: Sequence[tuple[int, int]]) -> Masked:
    """Write a sentence for reading.

    Args:
        sentence: As it stands.
        words: Its tokens.
        phrases: First and one-past-last token of each phrase, in order, without overlap.
    """
    starts = dict(phrases)
    parts: list[str] = []
    at: list[tuple[int, int]] = []
    begun: list[int] = []
    length = index = end = 0
    while index < len(words):
        stop = starts.get(index, index + 1)
        new = _marks(sentence[end : words[index].start], leading=index == 0)
        form = words[index].form
        if index not in starts:
            is_contracted = form == "t" and bool(parts) and parts[-1].endswith("n")
            new.append("not" if is_contracted else form)  # "isn't"
        else:  # "multiple nodules" begins as a statement does, even where it is a term
            new += [form, TERM] if _ITEM_START.fullmatch(f" {form}") else [TERM]
        for part in new:
            parts.append(part)
            length += len(part) + 1
        if index in starts:
            at.append((length - 1 - len(TERM), length - 1))
        begun += [length - 1 - len(parts[-1])] * (stop - index)
        end, index = words[stop - 1].end, stop
    parts += [m for m in _marks(sentence[end:], leading=False) if m in {"(?)", ")"}]
    return Masked(
        " ".join(parts), tuple(at), tuple(begun), bool(_ASKING_END.search(sentence[end:]))
    )


def read(sentence: Masked) -> list[Context]:
    """The context of each masked phrase, in order."""
    text = sentence.text
    found = [
        (RULES[int((match.lastgroup or "r0")[1:])], match.start(), match.end())
        for match in _CUE.finditer(text)
    ]
    opening = {start for rule, start, _ in found if rule.ahead}
    cues = [_Cue(rule, start, end, _limit(text, rule, end, opening)) for rule, start, end in found]
    question = len(text)
    if sentence.asks:
        begun = _ASKING_START.match(text)
        question = begun.start(1) if begun else 0
    return [_context(text, start, end, cues, asks=start >= question) for start, end in sentence.at]


def _marks(gap: str, *, leading: bool) -> list[str]:
    if gap in {" ", "", "-"}:
        return []
    found = ["(?)"] if "(?)" in gap else []
    gap = re.sub(r"\s[-\u2013\u2014]+\s|[\u2013\u2014]", ",", gap.replace("(?)", ""))
    found += [_MARKS[c] for c in gap if c in _MARKS]
    return [m for m in found if m in "?("] if leading else found


def _context(text: str, start: int, end: int, cues: Sequence[_Cue], *, asks: bool) -> Context:
    ahead = [c for c in cues if c.end <= start < c.limit]
    back = [c for c in cues if c.rule.back and c.start >= end and _reaches_back(text, end, c)]
    negations = [c for c in (*ahead, *back) if c.rule.says in {"denied", "gone"}]
    first = min((c.start for c in negations), default=len(text))
    # "Possibly no X" is in doubt; "no suspicion of X" and "suspected X was excluded" are not.
    doubted = any(
        c.rule.says == "doubted" and c.start < first and (not negations or first < start)
        for c in (*ahead, *back)
    )
    goes_on = bool(_GOES_ON.match(text, end))
    denied = any(c.rule.says == "denied" for c in negations)
    return Context(
        denied=denied,
        gone=bool(negations) and not denied,
        doubted=doubted,
        weak=bool(negations) and all(c.rule.weak for c in negations),
        asked=asks or any(c.rule.says == "asked" for c in (*ahead, *back)),
        family=any(c.rule.says == "family" for c in (*ahead, *back)),
        past=any(
            c.rule.says == "past" and not (c.rule.ahead == "noun" and goes_on)
            for c in (*ahead, *back)
        ),
    )


def _limit(text: str, rule: Rule, end: int, opening: set[int]) -> int:
    if not rule.ahead:
        return end
    if rule.ahead == "noun":
        noun = _NOUN.match(text, end)
        return noun.end() if noun else end
    is_family = rule.ahead == "family"
    is_past = rule.says == "past"
    is_first = True
    for stop in _STOP.finditer(text, end):
        mark = stop.group()
        between = text[end : stop.start()].strip()
        if mark == ":" and not between:  # "Denies: cough"
            continue
        if mark not in {",", "(", ")", "and"}:
            if is_family and mark == "with":
                continue
            return stop.start()
        if not between and not is_family:
            return stop.start()
        if mark == "," and _CONNECTED.match(text, stop.end()):
            continue
        is_closed = not is_family and bool(_BE.search(between))
        if (
            is_closed
            or stop.end() + 1 in opening
            or (rule.ahead == "clause" and mark != "and" and not _has_or(text, stop.end(), opening))
            or _begins_statement(text, stop, opening, is_first=is_first, is_past=is_past)
        ):
            return stop.start()
        is_first = is_first and mark != ","
    return len(text)


def _begins_statement(
    text: str, stop: re.Match[str], opening: set[int], *, is_first: bool, is_past: bool
) -> bool:
    at = stop.end()
    if _CLAUSE_START.match(text, at):
        return True
    if _has_or(text, at, opening):
        return False
    if stop.group() == "and":  # "history of asthma and recurrent pneumothorax" is one list
        return bool(_ONE_AFTER_AND.match(text, at) or (not is_past and _ITEM_START.match(text, at)))
    # "No X, Y, Z seen" is one list, "no X, Y seen" two statements.
    return bool(
        _ITEM_START.match(text, at)
        or _PLACED_AFTER.match(text, at)
        or (is_first and _SEEN_AFTER.match(text, at))
    )


def _has_or(text: str, at: int, opening: set[int]) -> bool:
    """Whether the list still has an "or" to come: then all of it is one statement."""
    found = _OR.search(text, at)
    if found is None:
        return False
    end = _ENDS.search(text, at)
    if end and end.start() < found.start():
        return False
    return not any(at < start < found.start() for start in opening)


def _reaches_back(text: str, end: int, cue: _Cue) -> bool:
    between = text[end : cue.start]
    if _ENDS.search(between) or _BE.search(between) or len(between.split()) > 10:
        return False
    if cue.rule.says == "past" and _STILL.search(between):
        return False
    between = between.strip()
    is_joined = " and " in f" {between} " or " or " in f" {between} "
    if is_joined:  # "X, Y and Z are absent", but "X and Y is absent" says it of Y
        return bool(_MANY.match(text, cue.start))
    is_aside = between.startswith((",", "(")) and between.endswith((",", ")"))
    return is_aside or not any(mark in between for mark in ",()")
