"""The options of every command; imports nothing heavy, so that --help answers at once."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from agent.version import __version__

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_DEMOS = ("cystic-lung", "hyperlucent-lung", "microlithiasis")
_EPILOG = (
    "Not for clinical use. Exit codes: 0 done, 1 doctor found a part that does not work, "
    "2 input or set-up to mend, 130 interrupted."
)
_STUDY = "DICOM files, a folder or zip with DICOM, NIfTI files, or PNG, JPEG or WebP images"
_PLANNER = '"offline" (default), "gemini", "gemini:MODEL" or "provider:model" of LangChain'
_VISION = (
    '"none" (default), "transformers:FOLDER_OR_HUB_ID", "medsiglip:FOLDER_OR_HUB_ID", '
    '"openai:MODEL" or "vertex:ENDPOINT"'
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of `hoofbeat`."""
    parser = argparse.ArgumentParser(
        prog="hoofbeat",
        description="Read a radiology case, look rare disease up, argue to a ranked differential.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"hoofbeat {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _diagnose(_command(commands, "diagnose", "a study and a history to a ranked differential"))
    _demo(_command(commands, "demo", "diagnose a synthetic chest CT that Hoofbeat makes itself"))
    _series(_command(commands, "series", "list the series of a study, and which is read first"))
    _montage(_command(commands, "montage", "draw the slices of a series as one PNG"))
    _deidentify(_command(commands, "deidentify", "copy DICOM files without what identifies"))
    _doctor(_command(commands, "doctor", "try every configured part, and say what works"))
    _chat(_command(commands, "chat", "talk about a case; threads are kept and can be gone on with"))
    _threads(_command(commands, "threads", "list, show, go on with or delete kept cases"))
    return parser


def _command(commands: Commands, name: str, what: str) -> argparse.ArgumentParser:
    sentence = what[:1].upper() + what[1:] + "."
    return commands.add_parser(name, help=what, description=sentence, epilog=_EPILOG)


def _diagnose(parser: argparse.ArgumentParser) -> None:
    _case_options(parser)
    parser.add_argument(
        "--series", default="", metavar="ID", help="read this series first (see `hoofbeat series`)"
    )
    _study_options(parser)
    _outputs(parser)


def _chat(parser: argparse.ArgumentParser) -> None:
    _case_options(parser)
    parser.set_defaults(series="")
    parser.add_argument(
        "--thread",
        default="",
        metavar="ID",
        help="go on with this thread (a new one when left out)",
    )
    _study_options(parser)
    _backends(parser)


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "case", nargs="?", choices=_DEMOS, default=_DEMOS[0], help=f"default: {_DEMOS[0]}"
    )
    parser.add_argument(
        "--lesion-free", action="store_true", help="the same anatomy and history without the lesion"
    )
    parser.add_argument("--dicom", type=Path, metavar="FOLDER", help="keep the DICOM series here")
    _outputs(parser)


def _series(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help=_STUDY)
    _study_options(parser)


def _montage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help=_STUDY)
    parser.add_argument("--png", type=Path, required=True, metavar="FILE", help="where to write it")
    parser.add_argument("--series", default="", metavar="ID", help="default: the one read first")
    parser.add_argument(
        "--window",
        action="append",
        default=[],
        help='more than once, or "all", for a row each (default: the lung window, or as displayed)',
    )
    parser.add_argument(
        "--count",
        type=int,
        metavar="N",
        help="slices shown, evenly apart (default: 24, of several windows 6)",
    )
    _study_options(parser)


def _deidentify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="DICOM files or folders of them")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where to write")
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="secret from which new UIDs are made; made when it is not there, and the same key "
        "gives the same UIDs (default: FOLDER.key beside the folder)",
    )
    parser.add_argument(
        "--release-quarantined",
        action="store_true",
        help="write ultrasound, screen captures and colour pages too: you have checked that no "
        "name stands in their pixels",
    )


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--planner", help=_PLANNER)
    parser.add_argument(
        "--vision",
        nargs="?",
        const="",
        metavar="MODEL",
        help="count the findings that the vision model invents on empty studies; with a value, of "
        f"that model: {_VISION}",
    )
    parser.add_argument("--cache-dir", type=Path, metavar="FOLDER", help="index, model and pixels")


def _threads(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _command(verbs, "list", "every kept thread, oldest first; nothing that a person wrote")
    _command(verbs, "show", "the last report of a thread").add_argument("id", metavar="ID")
    resume = _command(verbs, "resume", "go on with a thread whose run did not end")
    resume.add_argument("id", metavar="ID")
    resume.add_argument("--planner", help=_PLANNER)
    resume.add_argument("--vision", help=_VISION)
    delete = _command(verbs, "delete", "delete a thread with its pixels and cached replies")
    delete.add_argument("id", metavar="ID", nargs="?", default="")
    delete.add_argument("--all", action="store_true", help="every thread; needs --yes")
    delete.add_argument("--yes", action="store_true", help="confirm that all may go")
    for verb in verbs.choices.values():
        verb.add_argument("--cache-dir", type=Path, metavar="FOLDER", help="as of diagnose")


def _case_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help=_STUDY)
    parser.add_argument("--history", default="", help="the request in words")
    parser.add_argument("--findings", default="", help="findings supplied in words")
    parser.add_argument("--age", type=float, metavar="YEARS", help="beats the header's age")
    parser.add_argument("--sex", choices=("female", "male"), help="beats the header's sex")


def _backends(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--planner", help=_PLANNER)
    parser.add_argument("--vision", help=_VISION)
    parser.add_argument("--cache-dir", type=Path, metavar="FOLDER", help="index, model and pixels")


def _study_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--modality", default="", help="what NIfTI files are (CT, MR), which they do not say"
    )
    parser.add_argument(
        "--release-quarantined",
        action="store_true",
        help="read ultrasound, screen captures and colour pages too: you have checked that no name "
        "stands in their pixels",
    )


def _outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report as HTML")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    _backends(parser)
