"""Where the misses of a run come from, counted: `evals misses RUN`.

Of the cases that the arm missed at top-1, and at top-10: no entry of the knowledge base bears the
diagnosis; an entry does, but none of the findings that it lists was read from the case; findings
were read, and the entry stands low. The place is that of the first entry that bears the diagnosis,
when all entries are ranked once more by the findings of the run. Counts only: the cases and their
diagnoses are never named, so that nobody writes entries for them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from rich.console import Console
from rich.table import Table

from agent.knowledge_base import open_knowledge
from agent.settings import build_settings
from evals.matching.levels import Level
from evals.retrieval import bearers, first_of, index_names
from evals.running.ledger import Line, latest_lines
from evals.statistics.metrics import proportion
from knowledge.search.retrieve import KnowledgeBase
from knowledge.yaml_source import KnowledgeError
from tools.errors import UserError
from tools.findings import Finding
from tools.text_findings import findings_from_text
from tools.weigh import weigh

Cause = Literal["no answer", "no entry", "no finding of it read", "findings read"]
CAUSES: tuple[Cause, ...] = get_args(Cause)
PLACES = ("1", "2-10", "11-50", "51+")
TOPS = (1, 10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """One missed case, without its name.

    Attributes:
        place: Of the first entry that bears the diagnosis, among all; None where none does, or
            nothing was answered.
        is_near: Whether what was looked at of the list holds a direct parent or a component.
    """

    cause: Cause
    place: int | None
    is_near: bool


def trace(lines: Sequence[Line], knowledge: KnowledgeBase, top: int) -> list[Missed]:
    """Where each miss comes from.

    Args:
        lines: Of one arm in one view.
        knowledge: What the run knew.
        top: A case is missed when no item up to this rank is right by the curated truth.
    """
    names = index_names(list(knowledge.entries.values()), lambda e: (e.name, *e.synonyms))
    missed = [line for line in lines if (rank := line.rank()) is None or rank > top]
    return [_trace(line, bearers(line.truth, names), knowledge, top) for line in missed]


def _trace(line: Line, gold: set[str], knowledge: KnowledgeBase, top: int) -> Missed:
    levels = line.scores["curated"].levels[:top]
    cause: Cause
    place = None
    if line.status != "OK":
        cause, levels = "no answer", ()
    elif not gold:
        cause = "no entry"
    else:
        findings = _findings(line, knowledge)
        cause = "findings read" if _is_read(findings, gold, knowledge) else "no finding of it read"
        ranking = weigh(findings, knowledge, line.input.model_dump(mode="json"))
        place = first_of(ranking.ranked.ids, gold)
    return Missed(
        cause=cause, place=place, is_near=any(level in (Level.L3, Level.L4) for level in levels)
    )


def _findings(line: Line, knowledge: KnowledgeBase) -> Sequence[Finding]:
    """Those of the run; of an arm that reports none, those that stand in its input."""
    if line.report is not None:
        return line.report.findings
    read = partial(
        findings_from_text, normaliser=knowledge.normaliser, vocabulary=knowledge.vocabulary
    )
    found = [*read(line.input.findings_text, "report"), *read(line.input.history, "person")]
    return [f.model_copy(update={"id": f"F{n}"}) for n, f in enumerate(found, start=1)]


def _is_read(findings: Sequence[Finding], gold: Collection[str], knowledge: KnowledgeBase) -> bool:
    """Whether a present finding, or a broader term of one, is what such an entry lists."""
    listed = {f.term for entry in gold for f in knowledge.entries[entry].findings}
    present = {f.term for f in findings if f.present and f.term in knowledge.vocabulary}
    broader = {above for term in present for above in knowledge.vocabulary.ancestors(term)}
    return not listed.isdisjoint(present | broader)


def place_of(rank: int | None) -> str:
    """The range of PLACES that a rank is in; "" for none."""
    if rank is None:
        return ""
    return PLACES[0 if rank == 1 else 1 if rank <= 10 else 2 if rank <= 50 else 3]


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code: 0, or 2 for what the person can mend."""
    parser = argparse.ArgumentParser(
        prog="evals misses", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("run", type=Path, metavar="RUN", help="the --out folder of a run")
    parser.add_argument("--arm", default="offline", help="default: %(default)s")
    parser.add_argument("--view", help="needed where the run has several")
    parser.add_argument("--seed", type=int, help="needed where the run has several")
    options = parser.parse_args(argv)
    try:
        lines = _chosen(options)
        knowledge = open_knowledge(build_settings())
        _refuse_another(lines, knowledge)
        missed = {top: trace(lines, knowledge, top) for top in TOPS}
    except (UserError, KnowledgeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    _print(Console(), lines, missed)
    return 0


def _chosen(options: argparse.Namespace) -> list[Line]:
    results = options.run / "results.jsonl"
    lines = [
        line
        for line in latest_lines(results).values()
        if line.arm == options.arm
        and options.view in (None, line.view)
        and options.seed in (None, line.seed)
    ]
    groups = sorted({(line.view, line.seed, line.config) for line in lines})
    if len(groups) != 1:
        held = ", ".join(f"view {v} seed {s} settings {c}" for v, s, c in groups) or "nothing"
        raise UserError(
            f"{results} holds {held} of arm {options.arm}: choose one by --arm, --view and --seed, "
            "and give runs with other settings an --out of their own"
        )
    return lines


def _refuse_another(lines: Sequence[Line], knowledge: KnowledgeBase) -> None:
    """A ranking by other entries would tell nothing of this run."""
    now = knowledge.versions()["knowledge"]
    other = {line.versions["knowledge"] for line in lines if "knowledge" in line.versions} - {now}
    if other:
        raise UserError(
            f"the run knew {', '.join(sorted(other))}, and this is {now}: run it again first"
        )


def _print(console: Console, lines: Sequence[Line], missed: Mapping[int, Sequence[Missed]]) -> None:
    say = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    first, n = lines[0], len(lines)
    say(f"arm {first.arm}, view {first.view}, seed {first.seed}, n {n}; curated, L0 to L2")
    shown = Table("where it comes from", *(f"missed at top-{top}" for top in TOPS))
    counts = {top: Counter((m.cause, place_of(m.place)) for m in of) for top, of in missed.items()}
    for cause in CAUSES:
        of_cause = [sum(m.cause == cause for m in missed[top]) for top in TOPS]
        shown.add_row(cause, *map(str, of_cause))
        for place in PLACES:
            of_place = [counts[top][cause, place] for top in TOPS]
            if any(of_place):
                shown.add_row(f"  entry at {place}", *map(str, of_place))
    shown.add_section()
    shown.add_row("all", *(str(proportion(len(missed[top]), n)) for top in TOPS))
    near = [str(sum(m.is_near for m in missed[top])) for top in TOPS]
    shown.add_row("parent or component listed", *near)
    console.print(shown)
    say(
        "No finding of it read: none that is present, nor a broader term of one, is listed by an "
        "entry that bears the diagnosis; its words alone may still have placed it."
    )
    say(
        "The place is the entry's among all, ranked once more by the run's findings. At 1, or at "
        "2-10 and missed at top-10: the list joined it to a kind or whole of it, named it in words "
        "that the curated truth does not have, or left it out."
    )


if __name__ == "__main__":
    sys.exit(main())
