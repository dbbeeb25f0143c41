"""How much of a text stands in another, and how much of that is chance.

Chance is what the same answers share with the texts of other cases: a model that writes in their
style shares words with all of them, one that remembers a case shares more with that one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray
from scipy.stats import permutation_test

RESAMPLES = 9_999
SEED = 5

Shares = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class AgainstChance:
    """A mean over cases beside what chance gives.

    Attributes:
        own: Of answers with their own cases.
        chance: Of answers with every other case.
        p: One-sided, of a permutation test that pairs answers with cases anew.
    """

    own: float
    chance: float
    p: float

    @property
    def ratio(self) -> float | None:
        """How many times chance; None where chance gives nothing."""
        return self.own / self.chance if self.chance else None


def words(text: str) -> list[str]:
    """A text's words in lower case, without punctuation."""
    return re.findall(r"[^\W_]+", text.casefold())


def longest_run(said: Sequence[str], original: Sequence[str]) -> int:
    """How many words the longest run has that stands in both."""
    return SequenceMatcher(None, said, original, autojunk=False).find_longest_match().size


def shared_ngrams(said: str, original: str, size: int) -> float:
    """Share of the original's different n-grams that were said too, 0..1; 0 for a shorter one."""
    return float(ngram_shares([said], [original], size)[0, 0])


def runs(said: Sequence[str], originals: Sequence[str]) -> Shares:
    """The longest run of every answer with every original.

    Args:
        said: One for each original; "" where there was no answer.
        originals: Texts that should have been said.

    Returns:
        (answers, originals), in words.
    """
    answers, texts = [words(one) for one in said], [words(one) for one in originals]
    return np.array([[float(longest_run(a, t)) for t in texts] for a in answers])


def ngram_shares(said: Sequence[str], originals: Sequence[str], size: int) -> Shares:
    """shared_ngrams of every answer with every original: (answers, originals), 0..1."""
    answers, texts = (
        [_ngrams(words(one), size) for one in several] for several in (said, originals)
    )
    return np.array([[len(a & t) / len(t) if t else 0.0 for t in texts] for a in answers])


def against_chance(shares: Shares) -> AgainstChance:
    """The diagonal against the rest.

    Args:
        shares: (answers, cases), any figure of an answer with a case; at least two cases.

    Raises:
        ValueError: With fewer than two cases, which leave no chance to compare with.
    """
    n = len(shares)
    if n < 2:
        raise ValueError(f"chance needs at least two cases, got {n}")
    cases = np.arange(n)

    def mean(paired: NDArray[np.int_], axis: int = -1) -> Shares:
        return np.asarray(shares[paired, cases].mean(axis=axis))

    tested = permutation_test(
        (cases,),
        mean,
        permutation_type="pairings",
        vectorized=True,
        n_resamples=RESAMPLES,
        alternative="greater",
        rng=SEED,
    )
    own = float(np.trace(shares) / n)
    chance = float((shares.sum() - np.trace(shares)) / (n * (n - 1)))
    return AgainstChance(own=own, chance=chance, p=float(tested.pvalue))


def _ngrams(text: Sequence[str], size: int) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(text[at : at + size]) for at in range(len(text) - size + 1))
