"""The report of one run as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from evals.reporting.detail import Detail, build_detail
from evals.reporting.embed import LONGEST_PX, pack, small_jpeg
from evals.reporting.names import SCORINGS, label
from evals.reporting.page import render
from evals.reporting.provenance import origins, warnings
from evals.reporting.stored import Run
from evals.running.ledger import Line
from evals.statistics.summary import summarise


class Side(BaseModel):
    """One run's part of an opened case; the title is "" where there is one run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    detail: Detail


class Opened(BaseModel):
    """What the page's script draws when a case is opened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sides: tuple[Side, ...]


class _Index(BaseModel):
    """Text that the search box looks in, one for each case, in the order of the page."""

    words: tuple[str, ...]


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


def render_run(run: Run, *, with_pictures: bool = True) -> str:
    """The page of a run.

    Args:
        run: As `read_run` gives it.
        with_pictures: Without them the page is smaller and shows no image.

    Raises:
        UserError: When the results change while they are read.
    """
    summary = summarise(run.lines)
    by_case: dict[str, list[Line]] = {}
    for line in run.lines:
        by_case.setdefault(line.case, []).append(line)
    cases = sorted(by_case)
    pictures = embedded_pictures(run, run.lines) if with_pictures else {}
    manifests = list(run.manifests.values())
    first = manifests[0]
    return render(
        "run.html.j2",
        origins(manifests),
        heading=f"{first.dataset} {first.split}",
        summary=summary,
        cells=summary.cells,
        calibrated=[c for c in summary.cells if c.calibration or c.risk_coverage],
        names=SCORINGS,
        scorings=list(SCORINGS),
        judging="",
        warnings=warnings(run),
        manifests=manifests,
        excluded={case: why for m in manifests for case, why in m.exclusions.items()},
        arms=list(dict.fromkeys(cell.arm for cell in summary.cells)),
        views=list(dict.fromkeys(cell.view for cell in summary.cells)),
        order=", ".join(label(cell) for cell in summary.cells),
        pictures_note=pictures_note(run.lines, pictures, with_pictures=with_pictures),
        cases=[_row(case, by_case[case]) for case in cases],
        details=(
            pack(Opened(sides=(Side(detail=build_detail([run.whole(x) for x in by_case[case]])),)))
            for case in cases
        ),
        search=pack(_Index(words=tuple(_words(by_case[case]) for case in cases))),
        pictures=pictures,
    )


def embedded_pictures(run: Run, lines: Sequence[Line]) -> Mapping[str, str]:
    """The pictures that the arms saw, each once, made small; those that lie in the run's folder."""
    refs = dict.fromkeys(
        series.ref for line in lines for series in line.input.series if series.origin == "picture"
    )
    found = {ref: small_jpeg(run.folder / "pictures" / f"{ref}.png") for ref in refs}
    return {ref: jpeg for ref, jpeg in found.items() if jpeg is not None}


def pictures_note(
    lines: Sequence[Line], pictures: Mapping[str, str], *, with_pictures: bool
) -> str:
    """What the page says of its pictures; "" where no arm was handed any."""
    if not any(series.origin == "picture" for line in lines for series in line.input.series):
        return ""
    if not with_pictures:
        return "Pictures were left out (--no-pictures); they lie in the run's folder."
    return (
        f"{len(pictures)} pictures as the arms saw them, but no more than {LONGEST_PX} pixels a "
        "side and as JPEG; the exact ones lie in the run's folder, under pictures."
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
