"""Lines of a run that nobody ran, for the tests of what is worked out from them."""

from __future__ import annotations

from typing import Any

from agent.case import Case
from evals.matching.levels import Judged
from evals.running.ledger import Item, Line
from evals.truth import Truth


def line(case: str, rank: int | None, **more: Any) -> Line:
    """A line whose truth is at that rank in every scoring and reading, unless `more` says else."""
    judged = Judged(rank=rank, rank_exact=rank, rank_broader=rank)
    fields: dict[str, Any] = {
        "case": case,
        "patient": case,
        "view": "V3",
        "arm": "offline",
        "seed": 0,
        "config": "c",
        "status": "OK",
        "input": Case(region="thorax", modality="CT"),
        "truth": Truth(primary=f"disease {case}", kind="disease"),
        "predictions": (Item(name="LAM", probability=None),),
        "scores": {"curated": judged},
        "latency_s": 1.0,
    }
    return Line.model_validate(fields | more)
