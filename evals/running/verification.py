"""Checking a run's folder: whether its lines, plan, manifest and pictures fit each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from evals.data.dataset import Dataset
from evals.data.files import sha256_of_all
from evals.matching.levels import Judged
from evals.matching.scoring import Scorer, Scoring
from evals.running.execute import scores_of
from evals.running.ledger import Key, Line, Reading, latest_lines, read_lines
from evals.running.manifest import Manifest, read_manifests
from evals.running.plan import read_plans
from evals.statistics.metrics import TOPS, Figures, figures
from evals.truth import Truth
from tools.errors import UserError

READINGS: tuple[Reading, ...] = get_args(Reading)


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        counted: On how much, in words.
        faults: What differs, a line each.
    """

    what: str
    counted: str
    faults: tuple[str, ...] = field(default=())


def check_ontologies(run: Path, given: Mapping[str, str]) -> None:
    """Refuse to judge again with other ontologies than the run was judged with.

    Args:
        given: SHA-256 by file name.

    Raises:
        UserError: Names those that the run had.
    """
    manifests = read_manifests(run / "manifest.json")
    for config in read_plans(run / "plans.jsonl")[-1].configs.values():
        if config in manifests and manifests[config].ontologies != dict(given):
            names = ", ".join(sorted(manifests[config].ontologies)) or "none"
            raise UserError(
                f"the run was judged with these ontologies: {names}; give the same files with "
                "--ontology"
            )


def check_lines(run: Path, scorers: Mapping[Scoring, Scorer]) -> list[Check]:
    """Judge every list again, and compare levels, ranks and figures with those stored.

    Raises:
        UserError: When the run's results cannot be read.
    """
    stored = latest_lines(run / "results.jsonl", brief=True)
    if not stored:
        raise UserError(f"{run / 'results.jsonl'} is empty: there is nothing to check")
    again = {
        key: line.model_copy(
            update={"scores": scores_of([i.name for i in line.predictions], line.truth, scorers)}
        )
        for key, line in stored.items()
    }
    differing = [fault for key, line in stored.items() for fault in _differing(line, again[key])]
    items = sum(len(line.predictions) for line in stored.values())
    then, now = _all_figures(stored), _all_figures(again)
    moved = [
        f"{name}: stored {then[name]}, now {now[name]}"
        for name in then
        if name in now and then[name] != now[name]
    ]
    return [
        Check(
            what="levels and ranks",
            counted=f"{items} items of {len(stored)} lists judged again",
            faults=tuple(differing),
        ),
        Check(what="figures", counted=f"{len(then)} of them", faults=tuple(moved)),
    ]


def check_plan(run: Path) -> Check:
    """Every piece of work of the last plan is there, once, under a configuration of the manifest.

    Raises:
        UserError: When a file of the run cannot be read.
    """
    manifests = read_manifests(run / "manifest.json")
    lines = list(read_lines(run / "results.jsonl", brief=True))
    planned = list(read_plans(run / "plans.jsonl")[-1].keys)
    missing = Counter(key[1:] for key in set(planned) - {line.key for line in lines})
    faults = [
        f"{count} of the planned cases are not there: view {view}, arm {arm}, seed {seed}; the "
        "same command goes on"
        for (view, arm, seed, _), count in missing.items()
    ]
    retried = 0
    last: dict[Key, Line] = {}
    for line in lines:
        before = last.get(line.key)
        if before is not None and (before.status == "UNSCORED" or before.may_pass):
            retried += 1
        elif before is not None:
            faults.append(f"{_name(line)}: there twice, though the first was an answer")
        last[line.key] = line
    faults += [
        f"configuration {config} is not in manifest.json"
        for config in sorted({line.config for line in lines} - manifests.keys())
    ]
    faults += [
        f"configuration {config} of arm {manifest.arm} hashes to {manifest.config}: manifest.json "
        "was changed"
        for config, manifest in manifests.items()
        if manifest.config != config
    ]
    return Check(
        what="plan and manifest",
        counted=f"{len(planned)} planned, {len(last)} there, {retried} tried again, "
        f"{len(manifests)} configurations",
        faults=tuple(faults),
    )


