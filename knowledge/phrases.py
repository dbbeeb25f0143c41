"""The longest phrases of a table that stand in a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


def longest_phrases(
    words: tuple[str, ...], table: Mapping[tuple[str, ...], T], longest: int
) -> Iterator[tuple[tuple[str, ...], T]]:
    """Each phrase and what the table holds for it, in order; none inside a longer one.

    Args:
        words: The text's folded words.
        longest: Words of the table's longest phrase.
    """
    at = 0
    while at < len(words):
        for stop in range(min(at + longest, len(words)), at, -1):
            found = table.get(words[at:stop])
            if found is not None:
                yield words[at:stop], found
                at = stop
                break
        else:
            at += 1
