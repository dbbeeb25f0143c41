"""What the probes found: each figure with its count, its interval, and what chance gives.

A case counts as recognised by a probe on rules that are fixed here, before any model was asked:
the title is right (L0 to L2), or at least RECOGNISED_WORDS words of the second half of the history
stand in the answer in one run, and no other case's second half shares a run as long with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from evals.matching.levels import judge
from evals.probes.overlap import (
    AgainstChance,
    against_chance,
    ngram_shares,
    runs,
    shared_ngrams,
    words,
)
from evals.probes.steps import RecalledTitle
from evals.running.ledger import Line
from evals.statistics.bootstrap import DRAWS, SEED
from evals.statistics.clusters import clusters
from evals.statistics.contrasts import Contrast, Side, compare
from evals.statistics.metrics import Proportion, proportion

RECOGNISED_WORDS = 8
NGRAM = 3

Recognised = Mapping[str, bool]  # case -> whether a probe recognised it


@dataclass(frozen=True, kw_only=True, slots=True)
class TitleFigures:
    """Titles given for identifiers.

    Attributes:
        right: Cases whose title was given, by the matcher's L0 to L2.
        broader: Cases for which it was right or a direct parent.
        against_chance: The share right, beside that of the same titles given to other cases; None
            with one case.
        remembered: Cases that the model says it remembers.
        remembered_right: Of them, those with the right title; None when it says so of none.
    """

    right: Proportion
    broader: Proportion
    against_chance: AgainstChance | None
    remembered: Proportion
    remembered_right: Proportion | None
    recognised: Recognised


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletionFigures:
    """Second halves of histories given for first halves.

    Attributes:
        run: Longest run of words in the answer and in the second half, as a share of that half;
            beside that with the second halves of other cases. None with one case.
        ngrams: Share of the second half's three-word sequences that the answer holds; likewise.
        recognised_share: Cases recognised.
        chance_share: How often an answer shares as long a run with another case's second half, of
            all such pairs.
    """

    run: AgainstChance | None
    ngrams: AgainstChance | None
    recognised_share: Proportion
    chance_share: float | None
    recognised: Recognised


@dataclass(frozen=True, kw_only=True, slots=True)
class ParaphraseFigures:
    """The same cases as written and in other words.

    Attributes:
        contrast: As written against paraphrased, over the cases that have a paraphrase.
        without: Cases without a history or a paraphrase of it; they are in neither side.
        kept: Share of the history's three-word sequences that stand in its paraphrase, mean.
    """

    contrast: Contrast
    without: int
    kept: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitFigures:
    """A run's top-1 by what a probe recognised.

    Attributes:
        recognised, others: None where there is no such case.
        difference: Recognised minus others with its 95 % interval (Newcombe 1998, method 10);
            None where one of them is empty.
        p: Fisher's exact test, two-sided; None likewise.
        apart: Cases of the run that the probe was not asked about.
    """

    probe: str
    arm: str
    view: str
    recognised: Proportion | None
    others: Proportion | None
    difference: tuple[float, float, float] | None
    p: float | None
    apart: int


def title_figures(lines: Sequence[Line]) -> TitleFigures:
    """Of the step case-id-to-title; a case without an answer is a miss."""
    said = [line.predictions[0].name if line.status == "OK" else "" for line in lines]
    right = np.array(
        [[float(bool(s) and judge(s, line.truth).is_right) for line in lines] for s in said]
    )
    remembers = [line.status == "OK" and _says_remembered(line) for line in lines]
    is_right = np.diagonal(right) > 0
    n = len(lines)
    both = int(np.count_nonzero(is_right & np.array(remembers)))
    return TitleFigures(
        right=proportion(int(is_right.sum()), n),
        broader=proportion(sum(line.rank(reading="broader") == 1 for line in lines), n),
        against_chance=against_chance(right) if n > 1 else None,
        remembered=proportion(sum(remembers), n),
        remembered_right=proportion(both, sum(remembers)) if any(remembers) else None,
        recognised={line.case: bool(one) for line, one in zip(lines, is_right, strict=True)},
    )


def completion_figures(lines: Sequence[Line], second: Mapping[str, str]) -> CompletionFigures:
    """Of the step history-completion; a case without an answer shares nothing.

    Args:
        lines: One for each case asked.
        second: The half that should have been said, by case.
    """
    said = [line.predictions[0].name if line.status == "OK" else "" for line in lines]
    originals = [second[line.case] for line in lines]
    n = len(lines)
    longest = runs(said, originals)
    others = np.where(np.eye(n, dtype=bool), 0.0, longest)
    own = np.diagonal(longest)
    found = (own >= RECOGNISED_WORDS) & (own > others.max(axis=1))
    lengths = np.array([max(1, len(words(text))) for text in originals])
    pairs = n * (n - 1)
    return CompletionFigures(
        run=against_chance(longest / lengths) if n > 1 else None,
        ngrams=against_chance(ngram_shares(said, originals, NGRAM)) if n > 1 else None,
        recognised_share=proportion(int(found.sum()), n),
        chance_share=float((others >= RECOGNISED_WORDS).sum()) / pairs if pairs else None,
        recognised={line.case: bool(one) for line, one in zip(lines, found, strict=True)},
    )


def paraphrase_figures(
    written: Sequence[Line], paraphrased: Sequence[Line], cases: int
) -> ParaphraseFigures | None:
    """Of the steps as-written and paraphrased; None when there is no pair.

    Args:
        written: One line for each case with a history.
        paraphrased: One for each case that has a paraphrase.
        cases: All that were to be probed.
    """
    mine = {line.case for line in paraphrased}
    before = {line.case: line for line in written if line.case in mine}
    if not before:
        return None
    pair = (Side(arm="as-written", view="V1"), Side(arm="paraphrased", view="V1"))
    kept = fmean(
        shared_ngrams(line.input.history, before[line.case].input.history, NGRAM)
        for line in paraphrased
    )
    return ParaphraseFigures(
        contrast=compare(
            pair,
            {line.case: line.rank() for line in before.values()},
            {line.case: line.rank() for line in paraphrased},
            clusters([(line.case, line.patient, line.truth.primary) for line in written]),
            (DRAWS, SEED),
        ),
        without=cases - len(before),
        kept=kept,
    )


def split_figures(probe: str, recognised: Recognised, lines: Sequence[Line]) -> SplitFigures:
    """One arm of a run in one view by what a probe recognised.

    Args:
        probe: Its name.
        recognised: What it found.
        lines: One for each case of the run.
    """
    from scipy.stats import fisher_exact
    from statsmodels.stats.proportion import confint_proportions_2indep

    hits: dict[bool, list[bool]] = {True: [], False: []}
    for line in lines:
        if line.case in recognised:
            hits[recognised[line.case]].append(line.rank() == 1)
    yes, no = hits[True], hits[False]
    difference = p = None
    if yes and no:
        low, high = confint_proportions_2indep(
            sum(yes), len(yes), sum(no), len(no), method="newcomb", compare="diff"
        )
        difference = (fmean(yes) - fmean(no), float(low), float(high))
        table = [[sum(hit), len(hit) - sum(hit)] for hit in (yes, no)]
        p = float(fisher_exact(table).pvalue)
    return SplitFigures(
        probe=probe,
        arm=lines[0].arm,
        view=lines[0].view,
        recognised=proportion(sum(yes), len(yes)) if yes else None,
        others=proportion(sum(no), len(no)) if no else None,
        difference=difference,
        p=p,
        apart=len(lines) - len(yes) - len(no),
    )


def _says_remembered(line: Line) -> bool:
    return RecalledTitle.model_validate_json(line.reply).is_remembered
