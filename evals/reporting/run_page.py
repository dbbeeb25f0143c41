"""The report of one run as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.judging.verdicts import Ruling, Verdict
from evals.reporting.detail import build_detail
from evals.reporting.embed import Index, Side, pack, pack_case
from evals.reporting.names import SCORINGS, label
from evals.reporting.page import render
from evals.reporting.pictures import Pictures
from evals.reporting.provenance import origins, warnings
from evals.reporting.stored import Run
from evals.running.ledger import Line
from evals.statistics.summary import plan_of, summarise
from tools.imaging.store import ArtifactStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """How one arm ended one case: a square in the case's row."""

    arm: str
    view: str
    status: str
    rank: int | None
    text: str
    shade: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One case in the list."""

    id: str
    truth: str
    study: str
    chips: tuple[Chip, ...]


def render_run(run: Run, store: ArtifactStore | None = None, *, with_pictures: bool = True) -> str:
    """The page of a run.

    Args:
        run: As `read_run` gives it.
        store: Where pixels in HU lie; None shows none of them.
        with_pictures: Without them the page is smaller and shows no image.

    Raises:
        UserError: When the results change while they are read.
    """
    summary = summarise(run.lines, plan_of(run.lines, run.contrasts))
    by_case: dict[str, list[Line]] = {}
    for line in run.lines:
        by_case.setdefault(line.case, []).append(line)
    rows, details, words = [], [], []
    pictures = Pictures(run.folder, store, is_wanted=with_pictures)
    for case in sorted(by_case):
        lines = [run.whole(line) for line in by_case[case]]
        rows.append(_row(case, lines))
        details.append(pack_case([Side(detail=build_detail(lines, pictures.take(lines)))]))
        words.append(_words(lines))
    manifests = list(run.manifests.values())
    return render(
        "run.html.j2",
        origins(manifests),
        heading=f"{manifests[0].dataset} {manifests[0].split}",
        summary=summary,
        cells=summary.cells,
        calibrated=[c for c in summary.cells if c.calibration or c.risk_coverage],
        scorings=SCORINGS,
        judging=judging(run.rulings),
        warnings=warnings(run),
        manifests=manifests,
        excluded={case: why for m in manifests for case, why in m.exclusions.items()},
        arms=list(dict.fromkeys(cell.arm for cell in summary.cells)),
        views=list(dict.fromkeys(cell.view for cell in summary.cells)),
        order=", ".join(label(cell) for cell in summary.cells),
        cases=rows,
        details=details,
        search=pack(Index(words=tuple(words))),
        pictures=pictures,
    )


def judging(rulings: Sequence[Ruling]) -> str:
    """What the judge did and cost, in words; "" without one."""
    if not rulings:
        return ""
    spent: dict[str, float] = {}
    for ruling in rulings:
        for kind, amount in ruling.costs.items():
            spent[kind] = spent.get(kind, 0.0) + amount
    dollars = f"{spent['dollars']:.4f} dollars" if "dollars" in spent else "price not known"
    undecided = sum(ruling.verdict is Verdict.CANNOT_TELL for ruling in rulings)
    return (
        f"{rulings[-1].model or 'a model without a name'} ruled on {len(rulings)} pairs that the "
        f"matcher left undecided and could not tell of {undecided}; "
        f"{spent.get('input_tokens', 0):.0f} tokens in, {spent.get('output_tokens', 0):.0f} out, "
        f"{dollars}"
    )


def chip(line: Line) -> Chip:
    """How a line ended, in one square."""
    rank = line.rank()
    status = "abstained" if line.abstained else line.status
    text, shade, words = {
        "UNSCORED": ("!", "fault", f"fault: {line.error}"),
        "abstained": ("a", "none", "abstained"),
        "NO_ANSWER": ("×", "none", f"no answer: {line.error}"),  # noqa: RUF001
    }.get(status, ("–", "miss", "not listed"))  # noqa: RUF001
    if rank is not None:
        text, words = str(rank), f"rank {rank}"
        shade = "top" if rank == 1 else "near" if rank <= 10 else "low"
    seed = f" seed {line.seed}" if line.seed else ""
    return Chip(
        arm=line.arm,
        view=line.view,
        status=status,
        rank=rank,
        text=text,
        shade=shade,
        title=f"{line.arm} {line.view}{seed}: {words}",
    )


def _row(case: str, lines: Sequence[Line]) -> Row:
    shown = lines[0].input
    return Row(
        id=case,
        truth=lines[0].truth.primary,
        study=", ".join(part for part in (shown.modality, shown.region) if part),
        chips=tuple(chip(line) for line in lines),
    )


def _words(lines: Sequence[Line]) -> str:
    """Everything of a case that a person may look for, in lower case."""
    parts = dict.fromkeys(
        text
        for line in lines
        for text in (
            line.input.history, line.input.findings_text, line.error, *line.truth.synonyms,
            *(item.name for item in line.predictions),
        )
    )  # fmt: skip
    return " ".join(parts).lower()
