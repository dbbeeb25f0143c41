"""Run arms over a data set: `python -m evals.run --data DIR --out DIR --arm offline prior`.

Exit code 0: every case was scored. 2: something the person can mend. 3: a case met a fault of the
harness or of the system, so the figures may not be used. 130: stopped; the same command resumes.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from agent.settings import build_settings
from evals.arms.arm import Choice, MakeArm
from evals.arms.table import ARMS
from evals.data.dataset import Dataset, EvalCase
from evals.data.medpix import load_medpix
from evals.matching.scoring import build_scorers
from evals.reporting.table import print_run
from evals.running.execute import Bench, Work, run_all
from evals.running.ledger import Ledger
from evals.running.manifest import (
    Manifest,
    config_hash,
    git_state,
    package_versions,
    source_sha256,
    write_manifest,
)
from evals.views.show import VIEWS
from evals.views.viewer import Viewer
from knowledge.entry import load_entries
from tools.errors import UserError


def main(argv: Sequence[str] | None = None, arms: Mapping[str, MakeArm] = ARMS) -> int:
    """The command line; returns the exit code.

    Args:
        argv: Arguments, by default the process's own.
        arms: The table of arms that --arm chooses from.
    """
    options = _parser(arms).parse_args(argv)
    try:
        return _run(options, arms)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on where this one was\n")
        return 130


def _run(options: argparse.Namespace, arms: Mapping[str, MakeArm]) -> int:
    dataset = load_medpix(options.data, options.split, options.truth)
    cases = select(dataset, options)
    choice = Choice(settings=build_settings())
    chosen = {name: arms[name](choice) for name in dict.fromkeys(options.arm)}
    source = source_sha256()
    commit, is_dirty = git_state()
    manifests: dict[str, Manifest] = {}
    configs: dict[str, str] = {}
    for name, arm in chosen.items():
        configs[name] = config_hash(
            arm.config,
            dataset.sha256,
            dataset.truth_sha256,
            source,
            options.split,
            str(options.timeout_s),
        )
        manifests[name] = Manifest(
            dataset=options.dataset,
            split=options.split,
            arm=name,
            dataset_sha256=dataset.sha256,
            truth_sha256=dataset.truth_sha256,
            exclusions=dict(dataset.exclusions),
            commit=commit,
            is_dirty=is_dirty,
            source_sha256=source,
            settings=dict(arm.config),
            packages=package_versions(),
        )
    bench = Bench(
        arms=chosen,
        viewer=Viewer(dataset, options.out, choice.settings),
        scorers=build_scorers(load_entries()),
        timeout_s=options.timeout_s,
    )
    work = [
        Work(case=case, view=view, arm=name, seed=options.seed, config=configs[name])
        for view in dict.fromkeys(options.view)
        for name in chosen
        for case in cases
    ]
    with Ledger(options.out / "results.jsonl") as ledger:
        for name, manifest in manifests.items():
            write_manifest(options.out / "manifest.json", configs[name], manifest)
        done = ledger.by_key()
        # A fault is tried again; an answer, also a missing one, stands.
        todo = [
            one for one in work if (line := done.get(one.key)) is None or line.status == "UNSCORED"
        ]
        asyncio.run(run_all(todo, bench, ledger.append, options.concurrent))
        done = ledger.by_key()
    lines = [done[one.key] for one in work]
    for name, manifest in manifests.items():
        mine = [line for line in lines if line.arm == name]
        reported = {key: value for line in mine for key, value in line.versions.items()}
        manifest = manifest.model_copy(update={"reported": reported})
        write_manifest(options.out / "manifest.json", configs[name], manifest)
    print_run(Console(), lines, list(manifests.values()))
    return 3 if any(line.status == "UNSCORED" for line in lines) else 0


def select(dataset: Dataset, options: argparse.Namespace) -> list[EvalCase]:
    """The cases of the region and modality asked for; with a limit, that many drawn by the seed.

    Raises:
        UserError: When no case is left; names the regions there are.
    """
    cases = [
        case
        for case in dataset.cases
        if options.region in (None, case.region)
        and (options.modality is None or options.modality in case.modality.split(" and "))
    ]
    if not cases:
        regions = ", ".join(sorted({case.region for case in dataset.cases}))
        raise UserError(
            f"no case of region {options.region!r} and modality {options.modality!r} in split "
            f"{options.split!r}: --region takes one of {regions}; --modality takes CT or MR"
        )
    if options.limit is not None and options.limit < len(cases):
        drawn = random.Random(options.seed).sample(cases, options.limit)  # noqa: S311
        cases = sorted(drawn, key=lambda case: case.id)
    return cases


def _parser(arms: Mapping[str, MakeArm]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.run", description=__doc__)
    parser.add_argument("--dataset", choices=["medpix"], default="medpix")
    parser.add_argument("--data", type=Path, required=True, help="the data set's folder")
    parser.add_argument("--split", choices=["dev", "train", "all"], default="dev")
    parser.add_argument(
        "--view", choices=VIEWS, nargs="+", default=["V1"], help="how much an arm is shown"
    )
    parser.add_argument("--arm", choices=list(arms), nargs="+", required=True)
    parser.add_argument("--truth", type=Path, help="default: truth.jsonl in --data, else titles")
    parser.add_argument("--out", type=Path, required=True, help="results.jsonl and manifest.json")
    parser.add_argument("--limit", type=_positive, help="so many cases, drawn by --seed")
    parser.add_argument("--region", help="only cases of this region, such as thorax")
    parser.add_argument("--modality", choices=["CT", "MR"], help="only cases with such an image")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--concurrent", type=_positive, default=2, help="cases at a time")
    parser.add_argument("--timeout-s", type=float, default=600.0, help="for one case")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"got {number}; takes 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
