"""Which tokens say yes and which say no, and what their probabilities mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_YES = ("yes", "Yes", "YES", " yes", " Yes", " YES")
_NO = ("no", "No", "NO", " no", " No", " NO")


def yes_no_tokens(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The token ids that begin, or better are, the words yes and no.

    Where a tokenizer has no single token for either word (the tiny byte-level one of the tests),
    the first tokens of the spellings stand for them, save those that yes and no share.

    Args:
        tokenizer: A tokenizer of transformers.

    Raises:
        ValueError: When no token tells yes from no.
    """
    spelled = [
        [tokenizer.encode(word, add_special_tokens=False) for word in words]
        for words in (_YES, _NO)
    ]
    yes, no = ({ids[0] for ids in words if len(ids) == 1} for words in spelled)
    if not (yes and no):
        yes, no = ({ids[0] for ids in words} for words in spelled)
    yes, no = yes - no, no - yes
    if not (yes and no):
        raise ValueError("the tokenizer has no token that tells yes from no")
    return sorted(yes), sorted(no)


def p_yes(orders: Sequence[tuple[float, ...]], minimum_mass: float) -> float | None:
    """p(yes) from the probabilities of (yes, no), averaged over the orders of the options.

    Args:
        orders: (p(yes), p(no)) of each order, out of all tokens.
        minimum_mass: What yes and no must hold together in each order, 0..1.

    Returns:
        yes / (yes + no); None when, in any order, the model said something else.
    """
    shares = []
    for yes, no in orders:
        # Zero: both underflowed, and there is no ratio even where any mass would do.
        if yes + no < minimum_mass or yes + no == 0:
            return None
        shares.append(yes / (yes + no))
    return sum(shares) / len(shares)
