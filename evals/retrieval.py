"""Whether the knowledge base holds the diagnosis and finds it: `python -m evals.retrieval`.

For every scoreable case: whether an entry bears the diagnosis, and at which rank search and the
evidence ranking place it, against words alone and vectors alone in the same run. Counts only: the
cases that miss are never named, so that nobody writes entries for them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast, get_args

from rich.console import Console
from rich.progress import track

from agent.case import Case
from agent.knowledge_base import open_knowledge
from agent.settings import Settings
from evals.data.medpix import load_medpix
from evals.matching.names import keys_of
from evals.running.manifest import git_state
from evals.statistics.metrics import proportion
from evals.truth import Truth
from evals.views.show import View, show
from knowledge.entry import Entry
from knowledge.search.retrieve import KnowledgeBase
from knowledge.yaml_source import KnowledgeError
from tools.errors import UserError
from tools.findings import Finding
from tools.text_findings import findings_from_text
from tools.weigh import weigh

TOPS = (1, 5, 20)
_NO_SOURCES = Path(os.devnull) / "none"  # what a person imported is not what is measured

Method = Callable[[Case], Sequence[str]]  # entry ids, best first


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The ranks of one split.

    Attributes:
        covered: Whether an entry bears the diagnosis, by case; `by_name` by its preferred name
            alone, without the entry's synonyms.
        ranks: By method, the rank of the first entry that bears it; None when it is not found.
    """

    covered: tuple[bool, ...]
    by_name: tuple[bool, ...]
    ranks: Mapping[str, tuple[int | None, ...]]


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code: 0, or 2 for what the person can mend."""
    parser = argparse.ArgumentParser(prog="python -m evals.retrieval", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a MedPix 2.0 folder")
    parser.add_argument("--split", default="train", help="train, dev or all (default: train)")
    parser.add_argument("--view", default="V3", choices=get_args(View))
    parser.add_argument("--truth", type=Path, default=None, help="truth.jsonl (default: DIR's)")
    options = parser.parse_args(argv)
    try:
        cases = load_medpix(options.data, options.split, options.truth).cases
        knowledge = open_knowledge(Settings(sources_dir=_NO_SOURCES))
        shown = [(show(case, cast("View", options.view)), case.truth) for case in cases]
        result = measure(shown, knowledge, methods(knowledge))
    except (UserError, KnowledgeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    _print(Console(), result, knowledge, f"{options.split}, view {options.view}")
    return 0


def methods(knowledge: KnowledgeBase) -> dict[str, Method]:
    """What is compared, by name."""

    def search(case: Case, *using: str) -> list[str]:
        text = " ".join(filter(None, (case.findings_text, case.history)))
        found = knowledge.search(text, limit=TOPS[-1], using=using)
        return [passage.disease_id for passage in found]

    return {
        "words alone (BM25)": lambda case: search(case, "words"),
        "vectors alone": lambda case: search(case, "dense"),
        "hybrid search": search,
        "ranking, no words": lambda case: _ranked(case, knowledge, with_words=False),
        "ranking by evidence": lambda case: _ranked(case, knowledge, with_words=True),
    }


def measure(
    cases: Sequence[tuple[Case, Truth]], knowledge: KnowledgeBase, compared: Mapping[str, Method]
) -> Result:
    """Rank every case with every method.

    Args:
        cases: What an arm would be shown, and the curated answer beside it.
    """
    entries = list(knowledge.entries.values())
    by_all = index_names(entries, lambda e: (e.name, *e.synonyms))
    by_name = index_names(entries, lambda e: (e.name,))
    golds = [bearers(truth, by_all) for _, truth in cases]
    ranks = {
        name: tuple(
            first_of(method(case), gold) if gold else None
            for (case, _), gold in track(
                list(zip(cases, golds, strict=True)), name, console=Console(stderr=True)
            )
        )
        for name, method in compared.items()
    }
    return Result(
        covered=tuple(map(bool, golds)),
        by_name=tuple(bool(bearers(truth, by_name)) for _, truth in cases),
        ranks=ranks,
    )


def _ranked(case: Case, knowledge: KnowledgeBase, *, with_words: bool) -> list[str]:
    read: list[Finding] = [
        *findings_from_text(
            case.findings_text, "report", knowledge.normaliser, knowledge.vocabulary
        ),
        *findings_from_text(case.history, "person", knowledge.normaliser, knowledge.vocabulary),
    ]
    numbered = [f.model_copy(update={"id": f"F{n}"}) for n, f in enumerate(read, start=1)]
    ranking = weigh(numbered, knowledge, case.model_dump(), with_words=with_words)
    return list(ranking.ranked.ids)


def index_names(
    entries: Sequence[Entry], names: Callable[[Entry], Sequence[str]]
) -> Mapping[str, set[str]]:
    """The ids of the entries that bear each key of a name."""
    index: dict[str, set[str]] = {}
    for entry in entries:
        for key in keys_of(names(entry)):
            index.setdefault(key, set()).add(entry.id)
    return index


def bearers(truth: Truth, index: Mapping[str, set[str]]) -> set[str]:
    """The entries that bear the diagnosis or an exact synonym of it."""
    right = keys_of((truth.primary, *truth.synonyms))
    return set().union(*(index.get(key, set()) for key in right))


def first_of(ids: Sequence[str], gold: set[str]) -> int | None:
    """The 1-based rank of the first entry that bears it; None when it is not found."""
    return next((place for place, one in enumerate(ids, start=1) if one in gold), None)


def _print(console: Console, result: Result, knowledge: KnowledgeBase, what: str) -> None:
    say = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    n = len(result.covered)
    commit, is_dirty = git_state()
    say(f"{what}, n {n} | {'DIRTY TREE ' if is_dirty else ''}{commit[:12]}")
    say(f"{knowledge.versions()['knowledge']}")
    say(f"coverage: {proportion(sum(result.covered), n)}")
    say(f"          {proportion(sum(result.by_name), n)} by the entries' own names, no synonyms")
    say(f"{'recall':<22}" + "".join(f"{f'at {k}':<28}" for k in TOPS) + "at 1 of the covered")
    covered = max(1, sum(result.covered))
    for name, ranks in result.ranks.items():
        hits = [sum(rank is not None and rank <= k for rank in ranks) for k in TOPS]
        shares = "".join(f"{proportion(count, n)!s:<28}" for count in hits)
        say(f"{name:<22}{shares}{hits[0] / covered:.1%}")
    say("Every case is in the denominator. Wilson 95 % intervals. Contamination not excluded.")


if __name__ == "__main__":
    sys.exit(main())
