"""How far the leading diagnosis's probability can be believed: `python -m evals.calibration`.

    python -m evals.simulate --out curves.json
    python -m evals.run ... --view V3 --arm offline --out runs/dev
    python -m evals.calibration simulated=curves.json dev=runs/dev/results.jsonl --figure plot.svg

A probability is calibrated when of the cases that are given 30 % three in ten are right. Told are
the Brier score (mean squared distance between probability and outcome), what it would be if every
case were given the share that is right, and the expected calibration error (mean distance between
probability and share right over ten bins, of equal width and of equal size), each with a bootstrap
95 % interval over cases. The expected calibration error of few cases is above zero by chance alone,
so beside it stands what it would be, on average, were the probabilities right.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from evals.reliability_figure import draw
from evals.running.ledger import Line
from evals.statistics.bootstrap import Values
from evals.statistics.calibration import (
    Leads,
    bins,
    brier,
    by_chance,
    ece_by_size,
    ece_by_width,
    interval,
    leads_of,
)
from evals.statistics.metrics import proportion
from tools.errors import UserError


def read_leads(path: Path) -> dict[str, Leads]:
    """The leading diagnoses of a file.

    Args:
        path: What `evals.simulate --out` wrote, or a results.jsonl of `evals.run`.

    Returns:
        Of simulated patients, the ends of the first order: "as told", and "among entries", with
        "other" left out, since no simulated patient has such a disease. Of a run, by view and arm.

    Raises:
        UserError: On a file that is neither, or holds two configurations of one view and arm.
    """
    try:
        text = path.read_text("utf-8")
        return _of_curves(text) if path.suffix == ".json" else _of_run(text, path)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{str(path)!r} cannot be read ({type(error).__name__})") from error
    except (json.JSONDecodeError, LookupError, TypeError, ValidationError) as error:
        raise UserError(
            f"{str(path)!r} is neither a .json file of evals.simulate --out nor a results.jsonl of "
            f"evals.run in this version ({type(error).__name__})"
        ) from error


def _of_curves(text: str) -> dict[str, Leads]:
    first = json.loads(text)[0]
    right = np.array([end["is_right"] for end in first["ends"]], dtype=np.float64)
    return {
        what: Leads(np.array([end[key] for end in first["ends"]], dtype=np.float64), right)
        for what, key in (("as told", "probability"), ("among entries", "among_entries"))
    }


def _of_run(text: str, path: Path) -> dict[str, Leads]:
    # A text may hold other separators than the line break; after the last a line is being written.
    last = {line.key: line for line in map(Line.model_validate_json, text.split("\n")[:-1])}
    groups: dict[str, list[Line]] = {}
    for line in last.values():
        groups.setdefault(f"{line.view} {line.arm}", []).append(line)
    for name, lines in groups.items():
        if len({(line.config, line.seed) for line in lines}) > 1:
            raise UserError(
                f"{str(path)!r} holds runs of {name} with different settings or sources; run that "
                "one again with an --out of its own"
            )
    return {name: leads_of(lines) for name, lines in groups.items()}


def table(series: Mapping[str, Leads]) -> Table:
    """A series a row."""
    shown = Table(
        "series", "n", "without", "mean p", "right", "Brier", "Brier of the share",
        "ECE, 10 widths", "by chance", "ECE, 10 sizes", "by chance",
    )  # fmt: skip
    for name, leads in series.items():
        p, right = leads.probabilities, leads.is_right
        shown.add_row(
            name, str(len(p)), str(leads.without), f"{p.mean():.3f}",
            str(proportion(int(right.sum()), len(p))),
            _told(leads, brier), f"{right.mean() * (1 - right.mean()):.3f}",
            _told(leads, ece_by_width), f"{by_chance(leads, ece_by_width):.3f}",
            _told(leads, ece_by_size), f"{by_chance(leads, ece_by_size):.3f}",
        )  # fmt: skip
    return shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and draw the figure; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.calibration", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("series", nargs="+", metavar="NAME=FILE", help="curves or results to read")
    parser.add_argument("--figure", type=Path, help="write the reliability plot here, as SVG")
    options = parser.parse_args(arguments)
    try:
        series = _named(options.series)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    Console().print(table(series))
    if options.figure:
        panels = {
            f"{name}, n {len(leads.probabilities)}": [(b.mean, b.right) for b in bins(leads)]
            for name, leads in series.items()
        }
        options.figure.write_text(draw(panels), "utf-8")
    return 0


def _named(given: Sequence[str]) -> dict[str, Leads]:
    found: dict[str, Leads] = {}
    for one in given:
        name, is_named, path = one.partition("=")
        if not is_named:
            raise UserError(f"got {one!r}; takes NAME=FILE, such as dev=runs/dev/results.jsonl")
        for what, leads in read_leads(Path(path)).items():
            if not len(leads.probabilities):
                raise UserError(f"{path}: no case of {what} was given a probability")
            found[f"{name}, {what}"] = leads
    return found


def _told(leads: Leads, figure: Callable[[Values, Values], float]) -> str:
    low, high = interval(leads, figure)
    return f"{figure(leads.probabilities, leads.is_right):.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    sys.exit(main())
