"""What to ask next of a case, and where the expected findings of candidates differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from knowledge.entry import Entry
from knowledge.ranking.questions import Question, entropy
from knowledge.ranking.trust import Trust
from knowledge.search.retrieve import KnowledgeBase
from tools.findings import Finding
from tools.weigh import modalities_in, scope_of_case, standing
from tools.workbench import Workbench

# A question is worth asking while it is expected to tell at least this share of what its answerer
# could tell at best (the capacity of a channel that errs as often, bits).
WORTH_ASKING = 0.1
STABLE_ROUNDS = 2  # answered rounds in which the leading candidates stayed the same
LEADING = 3
STAYED = "stayed the same"  # by these words a stop is told from one for want of questions
_SPLITS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Next:
    """The open questions of a case, best first, and why to stop asking ("" when not to).

    Attributes:
        answerer: Whose sensitivity and specificity the gains reckon with: "vision" or "person".
    """

    questions: tuple[Question, ...]
    answerer: str
    stop: str


def next_questions(
    bench: Workbench,
    findings: Sequence[Finding],
    case: Mapping[str, Any],
    *,
    disease_ids: Sequence[str] = (),
    count: int = 3,
) -> Next:
    """The closed questions of the largest expected information gain over the present candidates.

    Args:
        findings: All of the case; those that stand are not asked for again.
        case: A Case as JSON.
        disease_ids: Only these candidates; empty: every entry, by its posterior.
    """
    knowledge = bench.knowledge
    ranking = bench.weigh(findings, case)
    probabilities = ranking.probabilities
    if disease_ids:
        wanted = frozenset(disease_ids)
        probabilities = probabilities * [entry in wanted for entry in knowledge.entries]
    answerer = "vision" if bench.vision is not None and case.get("series") else "person"
    modalities, regions = _can_be_asked(case, findings, knowledge)
    questions = knowledge.questions.best(
        probabilities,
        trust=lambda modality, kind: knowledge.trust.of(answerer, modality, kind),
        modalities=modalities,
        regions=regions,
        answered={f.term: f.present for f in standing(findings)},
        count=count,
        shown=_SPLITS,
    )
    best = questions[0].gain if questions else 0.0
    kinds = [(q.modality, q.term.kind) for q in questions[:1]]
    worth = WORTH_ASKING * capacity(knowledge.trust.of(answerer, *(kinds[0] if kinds else ())))
    stop = ""
    if best < worth:
        stop = f"nothing left to ask is expected to tell more than {worth:.3f} bits"
    return Next(questions=tuple(questions), answerer=answerer, stop=stop)


def stable(leading: Sequence[Sequence[str]]) -> str:
    """Why the leading candidates are settled; "" while they still move.

    Args:
        leading: The first candidates after each round of findings, the oldest first.
    """
    last = [frozenset(ids) for ids in leading[-STABLE_ROUNDS - 1 :]]
    if len(last) <= STABLE_ROUNDS or len(set(last)) > 1:
        return ""
    return f"the first {LEADING} candidates {STAYED} for {STABLE_ROUNDS} rounds of answers"


def capacity(trust: Trust) -> float:
    """Bits that one answer can tell at best; of the symmetric channel with the mean error."""
    error = 1 - (trust.sensitivity + trust.specificity) / 2
    return 1 - float(entropy(np.asarray(error)))


def expected_differences(
    knowledge: KnowledgeBase,
    disease_ids: Sequence[str],
    findings: Sequence[Finding],
    case: Mapping[str, Any],
    *,
    count: int = 12,
) -> list[dict[str, Any]]:
    """Terms that some of the diseases show far more often than others, the widest gap first.

    Returns:
        A row a term: its id, question and window, how often each disease shows it (0..1; what an
        entry does not list has the background rate), and what the case says of it: present, absent
        or unknown.
    """
    modalities, regions = _can_be_asked(case, findings, knowledge)
    known = {f.term: "present" if f.present else "absent" for f in standing(findings)}
    entries = [knowledge.entries[disease_id] for disease_id in disease_ids]
    expected = [_expected(entry, modalities) for entry in entries]
    rows: list[tuple[float, dict[str, Any]]] = []
    for term_id in dict.fromkeys(t for of_one in expected for t in of_one):
        term = knowledge.vocabulary[term_id]
        if not term.is_seen_in(regions):
            continue
        often = [of_one.get(term_id, term.background) for of_one in expected]
        gap = max(often) - min(often)
        rows.append(
            (
                gap,
                {
                    "term": term_id,
                    "question": term.question,
                    "window": term.window,
                    "expected": {
                        e.id: round(f, 2)
                        if term_id in of_one
                        else f"not listed (~{term.background})"
                        for e, f, of_one in zip(entries, often, expected, strict=True)
                    },
                    "case": known.get(term_id, "unknown"),
                },
            )
        )
    rows.sort(key=lambda row: (-row[0], row[1]["term"]))
    return [row for _, row in rows[:count]]


def _can_be_asked(
    case: Mapping[str, Any], findings: Sequence[Finding], knowledge: KnowledgeBase
) -> tuple[frozenset[str], frozenset[str]]:
    """Modalities and regions of the study: of its headers, else of its words and findings.

    Where neither says anything a question may be of any; one of another organ by another method
    would be of no use to a person who has one study in front of them.
    """
    scope = scope_of_case(case)
    words = f"{case.get('history', '')} {case.get('findings_text', '')}"
    modalities = scope.modalities or modalities_in(words)
    terms = [
        knowledge.vocabulary[f.term]
        for f in standing(findings)
        if f.present and f.term in knowledge.vocabulary
    ]
    told = frozenset(region for term in terms for region in term.region)
    return frozenset(modalities), frozenset(scope.regions or told)


def _expected(entry: Entry, modalities: frozenset[str]) -> dict[str, float]:
    """How often the entry shows each term that it lists, in the study's modalities."""
    shown: dict[str, float] = {}
    for finding in entry.findings:
        if not modalities or finding.modality in modalities:
            shown[finding.term] = max(finding.frequency, shown.get(finding.term, 0.0))
    return shown
