"""Weighing: the case's findings against every entry of the knowledge base."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any

from knowledge.ranking.evidence import Observation, Ranked, Ranking
from knowledge.ranking.scope import Scope, scope_of
from knowledge.ranking.wording import affirmed
from knowledge.search.retrieve import KnowledgeBase
from knowledge.vocabulary import Vocabulary
from tools.findings import Finding
from tools.imaging.body import spoken
from tools.instructions import without_instructions

# Whose word stands when two sources disagree on one term, most trusted first.
SOURCES = ("measurement", "report", "person", "vision")
# DICOM's modality to the knowledge base's.
_MODALITIES = {
    "CT": "CT", "CR": "XR", "DX": "XR", "RG": "XR", "MR": "MR", "US": "US", "NM": "NM", "PT": "NM"
}  # fmt: skip
# As people write them in a case's modality: "CT and MR", "MRI brain", "chest x-ray".
_SPOKEN_MODALITIES = {
    **_MODALITIES,
    "MRI": "MR", "X-RAY": "XR", "XRAY": "XR", "XR": "XR", "RADIOGRAPH": "XR", "RADIOGRAPHY": "XR",
    "CTA": "CT", "MRA": "MR", "ULTRASOUND": "US", "SONOGRAPHY": "US", "PET": "NM", "HRCT": "CT",
    "CXR": "XR", "MAMMOGRAM": "XR", "SCINTIGRAPHY": "NM",
}  # fmt: skip
_ABBREVIATION = 4  # letters; so short a word is read in capitals alone: "US", not "us"
_IN_WORDS = frozenset({"person", "report"})
_OPPOSITE_SIDES = frozenset({"left", "right"})
_WORD = re.compile(r"[A-Z][A-Z-]*")


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


def side_conflicts(findings: Sequence[Finding]) -> list[tuple[Finding, Finding]]:
    """Pairs of one term that words put on one side and images on the other.

    Either may be right, and both sides may be affected; somebody has to look.
    """
    live = [f for f in findings if f.present and not f.retracted and not f.refuted]
    told = [f for f in live if f.source in _IN_WORDS and f.side in _OPPOSITE_SIDES]
    seen = [f for f in live if f.source not in _IN_WORDS and f.side in _OPPOSITE_SIDES]
    return [
        (one, two) for one in told for two in seen if one.term == two.term and one.side != two.side
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
    *,
    with_words: bool = True,
) -> Ranking:
    """The posterior over all entries: findings, words, history, demographics, what was imaged.

    Args:
        case: A Case as JSON: history, findings_text, age_years, sex, region, modality and series
            are read.
        with_words: Hold the words of history and report against each entry's own as well.
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
    told = without_instructions(case.get("history", ""))
    history = _without(told, case.get("taken_back", ()))
    supplied = without_instructions(case.get("findings_text", ""))
    text = "\n".join(filter(None, (history, supplied))) if with_words else ""
    fallen = {f.term for f in findings if f.retracted or f.refuted} - {o.term for o in observations}
    return knowledge.ranker.rank(
        observations,
        history=history,
        text=affirmed(text, knowledge.normaliser, fallen),
        age_years=case.get("age_years"),
        sex=case.get("sex"),
        scope=scope_of_case(case),
    )


def _without(text: str, phrases: Collection[str]) -> str:
    """The text without what the person took back later."""
    for phrase in phrases:
        text = re.sub(rf"\b{re.escape(phrase)}\b", " ", text, flags=re.IGNORECASE)
    return text


def candidates_of(ranking: Ranking, explicable: Collection[str], count: int) -> list[Ranked]:
    """The best entries that something of this case speaks for, best first.

    Age, sex and the kind of study alone make no candidate as long as an entry explains a finding
    or shares telling words with the text; all that is left out counts as "other".

    Args:
        explicable: Ids of the present findings that a disease could explain.
    """
    spoken_for = (
        ranked
        for ranked in ranking.ranked
        if any(
            c.log_ratio > 0
            and (c.source in explicable or c.source.startswith(("words", "history: ")))
            for c in ranked.contributions
        )
    )
    return list(islice(spoken_for, count)) or list(ranking.ranked[:count])


def modalities_in(words: str) -> frozenset[str]:
    """The knowledge base's modalities that a text names: "CT chest", "chest radiograph"."""
    named = (
        _SPOKEN_MODALITIES.get(word.upper() if len(word) > _ABBREVIATION else word, "")
        for word in re.findall(r"[A-Za-z][A-Za-z-]*", words)
    )
    return frozenset(modality for modality in named if modality)


def scope_of_case(case: Mapping[str, Any]) -> Scope:
    """What the study shows, by the headers of its series and the words of the case."""
    series = case.get("series", ())
    spoken_of = _WORD.findall(str(case.get("modality", "")).upper())
    return scope_of(
        [case.get("region", ""), *(spoken(s.get("body_part", "")) for s in series)],
        [
            *(knowledge_modality(s["modality"]) for s in series),
            *(_SPOKEN_MODALITIES.get(word, "") for word in spoken_of),
        ],
    )


def _trust(finding: Finding) -> tuple[int, float, bool]:
    return -SOURCES.index(finding.source), finding.certainty, finding.present
