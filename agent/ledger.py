"""The ledger: every finding against every candidate, and what is left for "other"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.case import Case
from knowledge.ranking.evidence import Ranked
from knowledge.search.retrieve import KnowledgeBase
from tools.findings import Finding
from tools.weigh import contradictions, weigh

_SPEAKS = 0.05  # ln likelihood ratio under which a finding is neutral


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One candidate: finding ids with their ln likelihood ratios, strongest first."""

    disease_id: str
    probability: float
    speaks_for: Mapping[str, float]
    speaks_against: Mapping[str, float]
    background: Mapping[str, float]
    not_looked_for: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """The weighed case.

    Attributes:
        lines: By disease id, best first.
        contradictions: Pairs of finding ids that cannot both hold.
    """

    lines: Mapping[str, Line]
    other_probability: float
    contradictions: tuple[tuple[str, str], ...]


def build_ledger(case: Case, findings: Sequence[Finding], knowledge: KnowledgeBase) -> Ledger:
    """Weigh the standing findings, the history, age and sex against every entry."""
    ranking = weigh(findings, knowledge, case.model_dump())
    known = {f.id for f in findings}
    return Ledger(
        lines={r.disease_id: _line(r, known, knowledge) for r in ranking.ranked},
        other_probability=ranking.other_probability,
        contradictions=tuple(
            (a.id, b.id) for a, b in contradictions(findings, knowledge.vocabulary)
        ),
    )


def _line(ranked: Ranked, finding_ids: set[str], knowledge: KnowledgeBase) -> Line:
    weights = sorted(
        ((c.source, c.log_ratio) for c in ranked.contributions), key=lambda part: -abs(part[1])
    )
    return Line(
        disease_id=ranked.disease_id,
        probability=ranked.probability,
        speaks_for={s: w for s, w in weights if s in finding_ids and w > _SPEAKS},
        speaks_against={s: w for s, w in weights if s in finding_ids and w < -_SPEAKS},
        background={s: w for s, w in weights if s not in finding_ids},
        not_looked_for=tuple(knowledge.vocabulary[t].name for t in ranked.not_seen),
    )
