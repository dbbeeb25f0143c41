"""Budgets: what one run may use, checked before each call; a spent one still ends in a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agent.settings import Settings


class RunContext(BaseModel):
    """What one run is told beside its case: LangGraph's context of a run.

    Attributes:
        interactive: A person waits and may be asked (interrupts). Never in evaluation or in
            diagnose().
        max_planner_calls, max_vision_calls, max_tokens, max_seconds, max_dollars: Instead of those
            of the settings; None leaves them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    interactive: bool = False
    max_planner_calls: int | None = Field(default=None, ge=1)
    max_vision_calls: int | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)
    max_seconds: float | None = Field(default=None, gt=0)
    max_dollars: float | None = Field(default=None, gt=0)


class Budget(BaseModel):
    """The limits of one run; None is no limit.

    Attributes:
        tokens: Of the planner, in and out.
        seconds: That the nodes worked; waiting for a person does not count.
        dollars: Of planner calls whose model has a price.
    """

    model_config = ConfigDict(frozen=True)

    planner_calls: int
    vision_calls: int
    tokens: int | None = None
    seconds: float | None = None
    dollars: float | None = None

    def spent_on(self, turn: Mapping[str, Any]) -> str:
        """Why no further planner call may be made; "" when one may.

        Args:
            turn: What the run has used so far, by the names of the limits.
        """
        for name, unit in (
            ("planner_calls", "planner calls"),
            ("tokens", "tokens"),
            ("seconds", "seconds"),
            ("dollars", "dollars"),
        ):
            limit = getattr(self, name)
            used = turn.get(name, 0)
            if limit is not None and used >= limit:
                return f"{_number(used)} of {_number(limit)} {unit}"
        return ""

    def vision_calls_left(self, turn: Mapping[str, Any]) -> int:
        """How many windows may still be looked at; none once the time is gone."""
        if self.seconds is not None and turn.get("seconds", 0) >= self.seconds:
            return 0
        return max(0, self.vision_calls - int(turn.get("vision_calls", 0)))


def budget_of(settings: Settings, context: RunContext | None) -> Budget:
    """The budget of a run: the context's limits where it names them, else the settings'."""
    given = context or RunContext()

    def limit(name: str) -> Any:
        told = getattr(given, f"max_{name}")
        return getattr(settings, f"max_{name}") if told is None else told

    return Budget(**{name: limit(name) for name in Budget.model_fields})


def is_interactive(context: RunContext | None, *, default: bool) -> bool:
    """Whether a person may be asked; a run without a context is as the graph was built."""
    return default if context is None else context.interactive


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
