"""Lines of a ledger as a test wants them."""

from __future__ import annotations

from agent.ledger import Line


def ledger_line(disease_id: str, probability: float, **weights: float) -> Line:
    return Line(
        disease_id=disease_id,
        probability=probability,
        speaks_for={k: w for k, w in weights.items() if w > 0},
        speaks_against={k: w for k, w in weights.items() if w < 0},
        background={},
        not_looked_for=("honeycombing",),
    )
