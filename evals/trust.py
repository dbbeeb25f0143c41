"""Calibrating the trust in a source on labelled studies: `python -m evals.trust LABELS --out FILE`.

Sensitivity and specificity by source and kind of finding, each with its counts and Wilson 95 %
interval, drawn towards the shipped row by a Beta prior whose mean is that row: with a strength of
20, twenty labels weigh as much as the row does. The answers of one study are counted as if they
were independent, so the intervals are too narrow where few studies carry many labels. A run that
is to use the file is told by the setting trust_file, and its report names the hash of the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml
from rich.console import Console
from rich.table import Table

from evals.labels import Label, read_labels
from evals.statistics.metrics import proportion
from knowledge.ranking.trust import (
    TrustKind,
    TrustRow,
    TrustSource,
    TrustTable,
    default_trust,
    kind_of,
    load_trust,
)
from knowledge.vocabulary import Vocabulary, load_vocabulary
from tools.errors import UserError

PRIOR_STRENGTH = 20.0  # labels, of present and of absent findings each


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """The answers of one source and kind: how many of what is there or not were called so."""

    source: TrustSource
    kind: TrustKind
    studies: int
    found: int
    present: int
    cleared: int
    absent: int

    def row(self, shipped: TrustTable, strength: float) -> TrustRow:
        """The row of the table: the posterior mean under a Beta prior around the shipped row.

        Args:
            strength: How many labels the shipped row weighs; above 0.
        """
        before = shipped.rows.get((self.source, self.kind), shipped.of(self.source))
        sensitivity = (self.found + strength * before.sensitivity) / (self.present + strength)
        specificity = (self.cleared + strength * before.specificity) / (self.absent + strength)
        why = (
            f"{self.found} of {self.present} present and {self.cleared} of {self.absent} absent "
            f"findings of {self.studies} studies called right; the shipped row counts as "
            f"{strength:g} labels of each"
        )
        if sensitivity + specificity < 1:
            why = f"worse than chance, so it says nothing: {why}"
            sensitivity = specificity = 0.5
        return TrustRow(
            source=self.source, kind=self.kind, sensitivity=round(sensitivity, 4),
            specificity=round(specificity, 4), basis="labels", why=why,
        )  # fmt: skip


def counted(labels: Iterable[Label], vocabulary: Vocabulary) -> list[Counted]:
    """The labels by source and kind of finding, in the order of their names."""
    groups: dict[tuple[str, str], list[Label]] = {}
    for label in labels:
        kind = kind_of(label.modality, vocabulary[label.term].kind)
        groups.setdefault((label.source, kind), []).append(label)
    return [
        Counted(
            source=cast("TrustSource", source),
            kind=cast("TrustKind", kind),
            studies=len({label.study for label in group}),
            found=sum(label.said for label in group if label.truth),
            present=sum(label.truth for label in group),
            cleared=sum(not label.said for label in group if not label.truth),
            absent=sum(not label.truth for label in group),
        )
        for (source, kind), group in sorted(groups.items())
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and write the file; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evals.trust", description=__doc__)
    parser.add_argument("labels", type=Path, help=".csv or .json; docs/trust.md tells the columns")
    parser.add_argument("--out", type=Path, required=True, help="the trust file to write")
    parser.add_argument(
        "--prior", type=_above_zero, default=PRIOR_STRENGTH,
        help="how many labels the shipped row weighs (default %(default)g)",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        vocabulary = load_vocabulary()
        groups = counted(read_labels(options.labels, vocabulary), vocabulary)
        rows = [group.row(default_trust(), options.prior) for group in groups]
        _write(options.out, rows)
        digest = load_trust(options.out).digest
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    console = Console()
    console.print(_table(groups, rows))
    console.print(f"{options.out}: trust table {digest}; use it with HOOFBEAT_TRUST_FILE")
    return 0


def _table(groups: Sequence[Counted], rows: Sequence[TrustRow]) -> Table:
    shown = Table("source", "kind", "studies", "sensitivity", "specificity", "shipped", "written")
    for group, row in zip(groups, rows, strict=True):
        shipped = default_trust().rows.get((group.source, group.kind))
        before = shipped or default_trust().of(group.source)
        shown.add_row(
            group.source, group.kind, str(group.studies),
            str(proportion(group.found, group.present)) if group.present else "no label",
            str(proportion(group.cleared, group.absent)) if group.absent else "no label",
            f"{before.sensitivity:.2f} / {before.specificity:.2f}",
            f"{row.sensitivity:.2f} / {row.specificity:.2f}",
        )  # fmt: skip
    return shown


def _write(path: Path, rows: Sequence[TrustRow]) -> None:
    head = "# Rows of the trust table (docs/trust.md), written by python -m evals.trust.\n"
    told = yaml.safe_dump([row.model_dump() for row in rows], sort_keys=False, width=100)
    try:
        path.write_text(head + told, "utf-8")
    except OSError as error:
        raise UserError(
            f"{str(path)!r} cannot be written ({error.strerror}); name another --out"
        ) from error


def _above_zero(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"got {text}; takes a number above 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
