"""Probe a model for contamination: `evals probe --data DIR --planner gemini:MODEL --out DIR`.

Asks any planner what it may know of the cases by heart; docs/contamination.md says what each probe
can show. Exit code 0: every case was asked. 2: something the person can mend. 3: a fault of the
harness; the figures may not be used. 130: stopped; the same command goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from agent.settings import build_settings
from evals.arms.arm import Choice
from evals.data.dataset import EvalCase
from evals.data.options import add_data_options, load_dataset, positive, select_cases
from evals.probes.ask import How, Prober, paraphrases_in, read_paraphrases
from evals.probes.figures import (
    Recognised,
    SplitFigures,
    completion_figures,
    paraphrase_figures,
    split_figures,
    title_figures,
)
from evals.probes.inputs import halves
from evals.probes.steps import Step
from evals.probes.table import Printer
from evals.running.ledger import Line, latest_lines
from evals.running.manifest import source_sha256
from evals.running.schedule import Pace
from tools.errors import UserError

PROBES = ("case-id-to-title", "history-completion", "history-paraphrased")


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(argv)
    try:
        return _probe(options)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on where this one was\n")
        return 130


def _probe(options: argparse.Namespace) -> int:
    settings = build_settings(planner=options.planner, planner_prices=options.planner_prices)
    if settings.planner == "offline":
        raise UserError(
            "the offline planner has no memory to probe: it is rules over the knowledge base; "
            "give --planner gemini, gemini:MODEL or provider:model"
        )
    if options.batch and options.max_dollars:
        raise UserError("--max-dollars cannot stop a batch job that is made: leave one of them out")
    if options.run and options.run.resolve() == options.out.resolve():
        raise UserError("--run and --out are the same folder; give the probe another --out")
    dataset = load_dataset(options)
    cases = select_cases(dataset, options)
    given = read_paraphrases(options.paraphrases) if options.paraphrases else None
    how = How(
        out=options.out,
        source=source_sha256(),
        pace=Pace(concurrent={"planner": options.concurrent}, max_dollars=options.max_dollars),
        timeout_s=options.timeout_s,
        in_batch=options.batch,
        retries_failed=options.retry_failed,
    )
    run = _run_lines(options.run) if options.run else []
    prober = Prober(dataset, Choice(settings=settings), how)
    printer = Printer(Console())
    printer.begin(prober.first_line(), settings.planner, len(cases))
    session = _Session(prober, cases, printer)
    for probe in dict.fromkeys(options.probe):
        session.ask(probe, given)
    session.split(run)
    return session.close()


class _Session:
    """The probes of one command, and what they found."""

    def __init__(self, prober: Prober, cases: Sequence[EvalCase], printer: Printer) -> None:
        self._prober = prober
        self._cases = cases
        self._printer = printer
        self._asked: list[Line] = []
        self._recognised: dict[str, Recognised] = {}

    def ask(self, probe: str, given: Mapping[str, str] | None) -> None:
        """Ask one probe and print what it found."""
        if probe == "case-id-to-title":
            titles = title_figures(self._lines("case-id-to-title", self._cases))
            self._recognised[probe] = titles.recognised
            self._printer.title(titles)
        elif probe == "history-completion":
            cut = {case.id: halves(case.history) for case in self._cases}
            long = [case for case in self._cases if cut[case.id]]
            if not long:
                self._printer.no_history()
                return
            second = {case: two[1] for case, two in cut.items() if two}
            completed = completion_figures(self._lines("history-completion", long), second)
            self._recognised[probe] = completed.recognised
            self._printer.completion(completed, len(self._cases) - len(long))
        else:
            self._paraphrased(given)

    def _paraphrased(self, given: Mapping[str, str] | None) -> None:
        told = [case for case in self._cases if case.history]
        made = given if given is not None else paraphrases_in(self._lines("paraphrase", told))
        written = self._lines("as-written", told)
        other = [case for case in told if case.id in made]
        words = {case.id: made[case.id] for case in other}
        self._printer.paraphrase(
            paraphrase_figures(written, self._lines("paraphrased", other, words), len(self._cases))
        )

    def split(self, run: Sequence[Line]) -> None:
        """Print the accuracy of a run by what was recognised."""
        if len(self._recognised) > 1:
            either = {case for found in self._recognised.values() for case in found}
            self._recognised["either"] = {
                case: any(found.get(case, False) for found in self._recognised.values())
                for case in either
            }
        groups: dict[tuple[str, str, int, str], list[Line]] = {}
        for line in run:
            groups.setdefault((line.arm, line.view, line.seed, line.config), []).append(line)
        found: list[SplitFigures] = [
            split_figures(probe, recognised, lines)
            for lines in groups.values()
            for probe, recognised in self._recognised.items()
        ]
        if found:
            self._printer.splits(found)

    def close(self) -> int:
        """Print what it cost; returns the exit code."""
        faults = [line for line in self._asked if line.status == "UNSCORED"]
        self._printer.close(self._asked)
        return 3 if faults else 0

    def _lines(
        self, step: Step, cases: Sequence[EvalCase], paraphrases: Mapping[str, str] | None = None
    ) -> list[Line]:
        lines = self._prober.lines(step, cases, paraphrases)
        self._printer.asked(step, lines)
        self._asked += lines
        return lines


def _run_lines(run: Path) -> list[Line]:
    return list(latest_lines(run / "results.jsonl", brief=True).values())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evals probe", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add_data_options(parser)
    add = parser.add_argument_group("probes").add_argument
    add("--out", type=Path, required=True, help="results.jsonl; not a run's folder")
    add("--planner", help='"gemini", "gemini:MODEL" or "provider:model"')
    add("--planner-prices", type=Path, metavar="FILE", help="prices of the planner's models")
    add("--probe", choices=PROBES, nargs="+", default=list(PROBES), help="default: all")
    add(
        "--paraphrases", type=Path, metavar="FILE",
        help='JSONL of {"case": ID, "history": TEXT} instead of the planner\'s own paraphrases',
    )  # fmt: skip
    add("--run", type=Path, help="folder of a run: its accuracy by what was recognised")
    add("--batch", action="store_true", help="in Gemini's batch mode: slower, at its price")
    add("--retry-failed", action="store_true", help="ask again where the service failed")
    add("--concurrent", type=positive, default=8, help="requests at a time")
    add("--max-dollars", type=float, metavar="X", help="nothing new is asked once so much is spent")
    add("--timeout-s", type=float, default=600.0, help="for one answer")
    return parser


if __name__ == "__main__":
    sys.exit(main())
