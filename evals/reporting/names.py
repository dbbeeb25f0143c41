"""One wording for arms, scorings and tests, in the terminal and on a page."""

from __future__ import annotations

from collections.abc import Mapping

from evals.matching.scoring import Scoring
from evals.reporting.comparison import Pairing, name
from evals.statistics.summary import Cell

SCORINGS: Mapping[Scoring, str] = {
    "curated": "curated truth",
    "kb": "+ KB synonyms",
    "ontology": "+ ontologies",
    "kb+ontology": "+ KB and ontologies",
    "judge": "+ judge",
}


def label(cell: Cell) -> str:
    """Arm and view, with the seed where it is not the usual one."""
    return name((cell.arm, cell.view, cell.seed))


def p_value(p: float) -> str:
    """Four decimals; never 0."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def pairing_title(pairing: Pairing) -> str:
    """What is compared, in words."""
    if pairing.a == pairing.b:
        return name(pairing.a)
    return f"{name(pairing.a)} and {name(pairing.b)}"
