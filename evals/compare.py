"""Compare two runs case by case: `evals compare RUN_A RUN_B`, with the paired test.

Exit code 0: compared. 2: something the person can mend.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from agent.page import write_whole
from agent.settings import build_settings
from evals.reporting.compare_page import render_comparison
from evals.reporting.comparison import compare_runs
from evals.reporting.stored import read_run
from evals.reporting.table import print_comparison
from tools.errors import UserError
from tools.imaging.store import ArtifactStore


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code.

    Args:
        argv: Arguments, by default the process's own.
    """
    options = _parser().parse_args(argv)
    try:
        a, b = read_run(options.run_a), read_run(options.run_b)
        found = compare_runs(a, b, options.arms)
        store = ArtifactStore(build_settings().artifact_dir)
        path = options.out or options.run_b / f"compared-with-{options.run_a.resolve().name}.html"
        write_whole(
            path, render_comparison((a, b), found, store, with_pictures=not options.no_pictures)
        )
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    print_comparison(Console(), a, b, found)
    sys.stdout.write(f"{path}: {path.stat().st_size / 1e6:.1f} MB\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evals compare", description=__doc__)
    parser.add_argument("run_a", type=Path, metavar="RUN_A", help="the --out folder of a run")
    parser.add_argument(
        "run_b", type=Path, metavar="RUN_B", help="that of the run to compare it with"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="default: RUN_B/compared-with-RUN_A.html"
    )
    parser.add_argument(
        "--arms",
        type=_pair,
        nargs="+",
        default=(),
        metavar="A:B",
        help="an arm of A with an arm of B of another name; default: the arms of the same name",
    )
    parser.add_argument("--no-pictures", action="store_true", help="a smaller page")
    return parser


def _pair(text: str) -> tuple[str, str]:
    first, colon, second = text.partition(":")
    if not (first and colon and second):
        raise argparse.ArgumentTypeError(f"got {text!r}; takes two arms, such as offline:agent")
    return first, second


if __name__ == "__main__":
    sys.exit(main())
