"""How fast the knowledge base answers, opens and builds: `python -m benchmarks.knowledge`.

The shipped corpus, the default model. First use, rebuild, edit and open: in a fresh process with a
cache of its own, reading the corpus included. The search: warm in this one, beside a brute-force
search in numpy over the same vectors with the same query encoding. Exit code 1 when a figure is
over its limit. The full rebuild takes minutes: `--quick` leaves it out.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from knowledge.entry import Entry
from knowledge.index.vectors import embed_and_keep
from knowledge.ranking.evidence import Observation, Ranking
from knowledge.ranking.questions import Questions
from knowledge.ranking.scope import scope_of
from knowledge.search.retrieve import KnowledgeBase
from knowledge.vocabulary import Vocabulary

Asked = TypeVar("Asked")
_QUERIES = 200
_FRESH = """
import shutil, sys, time
from pathlib import Path
import knowledge.index.vectors
from knowledge.index.compiled import load_compiled
from knowledge.search.retrieve import KnowledgeBase
what, cache = sys.argv[1], Path(sys.argv[2])
if what == "rebuild":
    knowledge.index.vectors.load_vectors.__defaults__ = (cache / "none.npz",)
if what == "edit":  # a file of a copy of the corpus, for the shipped one stays as it is
    copy = cache / "knowledge"
    shutil.copytree(Path(knowledge.__file__).parent, copy)
    load_compiled(copy, copy)
    source = copy / "corpus/thorax/lymphangioleiomyomatosis.yaml"
    source.write_text(source.read_text("utf-8").replace("summary: >-", "summary: >-\\n  An edit."))
started = time.perf_counter()
if what == "edit":
    made = load_compiled(copy, copy)
    base = KnowledgeBase(cache, entries=made.entries, vocabulary=made.vocabulary)
else:
    base = KnowledgeBase(cache)
if what in ("edit", "open"):
    base.store
else:
    base.search("thin-walled cysts in both lungs")
print(time.perf_counter() - started)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One figure and what it may be at the most; no limit: told for comparison."""

    what: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether it misses its limit."""
        return self.limit is not None and self.value > self.limit

    def __str__(self) -> str:
        limit = "" if self.limit is None else f"limit {self.limit:g} {self.unit}"
        return f"{self.what:44} {self.value:9.2f} {self.unit:2}  {limit:14} " + (
            "OVER" if self.is_over else ""
        )


def main() -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.knowledge", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the full rebuild")
    quick = parser.parse_args().quick
    lines: list[Line] = []

    def told(line: Line) -> None:
        print(line, flush=True)
        lines.append(line)

    with tempfile.TemporaryDirectory(prefix="hoofbeat-benchmark-") as folder:
        cache = Path(folder) / "cache"
        told(_fresh("first use: process to first answer", "first", cache, 20))
        told(_fresh("the same with the index built", "first", cache, None))
        told(_fresh("open a built index", "open", cache, 1.5))
        edited = Path(folder) / "edited"
        shutil.copytree(cache, edited)
        told(_fresh("one edited entry", "edit", edited, 5))
        for line in (*_search(cache), *_rank(cache)):
            told(line)
        if not quick:
            bare = Path(folder) / "bare"
            shutil.copytree(cache / "encoders", bare / "encoders")
            told(_fresh("full rebuild without shipped vectors", "rebuild", bare, 180))
    return int(any(line.is_over for line in lines))


def _fresh(what: str, mode: str, cache: Path, limit: float | None) -> Line:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _FRESH, mode, str(cache)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    if mode != "first":
        seconds = float(done.stdout)
    return Line(what=what, value=seconds, unit="s", limit=limit)


