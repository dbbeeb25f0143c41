"""The checks a differential must pass before anyone sees it, and what becomes of one that fails.

The checks are mechanical: every id exists, every claim stands in the ledger, the probabilities sum
to one, the dangerous is considered. What still fails when the budget is gone is taken out, and
counted in the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.dangers import considered, overlooked
from agent.differential import Diagnosis, Differential
from agent.ledger import Ledger, Line
from agent.submission import Submission, SubmittedDiagnosis
from knowledge.entry import Entry
from knowledge.words import forms

_SUM_SLACK = 0.02
# A planner's probability that lies so far from the ledger's is shown beside it, with why.
_FAR = 0.1
_FAR_ODDS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What a submission is checked against."""

    findings: frozenset[str]
    passages: Mapping[str, str]  # passage id to disease id
    ledger: Ledger
    entries: Mapping[str, Entry]
    names: Mapping[tuple[str, ...], str]  # folded name or exact synonym to entry id


def problems(submission: Submission, evidence: Evidence) -> list[str]:
    """Everything wrong with a submission, each with what to do; empty when it passes."""
    found: list[str] = []
    if submission.abstain_because:
        if submission.diagnoses:
            found.append("an abstention has no diagnoses: remove them, or remove abstain_because")
        found.extend(
            f"{entry.name} ({entry.id}) must not be missed and is likely: do not abstain over it"
            for entry in overlooked(set(), evidence.ledger, evidence.entries)
        )
        return found
    if not submission.diagnoses:
        found.append("no diagnoses: submit some, or set abstain_because and other_probability 1")
    total = submission.other_probability + sum(d.probability for d in submission.diagnoses)
    if abs(total - 1) > _SUM_SLACK:
        found.append(f"probabilities and other_probability sum to {total:.2f}; make it 1")
    for diagnosis in submission.diagnoses:
        found.extend(f"{diagnosis.name}: {p}" for p in _claims(diagnosis, evidence)[0])
    named = {_disease_id(d, evidence) for d in submission.diagnoses}
    found.extend(
        f"{entry.name} ({entry.id}) must not be missed and is likely: include it"
        for entry in overlooked(named, evidence.ledger, evidence.entries)
    )
    return found


def settle(
    submission: Submission, evidence: Evidence, limits: Sequence[str], *, next_step: str = ""
) -> tuple[Differential, int]:
    """The differential that is shown, and how many unsupported claims were taken out of it.

    Diagnoses of one disease are collapsed, probabilities scaled to sum to one, evidence against and
    what was not looked for filled in from the ledger, contradictions named among the limits.

    Args:
        next_step: What to do next, for a differential that does not answer the case.
    """
    limits = (*limits, *submission.limits, *_conflicts(evidence.ledger))
    if submission.abstain_because or not submission.diagnoses:
        why = submission.abstain_because or "the planner named no diagnosis"
        return (
            Differential(
                other_probability=1.0,
                abstained=True,
                abstained_why=why,
                next_step=next_step,
                considered=considered((), evidence.ledger, evidence.entries),
                limits=_unique(limits),
            ),
            0,
        )
    removed = 0
    lines: dict[str, Diagnosis] = {}
    for submitted in submission.diagnoses:
        faults, kept = _claims(submitted, evidence)
        removed += len(faults)
        key = kept.disease_id or kept.name.casefold()
        first = lines.get(key)
        again = _diagnosis(kept, evidence)
        lines[key] = _merged(first, again) if first else again
    total = submission.other_probability + sum(d.probability for d in lines.values())
    scale = 1 / total if total > 0 else 0.0
    ranked = sorted(
        (d.model_copy(update={"probability": d.probability * scale}) for d in lines.values()),
        key=lambda d: -d.probability,
    )
    other = max(0.0, 1 - sum(d.probability for d in ranked))
    limits = (
        *limits,
        *(
            f"{entry.name} must not be missed and was not considered by the planner"
            for entry in overlooked(set(lines), evidence.ledger, evidence.entries)
        ),
    )
    undecided = _undecided(submission.other_probability * scale, ranked, evidence.ledger)
    return (
        Differential(
            diagnoses=tuple(ranked),
            other_probability=other,
            undecided_why=undecided,
            next_step=next_step if undecided else "",
            considered=considered(lines.keys(), evidence.ledger, evidence.entries),
            limits=_unique(limits),
        ),
        removed,
    )


