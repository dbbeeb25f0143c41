"""A misspelt word put right: one letter missing, too many, wrong or turned about.

This is no fuzzy ratio: only a word that nobody knows is mended, only into a known word of the very
names that it is compared with, and only when that word is long. "Hypo" and "hyper", "endometritis"
and "endometriosis" are known words, so they are never taken for one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from evals.matching.names import words

_SHORTEST = 8  # below that, one letter makes another word too easily
_WORD = re.compile(r"[^\W\d_]+")


def mended(name: str, others: Iterable[str], lexicon: frozenset[str]) -> str:
    """The name with unknown words as the known ones they come from; itself where there are none.

    Args:
        name: As somebody wrote it.
        others: The names that it is compared with.
        lexicon: Every known word, as names.words spells it. Empty: nothing is mended.
    """
    if not lexicon:
        return name
    unknown = {
        said: word
        for said in _WORD.findall(name)
        if len(said) >= _SHORTEST and (word := _spelt(said)) and word not in lexicon
    }
    if not unknown:
        return name
    known = {word for other in others for word in words(other) if word in lexicon}
    for said, word in unknown.items():
        near = sorted(w for w in known if len(w) >= _SHORTEST - 1 and is_slip(word, w))
        if len(near) == 1:
            name = name.replace(said, near[0])
    return name


@lru_cache(maxsize=65536)
def _spelt(word: str) -> str:
    return "".join(words(word))


def is_slip(one: str, other: str) -> bool:
    """Whether two words with the same first letter differ by one slip of the pen.

    That is an optimal string alignment distance of one: a letter put in, left out, changed, or two
    neighbours exchanged.
    """
    if one == other or one[:1] != other[:1] or abs(len(one) - len(other)) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if at is None:
        return True
    left, right = one[at:], other[at:]
    if len(left) == len(right):
        is_turned = left[:2] == right[1::-1] and left[2:] == right[2:]
        return is_turned or left[1:] == right[1:]
    return left[1:] == right if len(left) > len(right) else left == right[1:]
