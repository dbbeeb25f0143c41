"""Weighing: the case's findings against every entry of the knowledge base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from knowledge.rank import Observation, Ranking, rank
from knowledge.retrieve import KnowledgeBase
from knowledge.vocabulary import Vocabulary
from tools.findings import Finding

# Whose word stands when two sources disagree on one term, most trusted first.
SOURCES = ("measurement", "report", "person", "vision")
# DICOM's modality to the knowledge base's.
_MODALITIES = {
    "CT": "CT", "CR": "XR", "DX": "XR", "RG": "XR", "MR": "MR", "US": "US", "NM": "NM", "PT": "NM"
}  # fmt: skip


def knowledge_modality(modality: str) -> str:
    """The knowledge base's word for one of DICOM's modalities; "" when it has none."""
    return _MODALITIES.get(modality, "")


def standing(findings: Sequence[Finding]) -> list[Finding]:
    """One finding a term: the most trusted source, then the most certain.

    None that was retracted by the person or refuted by a measurement.
    """
    best: dict[str, Finding] = {}
    for finding in findings:
        if finding.retracted or finding.refuted:
            continue
        kept = best.get(finding.term)
        if kept is None or _trust(finding) > _trust(kept):
            best[finding.term] = finding
    return list(best.values())


def contradictions(
    findings: Sequence[Finding], vocabulary: Vocabulary
) -> list[tuple[Finding, Finding]]:
    """Pairs that cannot both hold.

    The same term present and absent, a term present whose broader term is absent, or two opposite
    terms present. Two findings that name different sides do not contradict each other.
    """
    live = [f for f in findings if not f.retracted and not f.refuted and f.term in vocabulary]
    return [
        (one, two)
        for at, one in enumerate(live)
        for two in live[at + 1 :]
        if _clash(one, two, vocabulary) and not _apart(one, two)
    ]


def _clash(one: Finding, two: Finding, vocabulary: Vocabulary) -> bool:
    if one.present and two.present:
        return (
            two.term in vocabulary[one.term].opposite or one.term in vocabulary[two.term].opposite
        )
    if one.present == two.present:
        return False
    there, gone = (one, two) if one.present else (two, one)
    return gone.term == there.term or gone.term in vocabulary.ancestors(there.term)


def _apart(one: Finding, two: Finding) -> bool:
    sides = {one.side, two.side}
    return len(sides) == 2 and not sides & {"", "bilateral"}


def weigh(
    findings: Sequence[Finding],
    knowledge: KnowledgeBase,
    case: Mapping[str, Any],
) -> Ranking:
    """The posterior over all entries, from the standing findings, the history and demographics.

    Args:
        case: A Case as JSON: history, age_years, sex and series are read.
    """
    modalities = {s["id"]: knowledge_modality(s["modality"]) for s in case.get("series", ())}
    observations = [
        Observation(
            id=f.id,
            term=f.term,
            present=f.present,
            certainty=f.certainty,
            source=f.source,
            modality=modalities.get(f.series, ""),
        )
        for f in standing(findings)
        if f.term in knowledge.vocabulary
    ]
    return rank(
        knowledge.entries,
        knowledge.vocabulary,
        observations,
        history=case.get("history", ""),
        age_years=case.get("age_years"),
        sex=case.get("sex"),
    )


def _trust(finding: Finding) -> tuple[int, float, bool]:
    return -SOURCES.index(finding.source), finding.certainty, finding.present
