"""Where a run's figures come from, in lines that stand above every figure."""

from __future__ import annotations

from collections.abc import Sequence

from agent.report import NOT_CLINICAL
from evals.reporting.stored import Run
from evals.running.manifest import Manifest
from evals.running.provenance import first_line

CONTAMINATION = "Contamination not excluded: the cases are public."
NOTICE = f"{NOT_CLINICAL} {CONTAMINATION}"


def origins(manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """A line for each different provenance, with the arms it is of where there are several."""
    arms: dict[str, list[str]] = {}
    for manifest in manifests:
        arms.setdefault(first_line(manifest), []).append(manifest.arm)
    if len(arms) == 1:
        return tuple(arms)
    return tuple(f"{', '.join(dict.fromkeys(of))}: {line}" for line, of in arms.items())


def warnings(run: Run) -> tuple[str, ...]:
    """What a reader must know before using a figure; empty for a run in order."""
    manifests = tuple(run.manifests.values())
    faults = sum(line.status == "UNSCORED" for line in run.lines)
    found = []
    if faults:
        found.append(
            f"{faults} of {len(run.lines)} answers met a fault of the harness or the system "
            "(UNSCORED): these figures may not be used. They count as misses until the same "
            "command is run again."
        )
    if any(m.is_dirty for m in manifests):
        found.append("DIRTY TREE: the code had changes that the commit does not hold.")
    if len({(m.dataset, m.dataset_sha256) for m in manifests}) > 1:
        found.append("OTHER DATA: the arms did not run on one and the same data set.")
    if len({m.truth_sha256 for m in manifests}) > 1:
        found.append("OTHER TRUTH: the arms were not judged against one and the same truth.")
    if any(not m.truth_sha256 for m in manifests):
        found.append("The truth is not curated: titles have no synonyms, so figures undercount.")
    if len({m.source_sha256 for m in manifests}) > 1:
        found.append("The arms did not run on one and the same state of the code.")
    asked: dict[tuple[str, str, int], set[str]] = {}
    for line in run.lines:
        asked.setdefault((line.arm, line.view, line.seed), set()).add(line.case)
    if len({frozenset(cases) for cases in asked.values()}) > 1:
        found.append(
            "Not every arm, view and seed has answered the same cases: compare by contrasts only."
        )
    if run.missing:
        found.append(
            f"NOT AT ITS END: {run.missing} answers that were asked for are not there yet; the "
            "same command goes on."
        )
    if run.older:
        found.append(f"{run.older} answers of earlier configurations in this folder are left out.")
    return tuple(found)
