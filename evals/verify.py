"""Check that a run's figures follow from its lines: `evals verify RUN`.

Every stored list is judged again by the present matcher and has to give the same levels, ranks and
figures. Every piece of work of the last plan has to be there once; a line beside it stands only
where a case that had failed was tried again. The manifest has to hold each line's configuration,
and that configuration has to hash to its name. Pictures have to hash to their names. With --data,
the data set and the truth have to be those of the run.

Exit code 0: all of it holds. 1: something differs, and is listed. 2: RUN cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from agent.settings import build_settings
from evals.data.options import load_dataset
from evals.matching.ontology import read_ontology
from evals.matching.scoring import build_scorers
from evals.running.manifest import read_manifests
from evals.running.options import add_ontology_option, ontologies_from
from evals.running.plan import read_plans
from evals.running.verification import (
    Check,
    check_data,
    check_lines,
    check_ontologies,
    check_pictures,
    check_plan,
)
from knowledge.index.compiled import load_compiled
from tools.errors import UserError

_SHOWN = 40


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(argv)
    try:
        checks = _checks(options)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    console = Console(soft_wrap=True, markup=False, highlight=False)
    for check in checks:
        console.print(f"{'differs' if check.faults else 'holds':8}{check.what}: {check.counted}")
        for fault in check.faults[:_SHOWN]:
            console.print(f"        {fault}")
        if len(check.faults) > _SHOWN:
            console.print(f"        and {len(check.faults) - _SHOWN} more")
    return int(any(check.faults for check in checks))


def _checks(options: argparse.Namespace) -> list[Check]:
    entries = load_compiled(build_settings().open_cache()).entries
    check_ontologies(options.run, ontologies_from(options.ontology))
    ontologies = [read_ontology(path) for path in options.ontology]
    checks = [
        *check_lines(options.run, build_scorers(entries, ontologies)),
        check_plan(options.run),
        check_pictures(options.run),
    ]
    if options.data:
        manifests = read_manifests(options.run / "manifest.json")
        last = read_plans(options.run / "plans.jsonl")[-1]
        for split in sorted({manifests[config].split for config in last.configs.values()}):
            dataset = load_dataset(argparse.Namespace(**{**vars(options), "split": split}))
            checks.append(check_data(options.run, dataset))
    return checks


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evals verify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="what evals run was given as --out")
    parser.add_argument("--data", type=Path, help="the data set's folder, to compare it too")
    parser.add_argument("--dataset", default="medpix", help="what it is, as evals run takes it")
    parser.add_argument("--groups", type=Path, help="as evals run takes it")
    parser.add_argument("--truth", type=Path, help="default: truth.jsonl in --data, else titles")
    add_ontology_option(parser.add_argument)
    return parser


if __name__ == "__main__":
    sys.exit(main())
