"""How many cases a contrast needs: `evals power --share 0.6 ...`.

    evals power --share 0.2 --share-other 0.7 --cases 10

McNemar's exact test looks at the discordant pairs alone: cases that one arm gets right and the
other wrong. Its power is summed over every number of discordant pairs and every split of them
(unconditional, no normal approximation). How many pairs are discordant follows from the two shares
only with an assumption: by default that the arms are right independently of each other; where the
better arm is right on all that the other is right on, the fewest cases are needed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import scipy
from rich.console import Console
from rich.table import Table

from evals.statistics.bootstrap import Values

ALPHA = 0.05
POWER = 0.8
_MOST = 10_000_000  # cases; who needs more needs another question


def mcnemar_p(only_a: int, only_b: int) -> float:
    """The exact two-sided p of so many discordant pairs; 1 where there is none."""
    if not only_a + only_b:
        return 1.0
    return float(scipy.stats.binomtest(only_a, only_a + only_b).pvalue)


def mcnemar_power(n: int, only_a: float, only_b: float, alpha: float = ALPHA) -> float:
    """How often the exact test of n cases rejects.

    Args:
        n: Cases.
        only_a, only_b: Chance that a case is right with a alone, and with b alone.
        alpha: Two-sided.

    Raises:
        ValueError: When the chances are none.
    """
    discordant = only_a + only_b
    if min(only_a, only_b) < 0 or not 0 < discordant <= 1:
        raise ValueError(f"takes chances of 0 to 1 together, got {only_a!r} and {only_b!r}")
    # Numbers of discordant pairs outside these bounds have a chance below 1e-12.
    low, high = scipy.stats.binom.ppf([1e-12, 1 - 1e-12], n, discordant).astype(int)
    pairs = np.arange(low, high + 1)
    critical = _critical(pairs, alpha)
    share = only_a / discordant
    rejects = scipy.stats.binom.cdf(critical, pairs, share) + scipy.stats.binom.sf(
        pairs - critical - 1, pairs, share
    )
    return float(scipy.stats.binom.pmf(pairs, n, discordant) @ np.where(critical < 0, 0.0, rejects))


def cases_needed(only_a: float, only_b: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """How many cases give that power; one case fewer does not.

    Args:
        only_a, only_b: Chance that a case is right with a alone, and with b alone.
        power: 0..1.
        alpha: Two-sided.

    Raises:
        ValueError: When the chances are equal, or so near that no number of cases will do.
    """
    if only_a == only_b:
        raise ValueError("two arms of the same share: no number of cases tells them apart")
    # The normal approximation (Miettinen 1968) asks for too few, so the search begins below it.
    z_alpha, z_power = scipy.stats.norm.ppf([1 - alpha / 2, power])
    discordant, apart = only_a + only_b, only_a - only_b
    root = z_alpha * discordant**0.5 + z_power * (discordant - apart**2) ** 0.5
    about = int(root**2 / apart**2)
    low, high = 0, max(1, about)
    while mcnemar_power(high, only_a, only_b, alpha) < power:
        low, high = high, high + max(1, high // 8)
        if high > _MOST:
            raise ValueError(f"more than {_MOST:,} cases")
    while high - low > 1:
        middle = (low + high) // 2
        if mcnemar_power(middle, only_a, only_b, alpha) < power:
            low = middle
        else:
            high = middle
    return high


def detectable_difference(
    n: int, discordant: float, power: float = POWER, alpha: float = ALPHA
) -> float | None:
    """The smallest difference of two shares that n cases find with that power.

    Args:
        n: Cases.
        discordant: Share of discordant pairs, 0..1, as observed.
        power: 0..1.
        alpha: Two-sided.

    Returns:
        0..1; None where not even the largest difference possible with so few discordant pairs (all
        of them one way) is found so often.
    """

    def lacking(difference: float) -> float:
        more, less = (discordant + difference) / 2, (discordant - difference) / 2
        return mcnemar_power(n, more, max(0.0, less), alpha) - power

    if discordant <= 0 or lacking(discordant) < 0:
        return None
    return float(scipy.optimize.brentq(lacking, 0.0, discordant, xtol=1e-5))


def splits(n: int, right_a: int, right_b: int) -> Iterator[tuple[int, int]]:
    """Every (only a, only b) that so many right of n cases allow, fewest discordant pairs first."""
    for both in range(min(right_a, right_b), max(0, right_a + right_b - n) - 1, -1):
        yield right_a - both, right_b - both


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="evals power", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--share", type=_share, required=True, help="top-1 of one arm, 0..1")
    parser.add_argument("--share-other", type=_share, required=True, help="top-1 of the other")
    parser.add_argument("--power", type=_share, default=POWER, help="default %(default)g")
    parser.add_argument("--alpha", type=_share, default=ALPHA, help="two-sided; %(default)g")
    parser.add_argument(
        "--cases", type=_cases, help="with so many cases: the power, and every p that can come out"
    )
    options = parser.parse_args(argv)
    if options.share == options.share_other:
        parser.error("--share and --share-other are equal: no number of cases tells them apart")
    _print(Console(), options)
    return 0


def _print(console: Console, options: argparse.Namespace) -> None:
    a, b = options.share, options.share_other
    shown = Table(
        "the arms are right", "only the one", "only the other", "cases needed",
        *([f"power of {options.cases}"] if options.cases else []),
    )  # fmt: skip
    for how, both in (("independently", a * b), ("on the same cases as far as can be", min(a, b))):
        only = (a - both, b - both)
        needed = cases_needed(*only, options.power, options.alpha)
        row = [how, f"{only[0]:.3f}", f"{only[1]:.3f}", f"{needed:,}"]
        if options.cases:
            row.append(f"{mcnemar_power(options.cases, *only, options.alpha):.0%}")
        shown.add_row(*row)
    console.print(
        f"{a:.0%} against {b:.0%}, exact McNemar, alpha {options.alpha:g} two-sided, power "
        f"{options.power:.0%}",
        highlight=False,
    )
    console.print(shown)
    if options.cases:
        n = options.cases
        right_a, right_b = round(a * n), round(b * n)
        possible = Table("only the one", "only the other", "exact p")
        for only_a, only_b in splits(n, right_a, right_b):
            possible.add_row(str(only_a), str(only_b), f"{mcnemar_p(only_a, only_b):.4g}")
        console.print(f"{right_a} of {n} against {right_b} of {n} can be:", highlight=False)
        console.print(possible)


def _critical(pairs: np.ndarray[tuple[int], np.dtype[np.int_]], alpha: float) -> Values:
    """The largest number of pairs on the rarer side that is still rejected; -1 where none is."""
    found = scipy.stats.binom.ppf(alpha / 2, pairs, 0.5)
    return np.asarray(
        np.where(2 * scipy.stats.binom.cdf(found, pairs, 0.5) > alpha, found - 1, found)
    )


def _share(text: str) -> float:
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"got {text}; takes a share between 0 and 1, such as 0.7")
    return number


def _cases(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"got {text}; takes 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
