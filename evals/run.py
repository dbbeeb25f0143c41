"""Run arms over a data set: `python -m evals.run --data DIR --out DIR --arm offline prior`.

Exit code 0: every case was scored. 2: something the person can mend. 3: a case met a fault of the
harness or of the system, so the figures may not be used. 130: stopped; the same command resumes.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from agent.settings import build_settings
from evals.arms.arm import Choice, MakeArm
from evals.arms.table import ARMS
from evals.data.files import sha256_of_all
from evals.data.groups import groups_of
from evals.data.options import add_data_options, load_dataset, positive, select_cases
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
from evals.views.show import IMAGE_VIEWS, VIEWS
from evals.views.show_input import describe_input
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
    dataset = load_dataset(options)
    choice = Choice(settings=build_settings())
    viewer = Viewer(dataset, options.out, choice.settings)
    if options.show_input:
        shown = describe_input(options.show_input, options.view[0], dataset, options.out, viewer)
        sys.stdout.write(shown)
        return 0
    views = list(dict.fromkeys(options.view))
    cases = select_cases(dataset, options)
    unseen = viewer.exclusions(cases, views)
    cases = [case for case in cases if case.id not in unseen]
    if not cases:
        raise UserError(f"none of the {len(unseen)} cases has images, which {views} show")
    data_sha256 = dataset.sha256
    if IMAGE_VIEWS.intersection(views):
        data_sha256 = sha256_of_all(dataset.sha256, dataset.files)
    chosen = {name: arms[name](choice) for name in dict.fromkeys(options.arm)}
    source = source_sha256()
    commit, is_dirty = git_state()
    manifests: dict[str, Manifest] = {}
    configs: dict[str, str] = {}
    for name, arm in chosen.items():
        configs[name] = config_hash(
            arm.config,
            data_sha256,
            dataset.truth_sha256,
            source,
            dataset.split,
            str(options.timeout_s),
        )
        manifests[name] = Manifest(
            dataset=options.dataset,
            split=dataset.split,
            arm=name,
            dataset_sha256=data_sha256,
            files=dict(dataset.files) if data_sha256 != dataset.sha256 else {},
            groups=groups_of(dataset.cases),
            truth_sha256=dataset.truth_sha256,
            exclusions={**dataset.exclusions, **unseen},
            commit=commit,
            is_dirty=is_dirty,
            source_sha256=source,
            settings=dict(arm.config),
            packages=package_versions(),
        )
    bench = Bench(
        arms=chosen,
        viewer=viewer,
        scorers=build_scorers(load_entries()),
        timeout_s=options.timeout_s,
    )
    work = [
        Work(case=case, view=view, arm=name, seed=options.seed, config=configs[name])
        for view in views
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
    console = Console()
    for name, manifest in manifests.items():
        mine = [line for line in lines if line.arm == name]
        reported = {key: value for line in mine for key, value in line.versions.items()}
        manifest = manifest.model_copy(update={"reported": reported})
        write_manifest(options.out / "manifest.json", configs[name], manifest)
        for view in views:
            print_run(console, [line for line in mine if line.view == view], manifest)
    return 3 if any(line.status == "UNSCORED" for line in lines) else 0


def _parser(arms: Mapping[str, MakeArm]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.run", description=__doc__)
    add_data_options(parser)
    parser.add_argument(
        "--view", choices=VIEWS, nargs="+", default=["V1"], help="how much an arm is shown"
    )
    doing = parser.add_mutually_exclusive_group(required=True)
    doing.add_argument("--arm", choices=list(arms), nargs="+")
    doing.add_argument("--show-input", metavar="CASE", help="print a case as --view shows it")
    parser.add_argument("--out", type=Path, required=True, help="results.jsonl and manifest.json")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--concurrent", type=positive, default=2, help="cases at a time")
    parser.add_argument("--timeout-s", type=float, default=600.0, help="for one case")
    return parser


if __name__ == "__main__":
    sys.exit(main())
