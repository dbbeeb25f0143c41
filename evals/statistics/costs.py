"""Costs: what an arm used, how long it took, and how often it failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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
class Costs:
    """Of one arm in one view, once. A judge's costs are not among them.

    Attributes:
        n: Cases.
        spent: By the name of the cost (input_tokens, output_tokens, cached_tokens, dollars,
            planner_calls, vision_calls, tool_calls, retries); only those that a case tells.
        unsupported: Findings or claims that no input supports and that were taken out.
        latency_p50_s, latency_p95_s: Percentiles of the time for a case, linear between cases.
    """

    n: int
    spent: Mapping[str, Spent]
    unsupported: int
    latency_p50_s: float
    latency_p95_s: float


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
