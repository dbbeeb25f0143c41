"""What a run prints: where it comes from first, then every figure with its count and interval."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from evals.reporting.comparison import Comparison, Transition
from evals.reporting.names import SCORINGS, label, p_value, pairing_title
from evals.reporting.provenance import CONTAMINATION, origins
from evals.reporting.stored import Run
from evals.running.ledger import Line
from evals.running.manifest import Manifest
from evals.statistics.contrasts import Contrast
from evals.statistics.costs import Costs
from evals.statistics.metrics import TOPS, Figures
from evals.statistics.summary import Cell, plan_of, summarise

_LEVELS = "L0 the same words, L1 an exact synonym, L2 narrower, L3 a direct parent."
_NAMED = 12  # settings that a terminal names
_INTERVALS = "Wilson 95 % intervals. A case without an answer is a miss."


def print_run(
    console: Console,
    lines: Sequence[Line],
    manifests: Sequence[Manifest],
    contrasts: Sequence[str] = (),
) -> None:
    """Print a finished run.

    Args:
        console: Where to.
        lines: One for every case in the denominator, of all arms, views and seeds.
        manifests: What the run was made from, one for each arm.
        contrasts: The family of tests in words; none stands for the pre-registered one.
    """
    say = _say(console)
    summary = summarise(lines, plan_of(lines, contrasts))
    first = manifests[0]
    excluded = {case for manifest in manifests for case in manifest.exclusions}
    for line in origins(manifests):
        say(line)
    left_out = f"{len(excluded)} of the split left out (manifest.json)"
    if len(summary.cells) == 1:
        (cell,) = summary.cells
        say(
            f"{first.dataset} {first.split}, view {cell.view}, arm {cell.arm}, seed {cell.seed}; "
            + left_out
        )
        say(_ending(cell))
        _print_cell(console, cell)
    else:
        say(f"{first.dataset} {first.split}, {summary.cases} cases; {left_out}")
        console.print(_endings(summary.cells), "", _cells(summary.cells), sep="\n")
        say("First line: curated truth, L0 to L2; below, with more names known to the matcher.")
        for cell in summary.cells:
            if cell.costs.turnaround:
                say(f"{label(cell)}: {_times(cell.costs)}; a batch job's time is no latency")
    if summary.contrasts:
        console.print(_contrasts(summary.contrasts))
        say(f"McNemar's exact test at top-1; Holm over {summary.contrasts[0].family}.")
    for r in summary.repeats:
        say(
            f"{r.arm} {r.view} over seeds {', '.join(map(str, r.seeds))}: top-1 {r.mean.value:.1%} "
            f"[{100 * r.mean.low:.1f}, {100 * r.mean.high:.1f}], {100 * r.run_sd:.1f} points SD "
            f"from run to run, {r.changing} of cases change"
        )
    for cell in summary.cells:
        for error, count in cell.failures.errors.items():
            say(f"{count} x {error}" + (f" ({label(cell)})" if len(summary.cells) > 1 else ""))
    say(f"{_LEVELS} {_INTERVALS}")
    say(CONTAMINATION)


def print_comparison(console: Console, a: Run, b: Run, found: Comparison) -> None:
    """Print two compared runs in short.

    Args:
        console: Where to.
        a, b: The runs.
        found: What changed.
    """
    say = _say(console)
    for which, run in (("A", a), ("B", b)):
        for line in origins(list(run.manifests.values())):
            say(f"{which} {run.name}: {line}")
    for warning in found.warnings:
        say(warning)
    for pairing in found.pairings:
        counts = ", ".join(f"{t.value} {len(pairing.of(t))}" for t in Transition)
        say(f"{pairing_title(pairing)}, {len(pairing.changes)} cases in both: {counts}")
        if pairing.only_a or pairing.only_b:
            say(f"  in A alone {len(pairing.only_a)}, in B alone {len(pairing.only_b)}")
    if found.unpaired:
        say(f"not compared: {'; '.join(found.unpaired)}")
    tested = [pairing.contrast for pairing in found.pairings if pairing.contrast]
    if tested:
        console.print(_contrasts(tested))
        say(f"McNemar's exact test at top-1; Holm over {tested[0].family}.")
    changed = list(dict.fromkeys(setting.name for setting in found.settings))
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    say(f"settings that differ: {', '.join(changed[:_NAMED]) or 'none'}{more}")


def _say(console: Console) -> partial[None]:
    return partial(console.print, markup=False, highlight=False, soft_wrap=True)


def _ending(cell: Cell) -> str:
    """One line: n, and how the cases ended; the parts add up to n."""
    c, spent = cell.counts, cell.costs
    return (
        f"n {c.n} | answered {c.answered} | abstained {c.abstained} | no answer {c.no_answer} | "
        f"unscored {c.unscored} | {_times(spent)}"
    )


def _times(spent: Costs) -> str:
    """Latency, and apart from it how long batch jobs took."""
    kinds = (("latency", spent.latency), ("batch jobs", spent.turnaround))
    return ", ".join(
        f"{kind} p50 {times.p50_s:.2f} s, p95 {times.p95_s:.2f} s"
        + (f" (n {times.n})" if times.n < spent.n else "")
        for kind, times in kinds
        if times
    )


def _endings(cells: Sequence[Cell]) -> Table:
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0), show_edge=False)
    for head in ("", "n", "answered", "abstained", "none", "faults", "p50 s", "p95 s"):
        table.add_column(head, no_wrap=True)
    for cell in cells:
        c, spent = cell.counts, cell.costs
        of = spent.latency
        latency = (f"{of.p50_s:.2f}", f"{of.p95_s:.2f}") if of else ("-", "-")
        counts = (c.n, c.answered, c.abstained, c.no_answer, c.unscored)
        table.add_row(label(cell).replace(" ", "\n", 1), *map(str, counts), *latency)
    return table


def _print_cell(console: Console, cell: Cell) -> None:
    """The figures of the only cell: a row for each k, a column for each way to count."""
    curated = cell.figures["curated"]
    others = {
        f"L0 to L2, {SCORINGS.get(scoring, scoring)}": of["right"]
        for scoring, of in cell.figures.items()
        if scoring != "curated"
    }
    for columns in (
        {"L0 to L2": curated["right"], **others},
        {"L0 + L1 alone": curated["exact"], "L0 to L3": curated["broader"]},
    ):
        table = Table("", *columns, box=SIMPLE, padding=(0, 1, 0, 0))
        for k in TOPS:
            table.add_row(f"top-{k}", *(str(figures.top[k]) for figures in columns.values()))
        table.add_row("MRR", *map(_mrr, columns.values()))
        console.print(table)


def _mrr(figures: Figures, between: str = " ") -> str:
    if figures.mrr_interval is None:
        return f"{figures.mrr:.3f}"
    low, high = figures.mrr_interval
    return f"{figures.mrr:.3f}{between}[{low:.2f}, {high:.2f}]"


def _cells(cells: Sequence[Cell]) -> Table:
    """Several cells in one table, two lines a cell: the share, then its interval."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0), show_edge=False)
    for head in ("", *(f"top-{k}" for k in TOPS), "MRR"):
        table.add_column(head, no_wrap=True)
    for cell in cells:
        seed = f" seed {cell.seed}" if cell.seed else ""
        for scoring, of in cell.figures.items():
            figures = of["right"]
            is_primary = scoring == "curated"
            head = f"{cell.arm}\n{cell.view}{seed}, n {cell.counts.n}"
            shares = (
                f"{p.count} {p.count / p.n:.1%}\n{100 * p.low:.1f}-{100 * p.high:.1f}"
                for p in (figures.top[k] for k in TOPS)
            )
            mrr = _mrr(figures, "\n").replace("[", "").replace("]", "").replace(", ", "-")
            style = None if is_primary else "dim"
            table.add_row(head if is_primary else SCORINGS[scoring], *shares, mrr, style=style)
    return table


def _contrasts(contrasts: Sequence[Contrast]) -> Table:
    heads = ("A against B", "n", "only A:B", "top-1 A-B, points", "p", "p Holm", "seen")
    table = Table(*heads, box=SIMPLE, padding=(0, 1, 0, 0))
    for c in contrasts:
        d = c.difference
        table.add_row(
            f"{c.a}\n{c.b}",
            str(c.n),
            f"{c.only_a}:{c.only_b}",
            f"{100 * d.value:+.1f}\n{100 * d.low:+.1f} to {100 * d.high:+.1f}",
            p_value(c.p_exact),
            p_value(c.p_holm),
            "-" if c.detectable is None else f"{100 * c.detectable:.1f}",
        )
    table.caption = "seen: the smallest difference found in 80 of 100 such runs, points"
    return table