def _search(cache: Path) -> list[Line]:
    base = KnowledgeBase(cache)
    queries = _queries(base.entries.values(), base.vocabulary)
    base.search("warm")
    hybrid = _times(queries, lambda query: base.search(query))
    narrow = _times(queries, lambda query: base.search(query, modality="CT", rarity="rare"))
    rows = embed_and_keep([c.text for c in base.store.chunks], base.encoder, cache / "vectors")

    def brute(query: str) -> None:
        vector = base.encoder.encode_query(query)
        np.argsort(-(rows @ vector))[:8]

    plain = _times(queries, brute)
    encoding = _times(queries, lambda query: base.encoder.encode_query(query))
    passages = f"of {len(rows)} passages"
    return [
        Line(what=f"search {passages}, p50", value=_at(hybrid, 50), unit="ms", limit=15),
        Line(what=f"search {passages}, p95", value=_at(hybrid, 95), unit="ms", limit=40),
        Line(what="with two filters, p50", value=_at(narrow, 50), unit="ms"),
        Line(what="with two filters, p95", value=_at(narrow, 95), unit="ms"),
        Line(what="encoding of the query alone, p50", value=_at(encoding, 50), unit="ms"),
        Line(what="brute force in numpy, p50", value=_at(plain, 50), unit="ms"),
        Line(what="search to brute force, p50", value=_at(hybrid, 50) / _at(plain, 50), unit="x"),
        Line(what="search to brute force, p95", value=_at(hybrid, 95) / _at(plain, 95), unit="x"),
    ]


def _rank(cache: Path) -> list[Line]:
    """Ten findings, half of them absent, with words, age and scope: ranked; then a question."""
    base = KnowledgeBase(cache)
    pick = random.Random(5)
    terms = list(base.vocabulary.terms.values())
    cases = [
        [
            Observation(
                id=f"F{at}", term=term.id, present=at < 5, certainty=1.0, source="report",
                modality=term.modality[0],
            )
            for at, term in enumerate(pick.sample(terms, 10))
        ]
        for _ in range(_QUERIES)
    ]  # fmt: skip
    text = "Thin-walled cysts in both lungs of a young woman with recurrent pneumothorax."
    scope = scope_of(["thorax"], ["CT"])
    questions = Questions(base.entries, base.vocabulary)
    trust = partial(base.trust.of, "vision")

    def posterior(case: list[Observation]) -> Ranking:
        return base.ranker.rank(case, text=text, age_years=35, sex="female", scope=scope)

    def rank(case: list[Observation]) -> object:
        return posterior(case).ranked[:10]

    shares = [posterior(case).probabilities for case in cases]
    said = [{o.term: o.present for o in case} for case in cases]

    def question(at: int) -> object:
        return questions.best(
            shares[at], trust=trust, modalities=["CT"], regions=["chest"], answered=said[at]
        )

    rank(cases[0]), question(0)
    ranked, scored = _times(cases, rank), _times(cases, posterior)
    asked = _times(range(_QUERIES), question)
    entries = f"{len(base.entries)} entries, 10 findings"
    return [
        Line(what=f"rank, the first ten told, {entries}, p50", value=_at(ranked, 50), unit="ms"),
        Line(what=f"rank, the first ten told, {entries}, p95", value=_at(ranked, 95), unit="ms"),
        Line(what="posterior alone, p50", value=_at(scored, 50), unit="ms"),
        Line(what="next question, p50", value=_at(asked, 50), unit="ms"),
    ]


def _queries(entries: Iterable[Entry], vocabulary: Vocabulary) -> list[str]:
    """Two to four findings of an entry in one of their wordings, and one of its clinical terms."""
    pick = random.Random(5)
    made = []
    for entry in pick.sample(list(entries), _QUERIES):
        terms = [vocabulary[f.term] for f in entry.findings if f.term in vocabulary]
        chosen = pick.sample(terms, min(len(terms), pick.randint(2, 4)))
        words = [pick.choice((term.name, *term.synonyms)) for term in chosen]
        made.append(", ".join([*words, *entry.clinical_terms[:1]]))
    return made


def _times(queries: Iterable[Asked], ask: Callable[[Asked], object]) -> list[float]:
    taken = []
    for query in queries:
        started = time.perf_counter()
        ask(query)
        taken.append(1000 * (time.perf_counter() - started))
    return taken


def _at(times: list[float], percentile: int) -> float:
    return float(np.percentile(times, percentile))


if __name__ == "__main__":
    sys.exit(main())
