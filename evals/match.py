"""The matcher, checked: `evals match --calibrate pairs.jsonl` or `--look-alikes`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from evals.matching.calibration import LABELS, Calibration, Pair, calibrate, half, read_pairs
from evals.matching.level import Level
from evals.matching.look_alikes import find_look_alikes
from evals.matching.ontology import read_ontology
from evals.matching.scoring import Scorer, Scoring, build_scorers
from evals.statistics.metrics import proportion
from evals.truth import Truth
from knowledge.entry import load_entries
from tools.errors import UserError

_SHOWN = 200  # look-alikes that --show prints


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(argv)
    console = Console(soft_wrap=True)
    try:
        if options.look_alikes:
            _look_alikes(console, options.show)
        else:
            _calibrate(console, options)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def level_of(pair: Pair, scorer: Scorer) -> Level:
    """The level of a pair, of which the truth is one name without synonyms."""
    return scorer([pair.prediction], Truth(primary=pair.truth)).levels[0]


def print_calibration(console: Console, title: str, result: Calibration) -> None:
    """Print a confusion table and the rates that count."""
    table = Table("label", *Level, title=title, title_justify="left", box=SIMPLE)
    for label in LABELS:
        table.add_row(label, *(str(result.table.get((label, level), 0)) for level in Level))
    console.print(table)
    for what, share in (
        ("same, accepted as right", result.same_accepted),
        ("narrower, accepted as right", result.narrower_accepted),
        ("different, accepted as right", result.different_accepted),
        ("different, given any level", result.different_at_all),
        ("broader or component, accepted as right", result.not_right_accepted),
        ("item specificity", result.specificity),
    ):
        console.print(f"{what:<40} {share or 'no pair'}", markup=False, highlight=False)


def _calibrate(console: Console, options: argparse.Namespace) -> None:
    pairs = read_pairs(options.calibrate)
    ontologies = [read_ontology(path) for path in options.ontology]
    scorers: Mapping[Scoring, Scorer] = build_scorers(load_entries(), ontologies)
    for which in ("build", "report"):
        if options.half not in (which, "both"):
            continue
        chosen = half(pairs, which)
        for scoring, scorer in scorers.items():
            result = calibrate(chosen, partial(level_of, scorer=scorer))
            title = f"{which} half, {len(chosen)} pairs, scoring {scoring}"
            print_calibration(console, title, result)
            if options.show and which == "build":
                _show_misses(console, chosen, scorer)


def _show_misses(console: Console, pairs: Sequence[Pair], scorer: Scorer) -> None:
    for pair in pairs:
        level = level_of(pair, scorer)
        if level.is_right != (pair.label in ("same", "narrower")):
            said = f"{pair.label} / {level}: {pair.prediction} | {pair.truth}"
            console.print(said, markup=False, highlight=False)


def _look_alikes(console: Console, is_shown: bool) -> None:
    entries = load_entries().values()
    found = find_look_alikes({entry.id: (entry.name, *entry.synonyms) for entry in entries})
    for what, accepted in (("exact", found.exact), ("narrower", found.narrower)):
        share = proportion(len(accepted), found.pairs)
        console.print(
            f"{what:<9} {len(accepted)} of {found.pairs:,} pairs of names of different entries, "
            f"{1e6 * len(accepted) / found.pairs:.2f} in a million "
            f"[{1e6 * share.low:.2f}, {1e6 * share.high:.2f}]",
            markup=False,
            highlight=False,
        )
        for each in accepted[:_SHOWN] if is_shown else ():
            said = f"  {each.level}: {each.item} | {each.truth}"
            console.print(said, markup=False, highlight=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evals match", description=__doc__)
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument(
        "--calibrate", type=Path, metavar="FILE", help="labelled pairs: prediction, truth, label"
    )
    task.add_argument(
        "--look-alikes",
        action="store_true",
        help="all names of the knowledge base's entries against each other",
    )
    parser.add_argument(
        "--half",
        choices=("build", "report", "both"),
        default="both",
        help="of the pairs: the one to build with, the one to report, or both (the default)",
    )
    parser.add_argument(
        "--ontology", type=Path, nargs="+", default=[], metavar="FILE",
        help="OBO of Mondo or the Disease Ontology, Orphanet .xlsx or ORPHApackets, or a table",
    )  # fmt: skip
    parser.add_argument(
        "--show", action="store_true", help="the pairs that were wrong, of the build half alone"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
