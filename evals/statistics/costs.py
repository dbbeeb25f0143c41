"""Costs: what an arm used, how long it took, and how often it failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evals.running.ledger import Line


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """One kind of cost over the cases of a cell.

    Attributes:
        told: Cases that tell it; the others are not in the sum.
        total: Over them.
        per_case: total / told.
    """

    told: int
    total: float
    per_case: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """Percentiles over cases, linear between two, seconds."""

    n: int
    p50_s: float
    p95_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Of one arm in one view, once. A judge's costs are not among them.

    Attributes:
        n: Cases.
        spent: By the name of the cost (input_tokens, output_tokens, cached_tokens, dollars,
            planner_calls, vision_calls, tool_calls, retries); only those that a case tells.
        unsupported: Findings or claims that no input supports and that were taken out.
        latency: From asking to the answer; None where every case was asked in a batch job.
        turnaround: How long a batch job took to come back, of the cases asked in one; it says
            nothing of how long an answer takes, and is never pooled with latency.
    """

    n: int
    spent: Mapping[str, Spent]
    unsupported: int
    latency: Times | None
    turnaround: Times | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failures:
    """The cases without a list that counts.

    Attributes:
        errors: How many by what was raised and where, most frequent first; an abstention raises
            nothing.
        abstained, no_answer, unscored: Their case ids.
    """

    errors: Mapping[str, int]
    abstained: tuple[str, ...]
    no_answer: tuple[str, ...]
    unscored: tuple[str, ...]


def costs(lines: Sequence[Line]) -> Costs:
    """What the cases of a cell used.

    Args:
        lines: At least one.
    """
    told: dict[str, list[float]] = {}
    for line in lines:
        for name, amount in line.costs.items():
            told.setdefault(name, []).append(amount)
    return Costs(
        n=len(lines),
        spent={
            name: Spent(told=len(of), total=sum(of), per_case=sum(of) / len(of))
            for name, of in told.items()
        },
        unsupported=sum(line.unsupported for line in lines),
        latency=_times([line.latency_s for line in lines if not is_batch(line)]),
        turnaround=_times([line.latency_s for line in lines if is_batch(line)]),
    )


def failures(lines: Sequence[Line]) -> Failures:
    """Which cases of a cell have no list that counts, and why."""
    return Failures(
        errors=dict(Counter(line.error for line in lines if line.error).most_common()),
        abstained=tuple(line.case for line in lines if is_abstention(line)),
        no_answer=tuple(
            line.case for line in lines if line.status == "NO_ANSWER" and not is_abstention(line)
        ),
        unscored=tuple(line.case for line in lines if line.status == "UNSCORED"),
    )


def is_batch(line: Line) -> bool:
    """Whether the answer came from a batch job, so that its time is the job's."""
    return line.versions.get("mode") == "batch"


def is_abstention(line: Line) -> bool:
    """Whether the arm chose not to answer."""
    return line.abstained and line.status == "NO_ANSWER"


def _times(seconds: Sequence[float]) -> Times | None:
    if not seconds:
        return None
    p50, p95 = np.percentile(seconds, [50, 95])
    return Times(n=len(seconds), p50_s=float(p50), p95_s=float(p95))
