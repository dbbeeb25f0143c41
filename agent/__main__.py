"""The command line: `hoofbeat diagnose` and `hoofbeat demo`. Same as `python -m agent`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.version import __version__
from tools.errors import UserError

_DEMOS = ("cystic-lung", "hyperlucent-lung", "microlithiasis")
_EPILOG = (
    "Not for clinical use. Exit codes: 0 a report, 2 input or set-up to mend, 130 interrupted."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 a report, 2 input or set-up to mend."""
    options = _parser().parse_args(arguments)
    from agent.cli import run  # the parser answers --help without loading the graph

    try:
        return run(options)
    except UserError as error:
        print(f"hoofbeat: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("hoofbeat: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hoofbeat",
        description="Read a radiology case, look rare disease up, argue to a ranked differential.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"hoofbeat {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    diagnose = commands.add_parser(
        "diagnose",
        help="a study and a history to a ranked differential",
        description="A study and a history to a ranked differential.",
        epilog=_EPILOG,
    )
    diagnose.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a DICOM file, a folder or zip with a DICOM series, or PNG, JPEG or WebP images",
    )
    diagnose.add_argument("--history", default="", help="the request in words")
    diagnose.add_argument("--findings", default="", help="findings supplied in words")
    diagnose.add_argument("--age", type=float, metavar="YEARS", help="beats the header's age")
    diagnose.add_argument("--sex", choices=("female", "male"), help="beats the header's sex")
    _outputs(diagnose)
    demo = commands.add_parser(
        "demo",
        help="the same on a synthetic chest CT that Hoofbeat makes itself",
        description="Make a synthetic chest CT as a DICOM series, and diagnose it.",
        epilog=_EPILOG,
    )
    demo.add_argument(
        "case", nargs="?", choices=_DEMOS, default=_DEMOS[0], help=f"default: {_DEMOS[0]}"
    )
    demo.add_argument(
        "--lesion-free", action="store_true", help="the same anatomy and history without the lesion"
    )
    demo.add_argument("--dicom", type=Path, metavar="FOLDER", help="keep the DICOM series here")
    _outputs(demo)
    return parser


def _outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report as HTML")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--planner", help='"offline" (default), "gemini" or "gemini:MODEL"')
    parser.add_argument("--vision", help='"none" (default) or "transformers:FOLDER_OR_HUB_ID"')
    parser.add_argument("--cache-dir", type=Path, metavar="FOLDER", help="index, model and pixels")


if __name__ == "__main__":
    sys.exit(main())
