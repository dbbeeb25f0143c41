"""The commands of who writes entries: check, new."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_entry_commands(commands: Commands) -> None:
    """Add them to the parser of `python -m knowledge`; each names the function that runs it."""
    check = commands.add_parser("check", help="check entries: schema, names, links, codes, prose")
    check.add_argument("paths", nargs="*", type=Path, metavar="FOLDER|FILE")
    check.add_argument("--strict", action="store_true", help="flags fail the check as faults do")
    check.add_argument("--verbose", action="store_true", help="list the notes too")
    check.set_defaults(run=_check)

    new = commands.add_parser("new", help="write the template of an entry")
    new.add_argument("name", help="the usual name of the disease, in quotes")
    new.add_argument("--system", required=True, help="thorax, neuro, head and neck ...")
    new.add_argument("--into", type=Path, default=None, help="folder (default: the corpus)")
    new.set_defaults(run=_new)


def _check(options: argparse.Namespace) -> int:
    from knowledge.check import check
    from knowledge.checks.codes import open_reference

    result = check(options.paths, open_reference(_reference_folder()))
    for line in result.listed(verbose=options.verbose):
        sys.stderr.write(f"{line}\n")
    for remark in (*result.remarks, result.summary()):
        sys.stdout.write(f"{remark}\n")
    return result.exit_code(strict=options.strict)


def _new(options: argparse.Namespace) -> int:
    from knowledge.checks.codes import open_reference
    from knowledge.new import write_template

    reference = open_reference(_reference_folder())
    said = write_template(options.name, options.system, options.into, reference)
    sys.stdout.write(f"{said}\n")
    return 0


def _reference_folder() -> Path | None:
    folder = os.environ.get("HOOFBEAT_DATA")
    return Path(folder) if folder else None
