"""Between entries, and from an entry to the vocabulary: names, codes, mimics, terms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from knowledge.checks.problem import Corpus, Problem
from knowledge.entry import Entry
from knowledge.words import forms

FREQUENT = 0.5  # two findings from here on are in one patient more often than not
LEAST_MUTUAL_SHARE = 0.8


def check_names(corpus: Corpus) -> Iterator[Problem]:
    """A name stands on one entry, or is ambiguous on each entry that bears it."""
    exact: dict[tuple[str, ...], set[str]] = defaultdict(set)
    shared: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for entry in corpus.entries.values():
        for name in (entry.name, *entry.synonyms):
            exact[forms(name)].add(entry.id)
        for name in entry.ambiguous:
            shared[forms(name)].add(entry.id)
    for words, ids in exact.items():
        if len(ids) > 1 or words in shared:
            owners = sorted(ids | shared.get(words, set()))
            yield corpus.problem(
                "fault", tuple(owners), "synonyms",
                f"{' '.join(words)!r} names {' and '.join(owners)}: keep it on one, or list it as "
                "ambiguous on each",
            )  # fmt: skip
    for words, ids in shared.items():
        if len(ids) == 1 and words not in exact:
            yield corpus.problem(
                "fault", tuple(ids), "ambiguous",
                f"{' '.join(words)!r} stands on no other entry: make it a synonym",
            )  # fmt: skip
    for entry in corpus.entries.values():
        for name in entry.narrower:
            if entry.id in exact.get(forms(name), ()):
                yield corpus.problem(
                    "fault", (entry.id,), "narrower",
                    f"{name!r} is an exact name of this entry too: keep one of the two",
                )  # fmt: skip


def check_code_owners(corpus: Corpus) -> Iterator[Problem]:
    """A code stands on one entry."""
    owners: dict[str, list[str]] = defaultdict(list)
    for entry in corpus.entries.values():
        for code in filter(None, (entry.codes.orpha, entry.codes.mondo, *entry.codes.omim)):
            owners[code].append(entry.id)
    for code, ids in owners.items():
        if len(ids) > 1:
            yield corpus.problem(
                "fault", tuple(ids), "codes",
                f"{code} stands on {' and '.join(ids)}: keep it on the one that it names",
            )  # fmt: skip


def check_place(corpus: Corpus) -> Iterator[Problem]:
    """A file stands in the folder of its system, where folders are named by systems."""
    folders = {system_folder(entry.system) for entry in corpus.entries.values()}
    for entry in corpus.entries.values():
        folder = corpus.files[entry.id].parent.name
        if folder in folders and folder != system_folder(entry.system):
            yield corpus.problem(
                "fault", (entry.id,), "system",
                f"is {entry.system!r}, whose folder is {system_folder(entry.system)}: move the "
                "file or mend the system",
            )  # fmt: skip


def system_folder(system: str) -> str:
    """The folder of a system: "head and neck" is kept in head_neck."""
    return system.replace(" and ", " ").replace(" ", "_")


def check_mimics(corpus: Corpus) -> Iterator[Problem]:
    """Every mimic exists once and is another entry; a one-way link is a note."""
    for entry in corpus.entries.values():
        named = [mimic.id for mimic in entry.mimics]
        for index, mimic in enumerate(named):
            key = f"mimics.{index}"
            if mimic == entry.id:
                yield corpus.problem("fault", (entry.id,), key, "names the entry itself")
            elif mimic in named[:index]:
                yield corpus.problem("fault", (entry.id,), key, f"{mimic!r} is listed twice")
            elif mimic in corpus.broken:
                continue
            elif mimic not in corpus.entries:
                yield corpus.problem(
                    "fault", (entry.id,), key,
                    f"{mimic!r} has no entry: mend the id, or write that entry first",
                )  # fmt: skip
            elif all(back.id != entry.id for back in corpus.entries[mimic].mimics):
                yield corpus.problem("note", (entry.id,), key, f"{mimic!r} does not name it back")


def mutual_share(corpus: Corpus) -> float:
    """The share of mimic links that go both ways; 1 when there are none."""
    links = {(entry.id, mimic.id) for entry in corpus.entries.values() for mimic in entry.mimics}
    return sum((there, here) in links for here, there in links) / len(links) if links else 1.0


def check_findings(corpus: Corpus) -> Iterator[Problem]:
    """Terms exist, once a modality, in a modality of theirs; opposites are not both frequent."""
    for entry in corpus.entries.values():
        seen: set[tuple[str, str]] = set()
        for index, finding in enumerate(entry.findings):
            pair = (finding.term, finding.modality)
            text = ""
            if finding.term not in corpus.vocabulary:
                text = f"{finding.term!r} is not in the vocabulary: take a term of knowledge/terms"
            elif pair in seen:
                text = f"{finding.term!r} is listed twice for {finding.modality}: keep one"
            elif finding.modality not in (known := corpus.vocabulary[finding.term].modality):
                text = f"{finding.term!r} is seen on {', '.join(known)}, not on {finding.modality}"
            if text:
                yield corpus.problem("fault", (entry.id,), f"findings.{index}", text)
            seen.add(pair)
        yield from _opposites(entry, corpus)
        youngest, oldest = entry.demographics.age_years
        if not 0 <= youngest <= oldest <= 120:
            yield corpus.problem(
                "fault", (entry.id,), "demographics.age_years",
                f"is [{youngest:g}, {oldest:g}]: youngest first, in years, from 0 to 120",
            )  # fmt: skip


def _opposites(entry: Entry, corpus: Corpus) -> Iterator[Problem]:
    frequent = [
        finding
        for finding in entry.findings
        if finding.frequency >= FREQUENT and finding.term in corpus.vocabulary
    ]
    for one, other in combinations(frequent, 2):
        terms = corpus.vocabulary
        if one.modality == other.modality and (
            other.term in terms[one.term].opposite or one.term in terms[other.term].opposite
        ):
            yield corpus.problem(
                "flag", (entry.id,), "findings",
                f"{one.term!r} and {other.term!r} cannot hold together and are both frequent on "
                f"{one.modality}: lower one, or tell their places apart in two terms",
            )  # fmt: skip
