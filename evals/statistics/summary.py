"""The summary of a run: every figure that a report shows, from the run's lines alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evals.matching.scoring import Scoring
from evals.running.ledger import Line, Reading
from evals.statistics.bootstrap import DRAWS, SEED
from evals.statistics.calibration import Calibration
from evals.statistics.contrasts import Contrast, Pair
from evals.statistics.costs import Costs, Failures
from evals.statistics.metrics import Figures
from evals.statistics.repeats import Repeats
from evals.statistics.risk_coverage import RiskCoverage
from evals.statistics.strata import Stratum

READINGS: tuple[Reading, ...] = ("exact", "right", "broader")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is decided before a run is seen.

    Attributes:
        contrasts: The family of tests; None takes the pre-registered pairs among the run's arms.
        scoring, reading: What contrasts, strata, calibration and repeats are of.
        factors: More to split by: name -> case -> value.
    """

    contrasts: tuple[Pair, ...] | None = None
    scoring: Scoring = "curated"
    reading: Reading = "right"
    factors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    draws: int = DRAWS
    seed: int = SEED


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How the cases of a cell ended; the parts add up to n."""

    n: int
    answered: int
    abstained: int
    no_answer: int
    unscored: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One arm in one view, once.

    Attributes:
        figures: By scoring, then by reading.
        calibration, risk_coverage: None for an arm that gives no probabilities.
    """

    arm: str
    view: str
    seed: int
    counts: Counts
    figures: Mapping[Scoring, Mapping[Reading, Figures]]
    strata: tuple[Stratum, ...]
    calibration: Calibration | None
    risk_coverage: RiskCoverage | None
    costs: Costs
    failures: Failures


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """A run.

    Attributes:
        cells: In the order in which they first come in the lines.
        contrasts: Of the lowest seed that both sides have.
        repeats: Of every arm and view that ran with more than one seed.
        cases, clusters: Different cases, and groups of them that share patient or diagnosis.
    """

    plan: Plan
    cells: tuple[Cell, ...]
    contrasts: tuple[Contrast, ...]
    repeats: tuple[Repeats, ...]
    cases: int
    clusters: int


def summarise(lines: Sequence[Line], plan: Plan | None = None) -> Summary:
    """Every figure of a run.

    Args:
        lines: One for each case, view, arm and seed: the line that counts.
        plan: None takes the pre-registered contrasts and the primary figure.

    Raises:
        ValueError: If there is no line, or two of one case, view, arm and seed.
    """
    raise NotImplementedError