def check_pictures(run: Path) -> Check:
    """Every picture that an arm was shown holds the pixels that its name is the hash of."""
    from evals.views.pictures import is_kept_whole

    pictures = sorted((run / "pictures").glob("*.png"))
    return Check(
        what="pictures",
        counted=f"{len(pictures)} of them",
        faults=tuple(
            f"{path.name} holds something else" for path in pictures if not is_kept_whole(path)
        ),
    )


def check_data(run: Path, dataset: Dataset) -> Check:
    """The data set is that of the last plan, and each of its lines was judged by today's truth.

    Raises:
        UserError: When a file of the run cannot be read.
    """
    manifests = read_manifests(run / "manifest.json")
    plan = read_plans(run / "plans.jsonl")[-1]
    faults = [
        fault
        for arm, config in plan.configs.items()
        if config in manifests
        for fault in _other_data(arm, manifests[config], dataset)
    ]
    fields = set(Truth.model_fields)
    truths = {case.id: case.truth.model_dump(include=fields) for case in dataset.cases}
    stored = latest_lines(run / "results.jsonl", brief=True)
    judged = [stored[key] for key in plan.keys if key in stored]
    faults += [
        f"{_name(line)}: judged against a truth that is not the data set's"
        for line in judged
        if line.case in truths and truths[line.case] != line.truth.model_dump()
    ]
    lacking = sorted({line.case for line in judged} - truths.keys())
    faults += [f"case {case} is not in the data set" for case in lacking]
    return Check(
        what="data and truth", counted=f"{len(truths)} cases", faults=tuple(dict.fromkeys(faults))
    )


def _other_data(arm: str, manifest: Manifest, dataset: Dataset) -> Iterator[str]:
    images = sha256_of_all("images", dataset.files) if manifest.files_sha256 else ""
    for what, then, now in (
        ("data", manifest.dataset_sha256, dataset.sha256),
        ("images", manifest.files_sha256, images),
        ("truth", manifest.truth_sha256, dataset.truth_sha256),
    ):
        if then != now:
            yield f"arm {arm}: the run's {what} is {then[:12] or 'none'}, this {now[:12] or 'none'}"


def _differing(then: Line, now: Line) -> Iterator[str]:
    for scoring, judged in then.scores.items():
        again = now.scores.get(scoring)
        if again is None:
            yield f"{_name(then)}: scoring {scoring!r} is not known here, so not judged again"
            continue
        for item, before, after in zip(then.predictions, judged.levels, again.levels, strict=False):
            if before != after:
                yield f"{_name(then)}, {scoring}: {item.name!r} stored {before}, now {after}"
        if len(judged.levels) != len(then.predictions):
            yield (
                f"{_name(then)}, {scoring}: {len(judged.levels)} levels stored for "
                f"{len(then.predictions)} items"
            )
        if _ranks(judged) != _ranks(again):
            yield f"{_name(then)}, {scoring}: ranks stored {_ranks(judged)}, now {_ranks(again)}"


def _ranks(judged: Judged) -> str:
    ranks = (judged.rank_exact, judged.rank, judged.rank_broader)
    return "/".join("-" if rank is None else str(rank) for rank in ranks)


def _all_figures(lines: Mapping[Key, Line]) -> dict[str, str]:
    """Every figure of every arm, view, seed and configuration, by its name."""
    groups: dict[tuple[str, str, int, str], list[Line]] = {}
    for line in lines.values():
        groups.setdefault((line.arm, line.view, line.seed, line.config), []).append(line)
    found: dict[str, str] = {}
    for (arm, view, seed, config), group in groups.items():
        for scoring in dict.fromkeys(name for line in group for name in line.scores):
            for reading in READINGS:
                name = f"{arm} {view} seed {seed} ({config}), {scoring}, {reading}"
                made = figures([line.rank(scoring, reading) for line in group])
                found |= {f"{name}, {what}": value for what, value in _in_words(made)}
    return found


def _in_words(made: Figures) -> Iterator[tuple[str, str]]:
    for k in TOPS:
        yield f"top-{k}", str(made.top[k])
    yield "MRR", f"{made.mrr:.6f}"


def _name(line: Line) -> str:
    return f"{line.case} {line.view} {line.arm} seed {line.seed}"
