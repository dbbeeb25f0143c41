"""The report of a run: `evals report RUN` writes RUN/report.html, one file with all in it.

Exit code 0: written. 2: something the person can mend.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.page import write_whole
from agent.settings import build_settings
from evals.reporting.run_page import render_run
from evals.reporting.stored import read_run
from tools.errors import UserError
from tools.imaging.store import ArtifactStore


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code.

    Args:
        argv: Arguments, by default the process's own.
    """
    parser = argparse.ArgumentParser(prog="evals report", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="the --out folder of a run")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: RUN/report.html")
    parser.add_argument("--no-pictures", action="store_true", help="a smaller page")
    options = parser.parse_args(argv)
    try:
        run = read_run(options.run)
        store = ArtifactStore(build_settings().artifact_dir)
        path = options.out or options.run / "report.html"
        write_whole(path, render_run(run, store, with_pictures=not options.no_pictures))
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {len(run.lines)} answers\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
