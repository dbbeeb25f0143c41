"""A small run of every shape that a page has to show, written as a run writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw

from agent.case import Case
from agent.differential import Diagnosis, Differential
from agent.report import Report, Step
from evals.matching.levels import Judged, Level
from evals.running.ledger import Item, Ledger, Line
from evals.running.manifest import Manifest, write_manifests
from evals.truth import Truth
from knowledge.index.passages import Passage
from tools.findings import Finding
from tools.imaging.series import Series

# Markup in every text that comes from a case, a model or the knowledge base.
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"
PICTURES = ("a" * 64, "b" * 64)

Change = Callable[[Line], Line]


class Asked(NamedTuple):
    """One arm in one view, once, and the rank of the truth in each case; None is a miss."""

    arm: str
    view: str
    seed: int
    ranks: Sequence[int | None]


def manifest(arm: str, **other: object) -> Manifest:
    made = Manifest(
        dataset="shaped", split="all", arm=arm, dataset_sha256="d" * 64, truth_sha256="e" * 64,
        exclusions={"SYN0999": "no diagnosis"}, commit="c" * 40, is_dirty=False,
        source_sha256="f" * 64, settings={"arm": arm}, packages={"numpy": "2.4"},
    )  # fmt: skip
    return made.model_copy(update=other)


def line(case: int, asked: Asked, config: str) -> Line:
    """A line whose list has the truth at the rank asked for, and ten names in all."""
    rank = asked.ranks[case - 1]
    truth = f"Disease {case}"
    names = [f"Look-alike {n} {HOSTILE}" for n in range(1, 11)]
    levels = [Level.DIFFERENT] * 10
    if rank is not None:
        names[rank - 1], levels[rank - 1] = truth, Level.L0
    judged = Judged(levels=tuple(levels), rank=rank, rank_exact=rank, rank_broader=rank)
    sees = asked.view == "V2"
    return Line(
        case=f"SYN{case:04d}",
        patient=f"SYN{case:04d}",
        view=asked.view,
        arm=asked.arm,
        seed=asked.seed,
        config=config,
        status="OK",
        input=Case(
            history=f"History {case} {HOSTILE}",
            findings_text="Cysts." if asked.view == "V3" else "",
            age_years=40,
            sex="female",
            region="thorax" if case % 2 else "head",
            modality="CT",
            series=tuple(_series(ref) for ref in PICTURES) if sees else (),
        ),
        truth=Truth(primary=truth, synonyms=(f"Synonym {case}",), broader=("Parent",)),
        predictions=tuple(
            Item(name=name, probability=None if asked.arm == "prior" else (10 - n) / 60)
            for n, name in enumerate(names)
        ),
        scores={"curated": judged, "kb": judged},
        latency_s=0.1 * case,
        costs={} if asked.arm == "prior" else {"input_tokens": 1000.0, "dollars": 0.002},
        reply=f"The reply {HOSTILE}" if asked.arm == "planner-alone" else "",
        report=_report(names) if asked.arm == "offline" else None,
    )


def write_run(
    folder: Path,
    asked: Sequence[Asked],
    *,
    change: Change = lambda line: line,
    made: Mapping[str, object] | None = None,
) -> Path:
    """Write a run's folder.

    Args:
        folder: Where to.
        asked: What ran.
        change: Applied to each line before it is written.
        made: Of every manifest, where it is not the usual one.
    """
    manifests = {one.arm: manifest(one.arm, **(made or {})) for one in asked}
    with Ledger(folder / "results.jsonl") as ledger:
        for one in asked:
            for case in range(1, len(one.ranks) + 1):
                ledger.append(change(line(case, one, manifests[one.arm].config)))
    write_manifests(folder / "manifest.json", {m.config: m for m in manifests.values()})
    (folder / "pictures").mkdir()
    for grey, ref in enumerate(PICTURES, start=1):
        picture = Image.new("L", (900, 700), 60 * grey)
        ImageDraw.Draw(picture).ellipse((200, 150, 700, 550), fill=220)
        picture.save(folder / "pictures" / f"{ref}.png")
    return folder


def _series(ref: str) -> Series:
    return Series(
        id="S1", ref=ref, kind="image", modality="OT", unit="display", slices=1, rows=700,
        columns=900, origin="picture",
    )  # fmt: skip


def _report(names: Sequence[str]) -> Report:
    return Report(
        case=Case(),
        findings=(
            Finding(
                id="F1", term="thin-walled-cysts", name=f"thin-walled cysts {HOSTILE}",
                present=True, certainty=0.9, source="report", backend="text", value="Cysts.",
            ),
        ),
        passages=(
            Passage(
                id="P1", disease_id="lam", disease="LAM", facet="imaging", modality="CT",
                text=f"Round cysts evenly through both lungs. {HOSTILE}",
                source="knowledge/lam/imaging-ct", score=1.0,
            ),
            Passage(
                id="P2", disease_id="pap", disease="PAP", facet="clinical",
                text="Crazy paving.", source="knowledge/pap/clinical", score=0.5,
            ),
        ),
        differential=Differential(
            diagnoses=tuple(
                Diagnosis(
                    name=name, probability=(10 - n) / 60, evidence_for=("F1",), passages=("P1",),
                )
                for n, name in enumerate(names)
            ),
            other_probability=1 - 55 / 60,
            limits=("No image was looked at.",),
        ),
        planner="offline planner",
        trace=(
            Step(node="act", what=f"search_knowledge: cysts {HOSTILE}", seconds=0.05),
            Step(node="review", what="passed", seconds=0.01),
        ),
    )  # fmt: skip