def _claims(
    submitted: SubmittedDiagnosis, evidence: Evidence
) -> tuple[list[str], SubmittedDiagnosis]:
    """The faults of one line, and the line without them."""
    faults: list[str] = []
    disease_id = _disease_id(submitted, evidence)
    if submitted.disease_id and submitted.disease_id not in evidence.entries:
        faults.append(f"no entry {submitted.disease_id!r}; search for its id or leave it empty")
    line = evidence.ledger.lines.get(disease_id)
    speaks_for, speaks_against = [], []
    for finding in dict.fromkeys(submitted.evidence_for):
        if finding not in evidence.findings:
            faults.append(f"{finding} is no standing finding; take it out")
        elif line is not None and finding in line.speaks_against:
            faults.append(f"{finding} speaks against it in the ledger; move or remove it")
        elif line is not None and finding not in line.speaks_for:
            faults.append(f"{finding} is neutral for it in the ledger; remove it")
        else:
            speaks_for.append(finding)
    for finding in dict.fromkeys(submitted.evidence_against):
        if finding not in evidence.findings:
            faults.append(f"{finding} is no standing finding; take it out")
        elif line is not None and finding not in line.speaks_against:
            faults.append(f"{finding} does not speak against it in the ledger; remove it")
        else:
            speaks_against.append(finding)
    passages = []
    for passage in dict.fromkeys(submitted.passages):
        if passage not in evidence.passages:
            faults.append(f"passage {passage} does not exist; take it out")
        elif disease_id and evidence.passages[passage] not in _about(disease_id, evidence):
            faults.append(f"passage {passage} is about {evidence.passages[passage]}; take it out")
        else:
            passages.append(passage)
    return faults, submitted.model_copy(
        update={
            "disease_id": disease_id,
            "evidence_for": speaks_for,
            "evidence_against": speaks_against,
            "passages": passages,
        }
    )


def _disease_id(submitted: SubmittedDiagnosis, evidence: Evidence) -> str:
    """The entry of a line: by its id, or by its name where that is an entry's name or synonym."""
    if submitted.disease_id in evidence.entries:
        return submitted.disease_id
    return evidence.names.get(forms(submitted.name), "")


def _about(disease_id: str, evidence: Evidence) -> set[str]:
    """The entries whose passages may speak of a disease: its own and its mimics."""
    return {disease_id, *(mimic.id for mimic in evidence.entries[disease_id].mimics)}


def _merged(first: Diagnosis, again: Diagnosis) -> Diagnosis:
    """Two lines of one disease as one: probabilities added, evidence and passages joined."""
    return first.model_copy(
        update={
            "probability": min(1.0, first.probability + again.probability),
            **{
                name: tuple(dict.fromkeys((*getattr(first, name), *getattr(again, name))))
                for name in ("evidence_for", "evidence_against", "passages")
            },
        }
    )


def _diagnosis(kept: SubmittedDiagnosis, evidence: Evidence) -> Diagnosis:
    entry = evidence.entries.get(kept.disease_id)
    line = evidence.ledger.lines.get(kept.disease_id)
    against = dict.fromkeys(kept.evidence_against)
    against.update(dict.fromkeys(line.speaks_against if line else ()))
    return Diagnosis(
        disease_id=kept.disease_id,
        name=entry.name if entry else kept.name,
        probability=kept.probability,
        ledger_probability=line.probability if line else None,
        differs_because=_why_differs(kept, line),
        evidence_for=tuple(kept.evidence_for),
        evidence_against=tuple(against),
        background={k: round(v, 2) for k, v in line.background.items()} if line else {},
        not_seen=line.not_looked_for if line else (),
        passages=tuple(kept.passages),
        settles=kept.settles or (entry.settles if entry else ""),
        cant_miss=entry.cant_miss if entry else False,
    )


def _why_differs(kept: SubmittedDiagnosis, line: Line | None) -> str:
    """The planner's reason where its probability is far from the ledger's; "" where it is near."""
    if line is None or abs(kept.probability - line.probability) < _FAR:
        return ""
    odds = _odds(kept.probability) / _odds(line.probability)
    if max(odds, 1 / odds) < _FAR_ODDS:
        return ""
    return kept.why_differs.strip() or "the planner gave no reason"


def _odds(probability: float) -> float:
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return kept / (1 - kept)


def _undecided(other: float, ranked: Sequence[Diagnosis], ledger: Ledger) -> str:
    """Why the list decides nothing: "other" leads for the planner and for the ledger."""
    best = next((line.probability for line in ledger.lines.values()), 0.0)
    if not ranked or other <= ranked[0].probability or ledger.other_probability <= best:
        return ""
    return (
        f"a disease without an entry ({ledger.other_probability:.0%} in the ledger) is likelier "
        "than any line"
    )


def _conflicts(ledger: Ledger) -> list[str]:
    return [
        *(
            f"{one} and {two} contradict each other; the more trusted source counts"
            for one, two in ledger.contradictions
        ),
        *(
            f"{one} and {two} name different sides for one thing; check the side"
            for one, two in ledger.side_conflicts
        ),
    ]


def _unique(limits: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(limit for limit in limits if limit))
