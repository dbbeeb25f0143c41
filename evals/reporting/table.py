"""What a run prints: where it comes from first, then every figure with its count and interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from evals.running.ledger import Line
from evals.running.manifest import Manifest
from evals.statistics.metrics import TOPS, figures


def print_run(console: Console, lines: Sequence[Line], manifest: Manifest) -> None:
    """Print a finished run.

    Args:
        console: Where to.
        lines: One for every case in the denominator.
        manifest: What the run was made from.
    """
    say = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    first = lines[0]
    say(provenance(manifest))
    say(
        f"{manifest.dataset} {manifest.split}, view {first.view}, arm {first.arm}, seed "
        f"{first.seed}; {len(manifest.exclusions)} of the split not scoreable (manifest.json)"
    )
    say(counts(lines))
    exact = figures([line.rank("curated", "exact") for line in lines])
    right = figures([line.rank() for line in lines])
    with_kb = figures([line.rank("kb") for line in lines])
    broader = figures([line.rank("curated", "broader") for line in lines])
    for heads, columns in (
        (("L0 to L2", "L0 to L2, KB synonyms"), (right, with_kb)),
        (("L0 + L1 alone", "L0 to L3"), (exact, broader)),
    ):
        table = Table("", *heads, box=SIMPLE, padding=(0, 1, 0, 0))
        for k in TOPS:
            table.add_row(f"top-{k}", *(str(column.top[k]) for column in columns))
        table.add_row("MRR", *(f"{column.mrr:.3f}" for column in columns))
        console.print(table)
    for error, count in Counter(line.error for line in lines if line.error).most_common():
        say(f"{count} x {error}")
    say(
        "L0 the same words, L1 an exact synonym, L2 narrower, L3 a direct parent. Wilson 95 % "
        "intervals. A case without an answer is a miss."
    )
    say("Contamination not excluded: the cases are public.")


def provenance(manifest: Manifest) -> str:
    """One line: commit, data, truth and code."""
    state = {True: "DIRTY TREE", False: "clean tree", None: "no git commit"}[manifest.is_dirty]
    truth = manifest.truth_sha256[:12] or "NOT CURATED, titles only"
    return (
        f"{state} {manifest.commit[:12]}".rstrip()
        + f" | source {manifest.source_sha256[:12]} | data {manifest.dataset_sha256[:12]}"
        + f" | truth {truth}"
    )


def counts(lines: Sequence[Line]) -> str:
    """One line: n, and how the cases ended; the parts add up to n."""
    abstained = sum(line.abstained for line in lines)
    unscored = sum(line.status == "UNSCORED" for line in lines)
    answered = sum(line.status == "OK" for line in lines)
    latencies = sorted(line.latency_s for line in lines)
    p50, p95 = (latencies[min(len(latencies) - 1, int(q * len(latencies)))] for q in (0.5, 0.95))
    return (
        f"n {len(lines)} | answered {answered} | abstained {abstained} | no answer "
        f"{len(lines) - answered - abstained - unscored} | unscored {unscored} | "
        f"latency p50 {p50:.2f} s, p95 {p95:.2f} s"
    )
