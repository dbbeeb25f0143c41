"""The summary of a run: every figure that a report shows, from the run's lines alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from evals.matching.scoring import Scoring
from evals.running.ledger import Line, Reading
from evals.statistics.bootstrap import DRAWS, SEED, Resample
from evals.statistics.calibration import Calibration, calibrate, leads_of
from evals.statistics.clusters import clusters
from evals.statistics.contrasts import (
    Contrast,
    Pair,
    Ranks,
    Side,
    compare,
    holm,
    planned,
    read_contrasts,
)
from evals.statistics.costs import Costs, Failures, costs, failures
from evals.statistics.metrics import Figures, figures
from evals.statistics.repeats import Repeats, repeats
from evals.statistics.risk_coverage import RiskCoverage, risk_coverage
from evals.statistics.strata import Stratum, stratify

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


def plan_of(lines: Sequence[Line], contrasts: Sequence[str]) -> Plan:
    """The plan with the contrasts that a person named before the run; none: the pre-registered.

    Raises:
        UserError: On a contrast of what did not run.
    """
    sides = dict.fromkeys(Side(arm=line.arm, view=line.view) for line in lines)
    return Plan(contrasts=read_contrasts(contrasts, sides))


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
        repeats: Of every arm and view that ran with more than one seed on two cases or more.
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
    plan = plan or Plan()
    groups: dict[tuple[Side, int], dict[str, Line]] = {}
    for line in lines:
        group = groups.setdefault((Side(arm=line.arm, view=line.view), line.seed), {})
        if line.case in group:
            raise ValueError(
                f"two lines of {line.case} with arm {line.arm}, view {line.view}, seed "
                f"{line.seed}: a summary is of one configuration"
            )
        group[line.case] = line
    if not groups:
        raise ValueError("a summary needs at least one line, got none")
    of_case = {line.case: line for line in lines}
    together = clusters([(c, line.patient, line.truth.primary) for c, line in of_case.items()])
    runs: dict[Side, dict[int, Ranks]] = {}
    for (side, seed), group in groups.items():
        runs.setdefault(side, {})[seed] = {
            case: line.rank(plan.scoring, plan.reading) for case, line in group.items()
        }
    return Summary(
        plan=plan,
        cells=tuple(_cell(list(group.values()), together, plan) for group in groups.values()),
        contrasts=contrasts_of(runs, together, plan),
        repeats=tuple(
            repeats(side, by_seed, together, (plan.draws, plan.seed))
            for side, by_seed in runs.items()
            if len(by_seed) > 1 and len(set.intersection(*map(set, by_seed.values()))) > 1
        ),
        cases=len(of_case),
        clusters=len(set(together.values())),
    )


def contrasts_of(
    runs: Mapping[Side, Mapping[int, Ranks]], together: Mapping[str, int], plan: Plan
) -> tuple[Contrast, ...]:
    """The planned contrasts as one family; each of the lowest seed that both sides have.

    Args:
        runs: Ranks by side, then seed.
        together: The cluster of every case.
        plan: Which.
    """
    pairs = planned(runs) if plan.contrasts is None else plan.contrasts
    found = []
    for a, b in pairs:
        seeds = runs.get(a, {}).keys() & runs.get(b, {}).keys()
        if seeds and runs[a][min(seeds)].keys() & runs[b][min(seeds)].keys():
            first, second = (runs[side][min(seeds)] for side in (a, b))
            found.append(compare((a, b), first, second, together, (plan.draws, plan.seed)))
    return holm(found)


def _cell(lines: Sequence[Line], together: Mapping[str, int], plan: Plan) -> Cell:
    first = lines[0]
    ended = failures(lines)
    leads = leads_of(lines, plan.scoring, plan.reading)
    has_leads = bool(leads.cases)
    return Cell(
        arm=first.arm,
        view=first.view,
        seed=first.seed,
        counts=Counts(
            n=len(lines),
            answered=sum(line.status == "OK" for line in lines),
            abstained=len(ended.abstained),
            no_answer=len(ended.no_answer),
            unscored=len(ended.unscored),
        ),
        figures=_figures(lines, _resample([line.case for line in lines], together, plan)),
        strata=_strata(lines, plan),
        calibration=calibrate(leads, _resample(leads.cases, together, plan)) if has_leads else None,
        risk_coverage=risk_coverage(leads) if has_leads else None,
        costs=costs(lines),
        failures=ended,
    )


def _figures(
    lines: Sequence[Line], resample: Resample
) -> Mapping[Scoring, Mapping[Reading, Figures]]:
    scorings: list[Scoring] = list(dict.fromkeys(s for line in lines for s in line.scores))
    which = [(scoring, reading) for scoring in scorings for reading in READINGS]
    ranks = [[line.rank(*one) for line in lines] for one in which]
    reciprocal = np.array([[1 / r if r else 0.0 for r in of] for of in ranks])
    found: dict[Scoring, dict[Reading, Figures]] = {scoring: {} for scoring in scorings}
    drawn = resample.estimates(reciprocal.T) if which else []
    for (scoring, reading), of, mrr in zip(which, ranks, drawn, strict=True):
        told = (mrr.low, mrr.high) if resample.clusters > 1 else None  # one says nothing of spread
        found[scoring][reading] = replace(figures(of), mrr_interval=told)
    return found


def _strata(lines: Sequence[Line], plan: Plan) -> tuple[Stratum, ...]:
    ranks = [line.rank(plan.scoring, plan.reading) for line in lines]
    rarity = {True: "rare", False: "not rare", None: ""}
    values = {
        "region": [line.input.region for line in lines],
        "modality": [line.input.modality for line in lines],
        "rarity": [rarity[line.truth.rare] for line in lines],
        "kind": [line.truth.kind for line in lines],
        **{name: [of.get(line.case, "") for line in lines] for name, of in plan.factors.items()},
    }
    return tuple(
        stratum for factor, of in values.items() for stratum in stratify(factor, of, ranks)
    )


def _resample(cases: Sequence[str], together: Mapping[str, int], plan: Plan) -> Resample:
    return Resample([together[case] for case in cases], plan.draws, plan.seed)
