"""What a page shows of one case when it is opened: truth, inputs, and every arm's answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from agent.case import Case
from agent.differential import Diagnosis
from agent.report import Report, Step
from evals.matching.scoring import Scoring
from evals.reporting.pictures import Shown
from evals.running.ledger import Item, Line, Reading
from evals.statistics.costs import is_batch
from knowledge.index.passages import Passage
from tools.findings import Finding

_READINGS: tuple[Reading, ...] = ("exact", "right", "broader")


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(_Shape):
    """The truth, as the lists were judged against it."""

    primary: str
    synonyms: tuple[str, ...]
    broader: tuple[str, ...]
    components: tuple[str, ...]
    is_curated: bool


class Input(_Shape):
    """What the arms were handed in one view.

    Attributes:
        arms: Those that were handed exactly this; arms of one view are normally handed the same.
        case: The whole of it.
        pictures: In the order of the case's series.
    """

    view: str
    arms: tuple[str, ...]
    case: Case
    pictures: tuple[Shown, ...]


class Ranked(_Shape):
    """One line of a differential.

    Attributes:
        levels: By scoring.
        speaks_for, speaks_against: Findings in words.
        passages: Ids of the passages cited, as in `Outcome.passages`.
    """

    name: str
    probability: float | None
    levels: Mapping[Scoring, str]
    speaks_for: tuple[str, ...] = ()
    speaks_against: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    settles: str = ""


class Found(_Shape):
    """A passage that a search found: its id in this answer, and where its text stands."""

    id: str
    text: str
    is_cited: bool


class Outcome(_Shape):
    """One arm's answer in one view.

    Attributes:
        ranks: Of the truth, by scoring and reading; None is a miss.
        why_not: Why there is no list, in the agent's words; "" where it said nothing.
        passages: Each `text` is a key of `Detail.passages`.
        latency_s: Of the whole batch job where `is_batch`.
    """

    arm: str
    view: str
    seed: int
    status: str
    error: str
    is_abstained: bool
    why_not: str
    ranks: Mapping[Scoring, Mapping[Reading, int | None]]
    ranked: tuple[Ranked, ...]
    findings: tuple[Finding, ...]
    steps: tuple[Step, ...]
    passages: tuple[Found, ...]
    limits: tuple[str, ...]
    stopped: str
    costs: Mapping[str, float]
    latency_s: float
    is_batch: bool
    unsupported: int
    reply: str


class Detail(_Shape):
    """One case.

    Attributes:
        passages: Text and source of every passage that any answer found, by a hash.
    """

    case: str
    truth: Answer
    inputs: tuple[Input, ...]
    outcomes: tuple[Outcome, ...]
    passages: Mapping[str, Passage]


def build_detail(lines: Sequence[Line], shown: Mapping[str, Sequence[Shown]]) -> Detail:
    """One case as a page shows it.

    Args:
        lines: All of the case, whole.
        shown: The pictures of each series, by its reference.

    Raises:
        ValueError: If there is no line, or they are of different cases.
    """
    if len({line.case for line in lines}) != 1:
        raise ValueError("a detail is of the lines of one case")
    truth = lines[0].truth
    passages: dict[str, Passage] = {}
    return Detail(
        case=lines[0].case,
        truth=Answer(
            primary=truth.primary,
            synonyms=truth.synonyms,
            broader=truth.broader,
            components=truth.components,
            is_curated=truth.curated,
        ),
        inputs=_inputs(lines, shown),
        outcomes=tuple(_outcome(line, passages) for line in lines),
        passages=passages,
    )


def _inputs(lines: Sequence[Line], shown: Mapping[str, Sequence[Shown]]) -> tuple[Input, ...]:
    arms: dict[tuple[str, str], dict[str, Case]] = {}
    for line in lines:
        same = arms.setdefault((line.view, line.input.model_dump_json()), {})
        same[line.arm] = line.input
    return tuple(
        Input(
            view=view,
            arms=tuple(handed),
            case=(case := next(iter(handed.values()))),
            pictures=tuple(one for series in case.series for one in shown.get(series.ref, ())),
        )
        for (view, _), handed in arms.items()
    )


def _outcome(line: Line, passages: dict[str, Passage]) -> Outcome:
    report = line.report
    return Outcome(
        arm=line.arm,
        view=line.view,
        seed=line.seed,
        status=line.status,
        error=line.error,
        is_abstained=line.abstained,
        why_not=report.differential.abstained_why if report else "",
        ranks={
            scoring: {reading: line.rank(scoring, reading) for reading in _READINGS}
            for scoring in line.scores
        },
        ranked=tuple(_ranked(line, position) for position in range(len(line.predictions))),
        findings=tuple(_slim(f) for f in report.findings) if report else (),
        steps=report.trace if report else (),
        passages=_passages(report, passages) if report else (),
        limits=report.differential.limits if report else (),
        stopped=report.stopped_because or report.stopped if report else "",
        costs=line.costs,
        latency_s=round(line.latency_s, 4),
        is_batch=is_batch(line),
        unsupported=line.unsupported,
        reply=line.reply,
    )


def _ranked(line: Line, position: int) -> Ranked:
    item = line.predictions[position]
    reasons = _reasons(line.report, item, position)
    named = line.report.named if line.report else ", ".join
    return Ranked(
        name=item.name,
        probability=item.probability,
        levels={
            scoring: str(judged.levels[position])
            for scoring, judged in line.scores.items()
            if position < len(judged.levels)
        },
        speaks_for=tuple(named([i]) for i in reasons.evidence_for) if reasons else (),
        speaks_against=tuple(named([i]) for i in reasons.evidence_against) if reasons else (),
        passages=reasons.passages if reasons else (),
        settles=reasons.settles if reasons else "",
    )


def _reasons(report: Report | None, item: Item, position: int) -> Diagnosis | None:
    """The report's line of this item: the same place and the same name."""
    if report is None or position >= len(report.differential.diagnoses):
        return None
    diagnosis = report.differential.diagnoses[position]
    return diagnosis if diagnosis.name == item.name else None


def _slim(finding: Finding) -> Finding:
    """Without the single sightings, which results.jsonl keeps."""
    return finding.model_copy(update={"sightings": ()})


def _passages(report: Report, kept: dict[str, Passage]) -> tuple[Found, ...]:
    cited = {passage for d in report.differential.diagnoses for passage in d.passages}
    found = []
    for passage in report.passages:
        words = f"{passage.disease}\n{passage.source}\n{passage.text}"
        key = hashlib.sha256(words.encode()).hexdigest()[:12]
        kept.setdefault(key, passage.model_copy(update={"id": "", "why": (), "score": 0.0}))
        found.append(Found(id=passage.id, text=key, is_cited=passage.id in cited))
    return tuple(found)
