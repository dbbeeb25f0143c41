"""Simulated patients: how many questions it takes, by `python -m evals.simulate`.

A patient is drawn from the knowledge base itself: an entry by its prior, a modality in which it is
seen, age and sex from its demographics, and for every term whether it is there: by the entry's
frequency where it lists the term, by the background rate where it does not. Each answer is turned
round with the probability of the noise, the same for every way of asking, and the ranking trusts
it accordingly. What is compared is the order of the questions alone: by expected information gain,
at random among the terms that the leading ten entries list, and down the list of the leading
entry. The noise of two answers is independent here, so a second question of one family tells
something, and the other orders ask it; the agent, whose model errs alike on both, does not, so its
order is shown with and without. It says how well questions are chosen, and nothing of real
patients: the knowledge base is right by construction here.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.console import Console

from evals.curves import Curve, End, table
from evals.world import Patient, State, World
from knowledge.entry import load_entries
from knowledge.vocabulary import load_vocabulary

_LEADING = 10


def by_gain(world: World, patient: Patient, state: State) -> str | None:
    """The term of the highest expected information gain."""
    return _by_gain(world, patient, state, asks_kin=True)


def by_gain_without_kin(world: World, patient: Patient, state: State) -> str | None:
    """The same, as the agent asks: never what follows from an answer."""
    return _by_gain(world, patient, state, asks_kin=False)


def _by_gain(world: World, patient: Patient, state: State, *, asks_kin: bool) -> str | None:
    best = world.questions.best(
        state.shares, trust=world.trust, modalities=[patient.modality],
        regions=patient.scope.regions, answered=state.answered, asks_kin=asks_kin, count=1,
        shown=0,
    )  # fmt: skip
    return best[0].term.id if best else None


def at_random(world: World, patient: Patient, state: State) -> str | None:
    """Any term that the leading ten entries list."""
    left = tuple(dict.fromkeys(_listed_by_the_leading(world, patient, state, _LEADING)))
    return world.pick(patient, f"ask {len(state.answered)}").choice(left) if left else None


def down_the_list(world: World, patient: Patient, state: State) -> str | None:
    """The next term of the leading entry, in the order in which it lists them; then of the next."""
    return next(_listed_by_the_leading(world, patient, state, len(world.entries)), None)


ORDERS: Mapping[str, Callable[[World, Patient, State], str | None]] = {
    "information gain": by_gain, "gain, no kin": by_gain_without_kin, "random": at_random,
    "entry order": down_the_list,
}  # fmt: skip


def _listed_by_the_leading(
    world: World, patient: Patient, state: State, count: int
) -> Iterator[str]:
    for row in np.argsort(-state.shares, kind="stable")[:count]:
        for finding in world.entries[row].findings:
            is_of_the_study = finding.modality == patient.modality
            if is_of_the_study and finding.term not in state.answered:
                yield finding.term


def follow(world: World, patient: Patient, order: str, questions: int) -> tuple[str, End]:
    """Ask one patient so many questions in one order.

    Returns:
        "1" for every count of questions, from none on, after which its disease leads, else "0"; and
        the end.
    """
    state = world.state(patient, {})
    leads = ""
    for asked in range(questions + 1):
        leads += "1" if int(np.argmax(state.shares)) == patient.row else "0"
        term = ORDERS[order](world, patient, state) if asked < questions else None
        if term is None:  # what leads now leads to the end
            break
        answer = world.answer(patient, term)
        state = world.state(patient, {**state.answered, term: answer})
    best = float(state.shares.max())
    end = End(
        probability=best,
        among_entries=best / float(state.shares.sum()),
        is_right=leads[-1] == "1",
    )
    return leads.ljust(questions + 1, leads[-1]), end


def simulate(
    world: World,
    patients: Sequence[Patient],
    order: str,
    questions: int,
    pool: Executor | None = None,
) -> Curve:
    """Ask every patient so many questions in one order.

    Args:
        pool: Of processes that each opened the same world by `open_world`; None: this process.
    """
    if pool is None:
        followed = [follow(world, patient, order, questions) for patient in patients]
    else:
        one = partial(_follow_here, order=order, questions=questions)
        followed = list(pool.map(one, patients, chunksize=5))
    return Curve(
        order=order, leads=tuple(leads for leads, _ in followed), ends=tuple(e for _, e in followed)
    )


_here: list[World] = []


def open_world(noise: float) -> None:
    """Open the world in a process of a pool."""
    _here[:] = [World(load_entries(), load_vocabulary(), noise=noise)]


def _follow_here(patient: Patient, *, order: str, questions: int) -> tuple[str, End]:
    return follow(_here[0], patient, order, questions)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evals.simulate", description=__doc__)
    parser.add_argument("--patients", type=int, default=500)
    parser.add_argument("--questions", type=int, default=60, help="asked of each at most")
    parser.add_argument("--noise", type=float, default=0.1, help="share of answers turned round")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument(
        "--order", action="append", choices=list(ORDERS), help="only this one, or these; all"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, help="write the curves here as JSON")
    options = parser.parse_args(arguments)
    world = World(load_entries(), load_vocabulary(), noise=options.noise)
    patients = world.draw(options.patients, options.seed)
    with ExitStack() as stack:
        pool: Executor | None = None
        if options.processes > 1:
            pool = stack.enter_context(
                ProcessPoolExecutor(
                    options.processes, get_context("spawn"), open_world, (options.noise,)
                )
            )
        curves = [
            simulate(world, patients, order, options.questions, pool)
            for order in options.order or ORDERS
        ]
    console = Console()
    console.print(
        f"{len(world.entries)} entries, {len(patients)} patients, noise {options.noise:.0%}, "
        f"{options.questions} questions, seed {options.seed}"
    )
    console.print(table(curves))
    if options.out:
        options.out.write_text(json.dumps([asdict(c) for c in curves], indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
