"""A disease's name in its parts: core, sites, side, kind, number, timing, and what goes with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from evals.matching.names import is_denied, plain
from evals.matching.vocabulary import SIDES, Tokens, Vocabulary, load_vocabulary

_COMMA = "xcommax"  # a comma as a word, so that no fixed term reaches across it
_SIZE = re.compile(
    r"\b\d+([.,]\d+)?\s*(x\s*\d+([.,]\d+)?\s*)*(cm|mm|ml|cc|percent|%)(?!\w)", re.IGNORECASE
)
_HEDGES = re.compile(
    r"^(rule out|r/o|query|concern(ing)? for|suggestive of|suspected|favou?red|"
    r"favou?r|differential includes|early|findings? of|features of|evidence of|"
    r"case of|history of)\s+|^\?+\s*|\s*\?+$",
    re.IGNORECASE,
)
_ALTERNATIVES = re.compile(
    r"\s+(?:vs\.?|versus|or)\s+|(?<=[^\W\d_]{4})\s*/\s*(?=[^\W\d_]{4})", re.IGNORECASE
)
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_ALSO = re.compile(
    r"^(aka|a\.k\.a\.?|also known as|also called|formerly|i\.e\.|ie|synonym:?|previously)\s+",
    re.IGNORECASE,
)
_AKA = re.compile(
    r",?\s+(?:aka|a\.k\.a\.?|also known as|also called|formerly known as)\s+", re.IGNORECASE
)
_KINDS = {
    "cause": ("due to", "secondary to", "caused by", "resulting from", "complicating", "from",
              "after", "following", "in setting of"),
    "effect": ("resulting in", "causing", "complicated by", "leading to"),
    "with": ("associated with", "along with", "with"),
    "and": ("and", "plus"),
    "without": ("without",),
}  # fmt: skip
_RELATIONS: dict[str, list[tuple[Tokens, str]]] = {}
for _kind, _phrases in _KINDS.items():
    for _phrase in _phrases:
        _said = tuple(_phrase.split())
        _RELATIONS.setdefault(_said[0], []).append((_said, _kind))
_LINKS = frozenset(
    {"of", "in", "on", "at", "to", "by", "for", "involving", "within", "arising", "affecting"}
)
_INVOLVED = frozenset({"involvement", "localization"})
_NUMBERED = frozenset({"type", "grade", "stage", "class", "group", "category", "zone", "variant"})
_LEVEL = re.compile(r"[ctls]\d{1,2}")
_NUMBER = re.compile(r"\d+[a-z]?|[a-z]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """One disease as a name gives it.

    Attributes:
        core: The words of the disease itself, in order of the alphabet.
        sites: Where.
        sides: Each side with the word that follows it.
        kinds: What sort: histology, cause, pattern, benign or malignant, "open".
        numbers: "type 2", "grade 3", "2" of "second".
        levels: Vertebrae.
        timing: "acute", "chronic" and so on.
        others: What goes with it, and how: "with", "and", "cause", "effect", "without".
    """

    core: tuple[str, ...]
    sites: frozenset[str] = frozenset()
    sides: frozenset[tuple[str, str]] = frozenset()
    kinds: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    levels: frozenset[str] = frozenset()
    timing: frozenset[str] = frozenset()
    others: tuple[tuple[str, Parts], ...] = ()

    @property
    def bare_sides(self) -> frozenset[str]:
        """The sides alone."""
        return frozenset(side for side, _ in self.sides)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What one item of a list claims.

    Attributes:
        alternatives: "X vs Y" and "X or Y" are two, in which nobody committed himself. Each is the
            names that it gives one disease: its own first, then what stands in brackets.
        texts: The alternatives as they were written.
        denied: Whether it says that the disease is not there.
    """

    alternatives: tuple[tuple[Parts, ...], ...]
    texts: tuple[str, ...] = ()
    denied: bool = False


@lru_cache(maxsize=65536)
def read_claim(name: str) -> Claim:
    """The parts of a name."""
    text = _SIZE.sub(" ", plain(name))
    denied = is_denied(name)
    split = {each.strip(): _names(each) for each in _ALTERNATIVES.split(text) if each.strip(" ,.")}
    found = {said: names for said, names in split.items() if names}
    return Claim(alternatives=tuple(found.values()), texts=tuple(found), denied=denied)


