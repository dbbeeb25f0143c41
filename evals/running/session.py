"""A session: the work that is due, done in this process, on a cluster or in batch jobs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from evals.arms.arm import Choice, MakeArm, Windows
from evals.data.dataset import Dataset, EvalCase
from evals.running.execute import Bench, Work, run_one
from evals.running.ledger import Ledger, Line
from evals.running.progress import RunProgress
from evals.running.schedule import Pace, Purse, Schedule
from evals.running.stoppable import run_stoppable
from evals.views.show import IMAGE_VIEWS
from tools.errors import UserError

Record = Callable[[Line], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What work is done with, and where.

    Attributes:
        bench: Of this process.
        makers: What makes each arm, for the workers of a cluster.
        out: The run's folder.
        ray: Address of a cluster; "" for this process.
        in_batch: Whether arms of one request go to Gemini's batch mode.
    """

    bench: Bench
    makers: Mapping[str, MakeArm]
    choice: Choice
    dataset: Dataset
    out: Path
    source: str
    pace: Pace
    ray: str = ""
    in_batch: bool = False


def do_work(todo: Sequence[Work], means: Means, ledger: Ledger, total: int) -> None:
    """Do the work that is due; what is not done afterwards, the money did not suffice for.

    Args:
        total: Pieces of work of the run, those done already too.

    Raises:
        UserError: From an arm, a service or the cluster; the lines written stay. Before the first
            case: when images cannot be shown in the windows asked for.
        KeyboardInterrupt: When it was stopped; the lines written stay.
    """
    if not todo:
        return
    for name, arm in means.bench.arms.items():
        seen = {w.case.id: w.case for w in todo if w.arm == name and w.view in IMAGE_VIEWS}
        check_all_windows(seen.values(), arm.windows)
    console = Console(stderr=True)
    with RunProgress(console, total=total, done=total - len(todo)) as progress:

        def record(line: Line) -> None:
            ledger.append(line)
            progress.step(ledger.dollars, ledger.unpriced)

        threads = 2 * sum(means.pace.concurrent.values()) + 4
        run_stoppable(_all(todo, means, ledger, record), threads=min(threads, 256))


async def _all(todo: Sequence[Work], means: Means, ledger: Ledger, record: Record) -> None:
    rest = list(todo)
    if means.in_batch:
        from evals.running.batch import is_batchable, run_batch

        in_batch = [work for work in todo if is_batchable(means.bench.arms[work.arm])]
        if not in_batch:
            raise UserError(
                "--batch is for arms of one request without tools to Gemini by key, and none of "
                "those asked for is one: leave it out"
            )
        rest = [work for work in todo if not is_batchable(means.bench.arms[work.arm])]
        await run_batch(in_batch, means.bench, record, means.out)
    schedule = Schedule(means.bench.arms, means.pace, Purse(ledger, means.pace.max_dollars))
    if means.ray and rest:
        from evals.running.cluster import Cluster

        async with Cluster(means) as cluster:
            await schedule.run(rest, cluster.do, record)
    else:
        await schedule.run(rest, partial(run_one, bench=means.bench), record)


def check_all_windows(cases: Collection[EvalCase], windows: Windows | None) -> None:
    """Refuse, before any is asked about, what check_windows would refuse at the first such case.

    A study is not opened for this: one without data in HU is found when its case is shown.

    Raises:
        UserError: When some of the cases have pictures alone; says how many.
    """
    lacking = sum(not case.study for case in cases)
    if windows not in (None, "as-displayed") and lacking:
        raise UserError(
            f"--windows {windows} needs data in HU, and {lacking} of the {len(cases)} cases have "
            "only pictures with their window baked in; leave --windows out or give as-displayed"
        )
