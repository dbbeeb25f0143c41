"""The probes' figures as a person reads them in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from rich.console import Console

from evals.probes.figures import (
    NGRAM,
    RECOGNISED_WORDS,
    CompletionFigures,
    ParaphraseFigures,
    SplitFigures,
    TitleFigures,
)
from evals.probes.overlap import AgainstChance
from evals.running.ledger import Line

NOT_EXCLUDED = (
    "Contamination not excluded: a model that cannot recite a case may have learned from it."
)


class Printer:
    """Prints figures to a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._say = partial(console.print, markup=False, highlight=False, soft_wrap=True)

    def title(self, found: TitleFigures) -> None:
        """Of case-id-to-title."""
        self._say(f"case id to title: right {found.right}; right or broader {found.broader}")
        self._chance("  the same titles given to other cases", found.against_chance)
        self._say(f"  said to be remembered {found.remembered}; of these right "
                  f"{found.remembered_right or 'none to count'}")  # fmt: skip

    def completion(self, found: CompletionFigures, too_short: int) -> None:
        """Of history-completion."""
        self._say(
            f"history completion: recognised {found.recognised_share}, that is a run of "
            f"{RECOGNISED_WORDS} words or more of its own second half alone"
            + _percent(", by chance ", found.chance_share)
        )
        self._chance("  longest run, share of the second half", found.run)
        self._chance(f"  sequences of {NGRAM} words, share of the second half", found.ngrams)
        self._say(f"  {too_short} cases not asked: their history is too short to be halved")

    def paraphrase(self, found: ParaphraseFigures | None) -> None:
        """Of history-paraphrased."""
        if found is None:
            self._say("history paraphrased: no case has a paraphrase")
            return
        one = found.contrast
        low, high = 100 * one.difference.low, 100 * one.difference.high
        self._say(f"history paraphrased: top-1 as written {one.right_a}; paraphrased {one.right_b}")
        self._say(
            f"  difference {100 * one.difference.value:.1f} points [{low:.1f}, {high:.1f}], exact "
            f"McNemar {one.only_a} against {one.only_b}, p {one.p_exact:.3g}"
            + _percent("; smallest difference that so many cases find ", one.detectable)
        )
        self._say(
            f"  {found.kept:.0%} of the sequences of {NGRAM} words stand in the paraphrase; "
            f"{found.without} cases have none and are in neither figure"
        )

    def splits(self, found: Sequence[SplitFigures]) -> None:
        """A run's accuracy by what was recognised."""
        for one in found:
            self._say(
                f"{one.arm}, {one.view}, by {one.probe}: top-1 of recognised cases "
                f"{one.recognised or 'none'}; of others {one.others or 'none'}"
            )
            if one.difference is not None and one.p is not None:
                value, low, high = (100 * part for part in one.difference)
                self._say(
                    f"  difference {value:.1f} points [{low:.1f}, {high:.1f}], Fisher's exact p "
                    f"{one.p:.3g}"
                )
            if one.apart:
                self._say(f"  {one.apart} cases of the run were not probed")
        self._say("Recognised cases may be the easier ones too: a difference is no proof.")

    def begin(self, provenance: str, planner: str, cases: int) -> None:
        """Say what is about to be probed."""
        self._say(provenance)
        self._say(
            f"{planner} on {cases} cases, each in every denominator unless a line says otherwise"
        )

    def asked(self, step: str, lines: Sequence[Line]) -> None:
        """Say how one step went."""
        ended = Counter(line.status for line in lines)
        self._say(
            f"{step}: asked {len(lines)}, answered {ended['OK']}, no answer {ended['NO_ANSWER']}, "
            f"unscored {ended['UNSCORED']}"
        )
        for error, count in Counter(line.error for line in lines if line.error).most_common():
            self._say(f"  {count} x {error}")

    def no_history(self) -> None:
        """Say that no case can be asked for the second half of its history."""
        self._say("history completion: no case has a history that is long enough to be halved")

    def close(self, lines: Sequence[Line]) -> None:
        """What it cost, and what it does not show."""
        dollars = sum(line.costs.get("dollars", 0.0) for line in lines)
        unpriced = sum(
            "dollars" not in line.costs and line.costs.get("input_tokens", 0) > 0 for line in lines
        )
        without = f"; {unpriced} answers of a model without a price" if unpriced else ""
        self._say(f"cost ${dollars:.4f}{without}")
        self._say(NOT_EXCLUDED)

    def _chance(self, what: str, found: AgainstChance | None) -> None:
        if found is None:
            self._say(f"{what}: one case, nothing to compare with")
            return
        times = f"{found.ratio:.1f} times chance" if found.ratio else "by chance none"
        self._say(
            f"{what}: own {found.own:.1%}, others {found.chance:.1%}, {times}, permutation "
            f"p {found.p:.2g}"
        )


def _percent(before: str, share: float | None) -> str:
    return "" if share is None else f"{before}{share:.1%}"
