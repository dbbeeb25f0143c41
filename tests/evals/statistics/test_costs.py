from __future__ import annotations

import pytest

from evals.statistics.costs import Times, costs, failures
from tests.evals.statistics.lines import line


def test_a_cost_that_a_case_does_not_tell_is_not_counted_as_nothing() -> None:
    found = costs([
        line("a", 1, costs={"dollars": 0.2, "input_tokens": 100.0}, latency_s=1.0, unsupported=2),
        line("b", 1, costs={"input_tokens": 300.0}, latency_s=3.0),
        line("c", None, status="NO_ANSWER", latency_s=2.0, unsupported=1),
    ])  # fmt: skip
    assert found.n == 3
    dollars, tokens = found.spent["dollars"], found.spent["input_tokens"]
    assert (dollars.told, dollars.total, dollars.per_case) == (1, 0.2, 0.2)
    assert (tokens.told, tokens.total, tokens.per_case) == (2, 400, 200)
    assert "cached_tokens" not in found.spent
    assert found.unsupported == 3
    assert found.latency is not None
    assert (found.latency.n, found.latency.p50_s) == (3, 2.0)
    assert found.latency.p95_s == pytest.approx(2.9)
    assert found.turnaround is None


def test_the_time_of_a_batch_job_is_never_pooled_with_latency() -> None:
    batch = {"mode": "batch"}
    found = costs([
        line("a", 1, latency_s=2.0),
        line("b", 1, latency_s=600.0, versions=batch),
        line("c", None, status="NO_ANSWER", latency_s=1800.0, versions=batch),
    ])  # fmt: skip
    assert found.latency == Times(n=1, p50_s=2.0, p95_s=2.0)
    assert found.turnaround is not None
    assert (found.turnaround.n, found.turnaround.p50_s) == (2, 1200.0)
    assert found.turnaround.p95_s == pytest.approx(1740.0)
    assert costs([line("b", 1, versions=batch)]).latency is None


def test_failures_are_named_by_kind_and_counted_by_error() -> None:
    found = failures([
        line("a", 1),
        line("b", None, status="NO_ANSWER", abstained=True),
        line("c", None, status="NO_ANSWER", error="empty list"),
        line("d", None, status="NO_ANSWER", error="empty list"),
        line("e", None, status="UNSCORED", error="KeyError at x.py:3"),
    ])  # fmt: skip
    assert (found.abstained, found.no_answer, found.unscored) == (("b",), ("c", "d"), ("e",))
    assert found.errors == {"empty list": 2, "KeyError at x.py:3": 1}
