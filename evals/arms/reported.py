"""From a report of the agent to a prediction, with what its tools did."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from agent.nodes import CLOSED
from agent.report import Report
from evals.arms.arm import Named, Prediction
from evals.arms.costs import costs


class ToolCounter(BaseCallbackHandler):
    """Counts the tool calls of one case that ran, and those that could not do what was asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.failed = 0

    def on_tool_start(
        self, serialized: dict[str, Any], input_str: str, *, run_id: UUID, **kwargs: Any
    ) -> None:
        """One more call."""
        self.calls += 1

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """One of them failed."""
        self.failed += 1


def from_report(report: Report, counted: ToolCounter, **more: float) -> Prediction:
    """The prediction that a report of the agent is.

    A run whose budget was spent is closed by the offline planner: that list is what a person gets,
    so it counts, and `closed_offline` in its costs says so.

    Args:
        more: Costs beside or instead of the report's.
    """
    closed = any(step.node == "plan" and step.what.endswith(CLOSED) for step in report.trace)
    spent = {
        **report.costs,
        "tool_calls": float(counted.calls),
        "failed_tool_calls": float(counted.failed),
        "closed_offline": float(closed),
        **more,
    }
    return Prediction(
        diagnoses=tuple(
            Named(name=d.name, probability=d.probability) for d in report.differential.diagnoses
        ),
        abstained=report.differential.abstained,
        versions=dict(report.versions),
        costs=costs(spent),
        unsupported=report.removed_claims + sum(bool(f.refuted) for f in report.findings),
        report=report,
    )
