"""Run arms over a data set: `evals run --data DIR --out RUN --arm offline prior --view V1 V3`.

Each case in each view through each arm, once for each seed, is one line of RUN/results.jsonl, on
the disk before the next begins. The same command goes on where a run was stopped, and does nothing
twice. Another data set, setting or state of the code is another configuration, which begins anew
beside the lines that stand.

Exit code 0: every case was scored. 2: something the person can mend. 3: a case met a fault of the
harness or of the system, so the figures may not be used. 4: the money is spent; what is left can be
resumed. 130: stopped by Ctrl-C; the same command resumes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console

from evals.arms.arm import MakeArm
from evals.arms.options import add_arm_options, choice_from
from evals.arms.table import ARMS
from evals.data.options import add_data_options, load_dataset, select_cases
from evals.matching.ontology import read_ontology
from evals.matching.scoring import build_scorers
from evals.reporting.table import print_run
from evals.running.execute import Bench, Work
from evals.running.ledger import Ledger, Line
from evals.running.manifest import Manifest, read_manifests, source_sha256, write_manifests
from evals.running.options import add_run_options, ontologies_from, pace_from
from evals.running.plan import Asked, add_plan, is_due, manifests_of, work_of
from evals.running.provenance import first_line, new_configurations
from evals.running.session import Means, do_work
from evals.running.stoppable import STOPPED
from evals.statistics.contrasts import Side, read_contrasts
from evals.views.show import VIEWS
from evals.views.viewer import Viewer
from knowledge.index.compiled import load_compiled
from tools.errors import UserError

FAULT, SPENT = 3, 4


def main(argv: Sequence[str] | None = None, arms: Mapping[str, MakeArm] = ARMS) -> int:
    """The command line; returns the exit code.

    Args:
        argv: Arguments, by default the process's own.
        arms: The table of arms that --arm chooses from.
    """
    options = _parser(arms).parse_args(argv)
    try:
        return _run(options, arms)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on where this one was\n")
        return STOPPED


def _run(options: argparse.Namespace, arms: Mapping[str, MakeArm]) -> int:
    if options.batch and options.max_dollars:
        raise UserError("--max-dollars cannot stop a batch job that is made: leave one of them out")
    dataset = load_dataset(options)
    choice = choice_from(options)
    viewer = Viewer(dataset, options.out, choice.settings)
    views = tuple(dict.fromkeys(options.view))
    if options.show_input:
        from evals.views.show_input import describe_input

        shown = describe_input(options.show_input, views[0], dataset, options.out, viewer)
        sys.stdout.write(shown)
        return 0
    if not options.arm:
        raise UserError(f"--arm is missing: it takes one or several of {', '.join(arms)}")
    cases = select_cases(dataset, options)
    unseen = viewer.exclusions(cases, views)
    if len(unseen) == len(cases):
        raise UserError(f"none of the {len(cases)} cases has the images of view {' '.join(views)}")
    read_contrasts(options.contrast, [Side(arm=a, view=v) for v in views for a in options.arm])
    asked = Asked(
        cases=tuple(case for case in cases if case.id not in unseen),
        ontologies=ontologies_from(options.ontology),
        contrasts=tuple(options.contrast),
        unseen=unseen,
        views=views,
        seeds=range(options.seed, options.seed + options.repeat),
        timeout_s=options.timeout_s,
    )
    makers = {name: arms[name] for name in dict.fromkeys(options.arm)}
    source = source_sha256()
    bench = Bench(
        arms={name: make(choice) for name, make in makers.items()},
        viewer=viewer,
        scorers=build_scorers(
            load_compiled(choice.settings.open_cache()).entries,
            [read_ontology(path) for path in options.ontology],
        ),
        timeout_s=options.timeout_s,
    )
    means = Means(
        bench=bench,
        makers=makers,
        choice=choice,
        dataset=dataset,
        out=options.out,
        source=source,
        pace=pace_from(options),
        ray=options.ray or "",
        in_batch=options.batch,
    )
    manifests = manifests_of(bench.arms, dataset, asked, source)
    with Ledger(options.out / "results.jsonl") as ledger:
        return _work_off(asked, manifests, means, ledger, retries_failed=options.retry_failed)


def _work_off(
    asked: Asked,
    manifests: Mapping[str, Manifest],
    means: Means,
    ledger: Ledger,
    *,
    retries_failed: bool,
) -> int:
    console, beside = Console(), Console(stderr=True)
    folder = read_manifests(means.out / "manifest.json")
    _say(console, first_line(next(iter(manifests.values())), folder.values()))
    for told in new_configurations(manifests.values(), folder):
        _say(beside, told)
    configs = {name: manifest.config for name, manifest in manifests.items()}
    work = work_of(asked, configs)
    todo = [one for one in work if is_due(ledger.marks.get(one.key), retries_failed=retries_failed)]
    if len(todo) < len(work):
        _say(beside, f"{len(work) - len(todo)} of {len(work)} stand already; {len(todo)} to do")
    write_manifests(means.out / "manifest.json", {m.config: m for m in manifests.values()})
    add_plan(means.out / "plans.jsonl", asked, configs)
    before = [ledger.marks.get(one.key) for one in todo]
    do_work(todo, means, ledger, len(work))
    left = sum(ledger.marks.get(one.key) is mark for one, mark in zip(todo, before, strict=True))
    if left:
        _say(
            beside,
            f"${ledger.dollars:.2f} spent of ${means.pace.max_dollars:.2f}: {left} of {len(work)} "
            "left, so no figures; the same command with a higher --max-dollars goes on",
        )
        return SPENT
    return _show(console, work, manifests, asked.contrasts, ledger)


def _show(
    console: Console,
    work: Sequence[Work],
    manifests: Mapping[str, Manifest],
    contrasts: Sequence[str],
    ledger: Ledger,
) -> int:
    """Print the figures; the exit code says whether they may be used."""
    lines: list[Line] = []
    reported: dict[str, dict[str, str]] = {name: {} for name in manifests}
    for line in ledger.read(one.key for one in work):
        lines.append(line)
        reported[line.arm] |= line.versions
    done = {
        name: manifest.model_copy(update={"reported": reported[name]})
        for name, manifest in manifests.items()
    }
    write_manifests(ledger.folder / "manifest.json", {m.config: m for m in done.values()})
    print_run(console, lines, list(done.values()), contrasts)
    faults = any(ledger.marks[one.key].status == "UNSCORED" for one in work)
    return FAULT if faults else 0


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _parser(arms: Mapping[str, MakeArm]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evals run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_options(parser)
    parser.add_argument("--show-input", metavar="CASE", help="print a case as --view shows it")
    add_arm_options(parser, arms)
    add_run_options(parser, VIEWS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
