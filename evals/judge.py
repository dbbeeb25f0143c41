"""The judge: `evals judge RUN --planner gemini:MODEL`, or `--calibrate pairs.jsonl`.

Optional, paid, and apart: it rules on pairs of names that the matcher left undecided, writes
RUN/judge.jsonl, and every figure is shown without and with it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from agent.planner import build_planner
from agent.planner.prices import Prices
from agent.settings import build_settings, with_planner
from evals.judging.judge import Judge, Limits, Sitting, questions_of, undecided
from evals.judging.verdicts import Question, Rulings, Verdict, verdicts, with_verdicts
from evals.match import level_of, print_calibration
from evals.matching.calibration import Pair, calibrate, half, read_pairs
from evals.matching.level import Level
from evals.matching.levels import judge_list
from evals.matching.scoring import known_entries
from evals.reporting.stored import counting_lines
from evals.running.ledger import Line, read_lines
from evals.statistics.metrics import TOPS, figures
from evals.truth import Truth
from knowledge.entry import load_entries
from tools.errors import UserError


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(argv)
    console = Console(soft_wrap=True)
    try:
        if options.calibrate:
            _calibrate(console, options)
        else:
            _judge(console, options)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on where this one was\n")
        return 130
    return 0


def _judge(console: Console, options: argparse.Namespace) -> None:
    lines = counting_lines(read_lines(options.run / "results.jsonl", brief=True))
    questions = questions_of(lines, known_entries(load_entries()))
    said = _sit(console, questions, options.run / "judge.jsonl", options)
    print_effect(console, lines, with_verdicts(lines, said))


def print_effect(console: Console, without: Sequence[Line], judged: Sequence[Line]) -> None:
    """Print every figure without and with the judge, for each arm in each view and seed."""
    groups: dict[tuple[str, str, int], list[tuple[Line, Line]]] = defaultdict(list)
    for one, other in zip(without, judged, strict=True):
        groups[one.view, one.arm, one.seed].append((one, other))
    for (view, arm, seed), pairs in sorted(groups.items()):
        before = figures([line.rank("curated") for line, _ in pairs])
        after = figures([line.rank("judge") for _, line in pairs])
        head = f"{view} {arm}" + (f" seed {seed}" if seed else "")
        table = Table(head, "without the judge", "with it", box=SIMPLE)
        for k in TOPS:
            table.add_row(f"top-{k}", str(before.top[k]), str(after.top[k]))
        table.add_row("MRR", f"{before.mrr:.3f}", f"{after.mrr:.3f}")
        console.print(table)


def _calibrate(console: Console, options: argparse.Namespace) -> None:
    pairs = read_pairs(options.calibrate)
    chosen = pairs if options.half == "both" else half(pairs, options.half)
    known = known_entries(load_entries())
    alone = partial(level_of, scorer=judge_list)
    questions = {
        (pair.prediction, pair.truth)
        for pair in chosen
        if undecided(pair.prediction, Truth(primary=pair.truth), alone(pair), known)
    }
    said = _sit(console, questions, options.out / "judge.jsonl", options)

    def judged(pair: Pair) -> Level:
        level = alone(pair)
        verdict = said.get((pair.prediction, pair.truth))
        return verdict.level if verdict and level is Level.DIFFERENT else level

    of = f"{options.half} half" if options.half != "both" else "both halves"
    print_calibration(console, f"{of}, without the judge", calibrate(chosen, alone))
    print_calibration(console, f"{of}, with the judge", calibrate(chosen, judged))


def _sit(
    console: Console, questions: Iterable[Question], path: Path, options: argparse.Namespace
) -> Mapping[Question, Verdict]:
    settings = with_planner(build_settings(), options.planner)
    if settings.planner == "offline":
        raise UserError("a judge is a language model: give --planner gemini:MODEL")
    judge = Judge(build_planner(settings), Prices.load(settings.planner_prices), options.seed)
    wanted = set(questions)
    limits = Limits(concurrent=options.concurrent, max_dollars=options.max_dollars)
    with Rulings(path) as rulings:
        sitting = asyncio.run(judge.sit(wanted, rulings, limits))
        mine = [ruling for ruling in rulings.by(judge.id) if ruling.question in wanted]
    _print_sitting(console, len(wanted), len(mine), sitting)
    return verdicts(mine)


def _print_sitting(console: Console, wanted: int, ruled: int, sitting: Sitting) -> None:
    costs = sitting.costs
    dollars = f"{costs['dollars']:.4f} dollars" if "dollars" in costs else "price not known"
    console.print(
        f"{wanted} undecided pairs | ruled on {ruled} | of these now {sitting.asked} | "
        f"unanswered {sitting.unanswered} | left for want of money {sitting.left} | judge's cost "
        f"{costs['input_tokens']:.0f} tokens in, {costs['output_tokens']:.0f} out, {dollars}",
        markup=False,
        highlight=False,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evals judge", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("run", type=Path, nargs="?", metavar="RUN", help="the --out folder of a run")
    what.add_argument("--calibrate", type=Path, metavar="FILE", help="labelled pairs")
    parser.add_argument("--planner", required=True, help="the judge: gemini or gemini:MODEL")
    parser.add_argument(
        "--half", choices=("build", "report", "both"), default="both",
        help="with --calibrate: which pairs (default: both halves)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("judged"), help="with --calibrate: where to keep rulings"
    )
    parser.add_argument("--max-dollars", type=float, help="stop cleanly once so much is spent")
    parser.add_argument("--concurrent", type=int, default=8, help="calls at a time")
    parser.add_argument("--seed", type=int, default=0, help="of the judge, and of the pairs' order")
    return parser


if __name__ == "__main__":
    sys.exit(main())
