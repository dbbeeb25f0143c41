from __future__ import annotations

from pathlib import Path

import pytest

from evals.running.ledger import Line
from tests.evals.reporting.runs import Asked, write_run


def _as_they_end(line: Line) -> Line:
    """One arm that abstains, fails and meets a fault."""
    if line.arm != "planner-alone":
        return line
    by_case: dict[str, dict[str, object]] = {
        "SYN0001": {"status": "NO_ANSWER", "abstained": True},
        "SYN0002": {"status": "NO_ANSWER", "error": "time-out after 600 s", "predictions": ()},
        "SYN0003": {"status": "UNSCORED", "error": "KeyError at <b>x.py</b>:3", "predictions": ()},
    }
    other = by_case.get(line.case, {})
    if "predictions" in other:
        other = {**other, "scores": {}}
    return line.model_copy(update=other)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 cases: offline V3 has 6 at rank 1; planner-alone ran twice; vision-alone saw pictures."""
    ranks = [1] * 6 + [3] * 6 + [None] * 12
    return write_run(
        tmp_path_factory.mktemp("runs") / "shapes",
        [
            Asked("offline", "V3", 0, ranks),
            Asked("prior", "V3", 0, [None] * 20 + [5] * 4),
            Asked("planner-alone", "V3", 0, [1] * 12 + [None] * 12),
            Asked("planner-alone", "V3", 1, [1] * 10 + [2] * 14),
            Asked("vision-alone", "V2", 0, [None] * 22 + [1, 9]),
        ],
        change=_as_they_end,
        made={"is_dirty": True},
    )
