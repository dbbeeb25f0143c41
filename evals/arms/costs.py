"""What an answer cost, under the names that every arm uses."""

from __future__ import annotations

from collections.abc import Mapping

COUNTS = (
    "planner_calls", "vision_calls", "input_tokens", "output_tokens", "cached_tokens", "tool_calls",
    "failed_tool_calls", "retries",
)  # fmt: skip
DOLLARS = "dollars"


def costs(counted: Mapping[str, float], **more: float) -> dict[str, float]:
    """Every count, 0 where nothing was counted; dollars only where they are known.

    Args:
        counted: As a report has them.
        more: Beside or instead of them.
    """
    given = {**dict.fromkeys(COUNTS, 0.0), **counted, **more}
    return {name: float(count) for name, count in given.items()}


FREE: Mapping[str, float] = costs({}, dollars=0.0)
"""Of an arm without any model."""
