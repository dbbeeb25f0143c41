"""The user's own prose as passages, and the lists in it: what tables and notes share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

WORDS_A_PASSAGE = 200
_CODE = re.compile(r"[A-Z][A-Z0-9-]*:\S+")
_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n")


def passages(text: str) -> Iterator[str]:
    """A text in pieces of at most 200 words: whole sentences, unless one is longer by itself."""
    piece: list[str] = []
    for sentence in _END.split(text):
        words = sentence.split()
        if piece and len(piece) + len(words) > WORDS_A_PASSAGE:
            yield " ".join(piece)
            piece = []
        while len(words) > WORDS_A_PASSAGE:
            yield " ".join(words[:WORDS_A_PASSAGE])
            words = words[WORDS_A_PASSAGE:]
        piece += words
    if piece:
        yield " ".join(piece)


def listed(value: object) -> tuple[str, ...]:
    """The items of "a | b" or of a list, without empty ones and repeats."""
    items: Iterable[object] = value if isinstance(value, list) else str(value or "").split("|")
    return tuple(dict.fromkeys(filter(None, (" ".join(str(i).split()) for i in items))))


def codes(value: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The codes of a list, their scheme in capitals, and what is none ("SCHEME:number")."""
    good: list[str] = []
    bad: list[str] = []
    for item in listed(value):
        scheme, colon, number = item.partition(":")
        code = f"{scheme.strip().upper()}{colon}{number.strip()}"
        (good if _CODE.fullmatch(code) else bad).append(code)
    return tuple(good), tuple(bad)


def slug(name: str) -> str:
    """A name as part of an id: small letters, digits and hyphens; empty where it has none."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