def _names(text: str) -> tuple[Parts, ...]:
    """The names that one alternative gives a disease: "X (Y)", "X aka Y"."""
    vocabulary = load_vocabulary()
    inner = [_ALSO.sub("", each.strip()) for each in _BRACKETS.findall(text)]
    outer, *known_as = _AKA.split(_BRACKETS.sub(" ", text))
    qualifying: list[str] = []
    named: list[str] = []
    for each in (*inner, *known_as):
        is_name = _readings(each, vocabulary) and not is_denied(each)
        is_name = is_name and not vocabulary.qualifiers.issuperset(vocabulary.tokens(each))
        (named if is_name else qualifying).append(each)
    first = " , ".join((outer, *qualifying))
    found = (parts for each in (first, *named) for parts in _readings(each, vocabulary))
    return tuple(dict.fromkeys(found))


def _readings(text: str, vocabulary: Vocabulary) -> list[Parts]:
    """A name's parts; a second time where a disease of several names stands in it, spelled out."""
    before = ""
    while before != text:
        before = text
        text = plain(_HEDGES.sub("", text.strip(" .;,:")))
    text = re.sub(r"\s*[,;:]\s*", f" {_COMMA} ", text.replace("&", " and ").replace("+", " and "))
    tokens = vocabulary.tokens(text)
    ways = dict.fromkeys((tokens, vocabulary.spelled_out(tokens)))
    return [
        parts for way in ways if (parts := _clauses(way, vocabulary)) is not None and parts.core
    ]


def _clauses(tokens: Tokens, vocabulary: Vocabulary) -> Parts | None:
    clauses: list[tuple[str, list[str]]] = [("", [])]
    at = 0
    while at < len(tokens):
        for words, kind in _RELATIONS.get(tokens[at], ()):
            if tokens[at : at + len(words)] == words and (clauses[-1][1] or clauses[-1][0]):
                clauses.append((kind, []))
                at += len(words)
                break
        else:
            clauses[-1][1].append(tokens[at])
            at += 1
    main = _clause(clauses[0][1], vocabulary)
    if main is None:
        return None
    others = tuple(
        (kind, parts)
        for kind, said in clauses[1:]
        if not (kind == "with" and _is_place(said, vocabulary))
        and (parts := _clause(said, vocabulary)) is not None
    )
    return replace(main, others=others)


def _is_place(said: list[str], vocabulary: Vocabulary) -> bool:
    """Whether a clause says only where else: "with parotid involvement"."""
    left = [t for t in said if t not in vocabulary.sites | SIDES | _LINKS]
    return bool(left) and len(left) == 1 and left[0] in _INVOLVED


def _clause(said: list[str], vocabulary: Vocabulary) -> Parts | None:
    tokens = [t for t in said if t not in vocabulary.empty]
    if not any(t != _COMMA and t not in _LINKS for t in tokens):
        return None
    head = _head(tokens)
    is_torn = bool(vocabulary.ligaments.intersection(tokens))
    found: dict[str, set[str]] = {
        k: set() for k in ("sites", "kinds", "numbers", "levels", "timing")
    }
    core: list[str] = []
    sides: set[tuple[str, str]] = set()
    skip = False
    for at, token in enumerate(tokens):
        if skip:
            skip = False
        elif token == _COMMA or token in _LINKS or (token in vocabulary.degree and at != head):
            continue
        elif is_torn and token in vocabulary.tears:
            core.append("tear")
        elif token in SIDES:
            sides.add((token, next((t for t in tokens[at + 1 :] if t not in _LINKS), "")))
        elif token in _NUMBERED and _NUMBER.fullmatch(" ".join(tokens[at + 1 : at + 2])):
            found["numbers"].add(tokens[at + 1])
            skip = True
        elif token.isdecimal():
            found["numbers"].add(token)
        elif _LEVEL.fullmatch(token):
            found["levels"].add(token)
        elif token in vocabulary.timing:
            found["timing"].add(token)
        elif token in vocabulary.sites and at != head:
            found["sites"].add(token)
        elif token in vocabulary.types and at != head:
            found["kinds"].add(token)
        else:
            core.append(token)
    return Parts(
        core=tuple(sorted(core)),
        sites=frozenset(found["sites"]),
        sides=frozenset(sides),
        kinds=frozenset(found["kinds"]),
        numbers=frozenset(found["numbers"]),
        levels=frozenset(found["levels"]),
        timing=frozenset(found["timing"]),
    )


def _head(tokens: list[str]) -> int:
    """Where the noun stands that the other words qualify: the last before "of" or a comma."""
    end = next(
        (at for at, t in enumerate(tokens) if at and (t == _COMMA or t in _LINKS)), len(tokens)
    )
    for at in range(end - 1, -1, -1):
        token = tokens[at]
        if not (
            token.isdecimal() or _LEVEL.fullmatch(token) or token in _NUMBERED or token in SIDES
        ):
            return at
    return 0
