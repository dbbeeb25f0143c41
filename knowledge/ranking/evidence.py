"""What the ranking takes and gives: observations in, contributions and posteriors out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Sensitivity and specificity by source. Vision: MedGemma 1.5 4B is right in 61 % of balanced CT
# questions (model card); the others are this project's estimates.
TRUST: Mapping[str, tuple[float, float]] = {
    "measurement": (0.95, 0.97),
    "report": (0.93, 0.98),
    "person": (0.90, 0.97),
    "vision": (0.61, 0.61),
}
# A narrower finding that an entry lists at least so often implies the broader one.
IMPLIES = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """A finding as the ranking takes it: which term, present or not, how sure, from where.

    `modality` is CT, XR, MR, US or NM when it is known: then only what the entries expect in that
    modality counts. A lucent hemithorax on a radiograph may be free air; on CT it is the lung.
    """

    id: str
    term: str
    present: bool
    certainty: float
    source: str
    modality: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """What one source adds to a disease; ln likelihood ratio.

    A source is the id of a finding, or "rarity", "age", "sex", "study" (what it can show),
    "history: ..." or "words: ..." with the words that counted most.
    """

    source: str
    log_ratio: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """One disease with its posterior and all that spoke for or against it."""

    disease_id: str
    probability: float
    contributions: tuple[Contribution, ...]
    not_seen: tuple[str, ...] = field(default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """All entries in descending probability; with other_probability they sum to one."""

    ranked: tuple[Ranked, ...]
    other_probability: float


def reported(p: float, source: str, *, present: bool) -> float:
    """P(the source reports the finding as present, or as absent), when p is P(it is there)."""
    sensitivity, specificity = TRUST[source]
    seen = sensitivity * p + (1 - specificity) * (1 - p)
    return seen if present else 1 - seen
