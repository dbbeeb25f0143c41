"""The run on the command line: how much at a time, how often, for how much, and where to."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import get_args

from evals.arms.arm import Backend
from evals.data.files import FileHashes, sha256_of_all
from evals.data.options import positive
from evals.running.schedule import Pace
from tools.errors import UserError

BACKENDS: tuple[Backend, ...] = get_args(Backend)
_CONCURRENT: Mapping[Backend, int] = {"cpu": os.cpu_count() or 2, "planner": 8, "vision": 1}


def add_run_options(parser: argparse.ArgumentParser, views: Sequence[str]) -> None:
    """--out, --view, --seed and what bounds a run."""
    add = parser.add_argument_group("run").add_argument
    add("--view", choices=views, nargs="+", default=["V1"], help="how much an arm is shown")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="RUN",
        help="results.jsonl, manifest.json and plans.jsonl; a run that was stopped goes on there",
    )
    add("--seed", type=int, default=0, help="of the first repeat (default 0)")
    add("--repeat", type=positive, default=1, metavar="K", help="seeds SEED to SEED + K - 1")
    add("--timeout-s", type=float, default=600.0, help="for one case (default 600)")
    add(
        "--concurrent",
        nargs="+",
        default=[],
        metavar="N",
        help="cases at a time: a number for every backend, or planner=8 vision=1 cpu=2; an arm "
        "counts for each backend it keeps busy (default planner 8, vision 1, cpu one a core)",
    )
    add(
        "--rate",
        nargs="+",
        default=[],
        metavar="BACKEND=N",
        help="most in a minute: calls of the planner, of all arms together, and cases of the "
        "others (HOOFBEAT_VISION_REQUESTS_PER_MINUTE bounds a vision server's requests)",
    )
    add(
        "--max-dollars",
        type=_dollars,
        metavar="X",
        help="nothing new begins once this folder's lines cost so much; exit code 4. "
        "HOOFBEAT_MAX_DOLLARS bounds one case",
    )
    add(
        "--retry-failed",
        action="store_true",
        help="try again where the service failed or the time ran out; what a model answered, "
        "refused or abstained from stands. A fault is tried again in any case",
    )
    add(
        "--contrast",
        nargs="+",
        default=[],
        metavar="A:B",
        help="the family of tests, kept with the run: two arms in every view, or ARM@VIEW:ARM@VIEW "
        "(default: the pre-registered one, docs/statistics.md)",
    )
    add_ontology_option(add)
    add(
        "--batch",
        action="store_true",
        help="Gemini's batch mode for arms of one request without tools: slower, half the price",
    )
    add(
        "--ray",
        metavar="ADDRESS",
        help='send the cases to a Ray cluster: "auto", HOST:PORT or ray://HOST:PORT; "local" '
        "starts one on this machine (needs the extra ray)",
    )


def add_ontology_option(add: Callable[..., object]) -> None:
    """--ontology, of a run and of its re-scoring."""
    add(
        "--ontology",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="Mondo's or the Disease Ontology's OBO, Orphanet's spreadsheet, or a table of names: "
        'figures with their names stand apart, as "ontology"',
    )


def ontologies_from(paths: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of each ontology by its file's name; a folder's is over all its files.

    Raises:
        UserError: When one is not there, or two bear one name.
    """
    found: dict[str, str] = {}
    for path in paths:
        if not path.exists():
            raise UserError(f"--ontology {path} does not exist; give a downloaded file")
        if path.name in found:
            raise UserError(f"--ontology names two files {path.name!r}; rename one")
        found[path.name] = sha256_of_all(path.name, FileHashes(path.parent, [path]))
    return found


def pace_from(options: argparse.Namespace) -> Pace:
    """How fast the person lets the run go.

    Raises:
        UserError: On a backend that there is not, or a number below 1.
    """
    concurrent: dict[Backend, float] = dict(_CONCURRENT)
    if options.ray:
        concurrent["cpu"] = 1024  # the cluster's own places bound it
    for given in options.concurrent:
        backend, number = _bound("--concurrent", given if "=" in given else f"every={given}")
        concurrent |= dict.fromkeys([backend] if backend else BACKENDS, number)
    rates: dict[Backend, float] = {}
    for given in options.rate:
        backend, number = _bound("--rate", given)
        if backend:
            rates[backend] = number
    return Pace(
        concurrent={backend: int(number) for backend, number in concurrent.items()},
        per_minute=rates,
        max_dollars=options.max_dollars,
    )


def _bound(flag: str, given: str) -> tuple[Backend | None, float]:
    name, _, number = given.partition("=")
    backend = next((one for one in BACKENDS if one == name), None)
    is_known = backend is not None or (flag == "--concurrent" and name == "every")
    if not is_known or not number.isdecimal() or int(number) < 1:
        raise UserError(
            f"{flag} {given.removeprefix('every=')!r}: takes BACKEND=N with a whole number of 1 or "
            f"more, and the backends are {', '.join(BACKENDS)}"
        )
    return backend, int(number)


def _dollars(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"got {text}; takes an amount above 0")
    return number
