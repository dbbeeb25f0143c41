"""When two names are the same words: spelling, case, plurals and numerals apart, nothing else.

Kept apart from the folding that search uses, so that tuning the search never moves a score.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d"})
# British to American, and old to new, on whole words. Applied to both sides of every comparison,
# so an odd result ("four" becomes "for") does no harm unless two diseases meet in it.
_SPELLINGS = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"ae$", "a"),  # fistulae
        (r"ae|oe", "e"),  # haemangioma, oedema, oesophagus, paediatric, foetal
        (r"our(?=s?$)", "or"),  # tumour
        (r"([bt])re(?=s?$)", r"\1er"),  # fibre, centre
        (r"is(?=(e|ed|ing|ation)$)", "iz"),  # localised
        (r"^leuco", "leuko"),
        (r"sulph", "sulf"),
        (r"^disk", "disc"),
        (r"^grey", "gray"),
        (r"^neurone", "neuron"),
    )
)
_PLURALS = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"omata$", "oma"),
        (r"(?<=diverticul)a$", "um"),
        (r"(?<=metasta)ses$", "sis"),
        (r"(?<=.{3}o)ses$", "sis"),  # stenoses, thromboses
        (r"(?<=.{2})sses$", "ss"),  # abscesses
        (r"(?<=.{2})ies$", "y"),
        (r"(embol|thromb|bronch|calcul|nev)i$", r"\1us"),
        (r"(?<=[^\W_]{3})(?<![sui])s$", ""),
    )
)
_NUMERALS: Mapping[str, str] = {
    "i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8",
    "first": "1", "1st": "1", "second": "2", "2nd": "2", "third": "3", "3rd": "3",
    "fourth": "4", "4th": "4", "fifth": "5", "5th": "5",
}  # fmt: skip
_HEDGE = re.compile(
    r"^(most likely|likely|probable|probably|possible|possibly|suspected|presumed|presumably|"
    r"consistent with|compatible with|suspicious for)\s+",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"^(no|not|without|negative for|denies|free of)\b"
    r"|\b(unlikely|less likely|not likely|ruled out|excluded|not present|not seen)\b",
    re.IGNORECASE,
)
_BRACKET = re.compile(r"^(?P<outer>[^()]+?)\s*\((?P<inner>[^()]+)\)$")
_PREPOSITIONS = frozenset({"of", "with", "in", "from", "by", "to", "at", "and", "on", "for"})


@lru_cache(maxsize=65536)
def plain(name: str) -> str:
    """Entities decoded, blanks collapsed, quotes made one kind, final stops and hedges gone."""
    text = " ".join(html.unescape(name).split()).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return _HEDGE.sub("", text.strip(" .;,:"))


@lru_cache(maxsize=65536)
def is_denied(name: str) -> bool:
    """Whether the item says that the disease is not there: "no X", "X unlikely", "X ruled out"."""
    return _DENIED.search(plain(name)) is not None


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """A name's words in one spelling: "Fistulae of the liver" is ("fistula", "of", "liver")."""
    text = re.sub(r"'s\b|'", "", plain(name), flags=re.IGNORECASE)
    is_abbreviation = text.isupper() and text.isalpha() and len(text) < 6  # "SVCS" is no plural
    text = text.casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_LETTERS))
        text = "".join(c for c in text if not unicodedata.combining(c))
    found: list[str] = []
    for word in re.findall(r"[^\W_]+", text):
        if is_abbreviation:
            return (_NUMERALS.get(word, word),)
        # "a" is a name's own letter in "type A dissection" and "haemophilia A".
        is_article = word in ("the", "an") or (
            word == "a" and (not found or found[-1] in _PREPOSITIONS)
        )
        if not is_article:
            found.append(_one_spelling(word))
    return tuple(found)


@lru_cache(maxsize=65536)
def keys(name: str) -> frozenset[str]:
    """What a name is compared by: two names are the same words when these sets meet.

    Beside the words run together ("ileo-colic" is "ileocolic") it holds "Y X" for "X of Y", and
    X alone for "X (XYZ)" and "XYZ (X)" when XYZ are the initials of X.
    """
    found = {"".join(words(name))}
    bracket = _BRACKET.match(plain(name))
    if bracket:
        outer, inner = bracket["outer"], bracket["inner"]
        if _are_initials(inner, words(outer)):
            found |= keys(outer)
        elif _are_initials(outer, words(inner)):
            found |= keys(inner)
    parts = words(name)
    if parts.count("of") == 1 and len(_PREPOSITIONS.intersection(parts)) == 1:
        at = parts.index("of")
        found.add("".join((*parts[at + 1 :], *parts[:at])))
    return frozenset(found - {""})


def keys_of(names: Sequence[str]) -> frozenset[str]:
    """The keys of several names together."""
    return frozenset().union(*(keys(name) for name in names))


@lru_cache(maxsize=65536)
def _one_spelling(word: str) -> str:
    if word in _NUMERALS:
        return _NUMERALS[word]
    for rules in (_SPELLINGS, _PLURALS):
        for pattern, to in rules:
            changed = pattern.sub(to, word)
            if changed != word:
                word = changed
                if rules is _PLURALS:
                    break
    return word


def _are_initials(short: str, of: tuple[str, ...]) -> bool:
    letters = "".join(re.findall(r"[^\W\d_]", short)).casefold()
    initials = {"".join(w[0] for w in of), "".join(w[0] for w in of if w not in _PREPOSITIONS)}
    return len(letters) > 1 and letters in initials
