"""Which diseases of an imported source are entries of the corpus, and which names they add."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from knowledge.entry import Entry
from knowledge.vocabulary import Vocabulary
from knowledge.words import forms

_AT_ONCE = 500  # parameters of one statement; SQLite's oldest limit is 999
_SCHEMES = ("ORPHA", "MONDO")  # OMIM and ICD codes are often wider or narrower than the disease


@dataclass(frozen=True, kw_only=True, slots=True)
class Join:
    """What a source shares with the corpus.

    Attributes:
        entries: Entry id by the id of the imported disease.
        names: Exact synonyms that the source adds, in folded words, with their entry's id.
        acronyms: The same for single words in capitals, which name a disease only by themselves.
        skipped: Names that were not taken over, by reason.
    """

    entries: Mapping[str, str]
    names: Mapping[tuple[str, ...], str]
    acronyms: Mapping[tuple[str, ...], str]
    skipped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CorpusNames:
    """The corpus as a join sees it: who bears a name, who a code, and which names are taken."""

    owners: Mapping[str, str]
    taken: frozenset[str]
    terms: frozenset[str]
    by_code: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]]


def corpus_names(entries: Mapping[str, Entry], vocabulary: Vocabulary) -> CorpusNames:
    """Index the corpus for joins; a code that two entries bear joins nothing."""
    bearers: dict[str, set[str]] = defaultdict(set)
    codes: dict[str, dict[str, str]] = {}
    for entry in entries.values():
        codes[entry.id] = {
            code.partition(":")[0]: code for code in (entry.codes.orpha, entry.codes.mondo) if code
        }
        for code in codes[entry.id].values():
            bearers[code].add(entry.id)
    return CorpusNames(
        owners={
            _words(name): entry.id
            for entry in entries.values()
            for name in (entry.name, *entry.synonyms)
        },
        taken=frozenset(_words(n) for e in entries.values() for n in (*e.ambiguous, *e.narrower)),
        terms=frozenset(
            _words(n) for t in vocabulary.terms.values() for n in (t.name, *t.synonyms)
        ),
        by_code={code: min(ids) for code, ids in bearers.items() if len(ids) == 1},
        codes=codes,
    )


def join(base: sqlite3.Connection, corpus: CorpusNames) -> Join:
    """Match a source with the corpus: by ORPHA or MONDO code, else by a name that is unique.

    A name counts when it is the source's main one and no code of the two contradicts it: sources
    call "pulmonary siderosis" an exact synonym of siderosis.
    """
    found = _by_code(base, corpus)
    for disease, entry in _by_name(base, corpus, frozenset(found)).items():
        found[disease] = entry
    names: dict[tuple[str, ...], str] = {}
    acronyms: dict[tuple[str, ...], str] = {}
    skipped: Counter[str] = Counter()
    several: set[str] = set()
    rows = _in(base, "SELECT words, disease, is_acronym FROM name WHERE disease IN", sorted(found))
    for words, disease, is_acronym in rows:
        entry, form = found[disease], tuple(words.split())
        if corpus.owners.get(words) == entry:
            continue
        if words in corpus.owners or words in corpus.taken:
            skipped["names another entry, or less than this one"] += 1
        elif words in corpus.terms:
            skipped["is a finding of the vocabulary"] += 1
        elif (acronyms if is_acronym else names).setdefault(form, entry) != entry:
            several.add(words)
            skipped["names several joined diseases"] += 1
    shared = {tuple(words.split()) for words in several}
    return Join(
        entries=found,
        names={n: e for n, e in names.items() if n not in shared},
        acronyms={n: e for n, e in acronyms.items() if n not in shared},
        skipped=dict(skipped),
    )


def _by_code(base: sqlite3.Connection, corpus: CorpusNames) -> dict[str, str]:
    diseases: dict[str, set[str]] = defaultdict(set)
    for code, disease in _in(
        base, "SELECT code, disease FROM code WHERE code IN", sorted(corpus.by_code)
    ):
        diseases[code].add(disease)
    entries: dict[str, set[str]] = defaultdict(set)
    for code, ids in diseases.items():
        if len(ids) == 1:  # a code that two diseases of the source state is exact for neither
            entries[min(ids)].add(corpus.by_code[code])
    return {disease: min(ids) for disease, ids in entries.items() if len(ids) == 1}


def _by_name(
    base: sqlite3.Connection, corpus: CorpusNames, joined: frozenset[str]
) -> dict[str, str]:
    bearers: dict[str, set[str]] = defaultdict(set)
    fits: dict[str, set[str]] = defaultdict(set)
    for words, disease, is_main in _in(
        base, "SELECT words, disease, is_main FROM name WHERE words IN", sorted(corpus.owners)
    ):
        bearers[words].add(disease)
        if is_main:
            fits[disease].add(words)
    candidates = {
        disease: {corpus.owners[w] for w in words if len(bearers[w]) == 1}
        for disease, words in fits.items()
        if disease not in joined
    }
    stated: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for disease, code in _in(
        base, "SELECT disease, code FROM code WHERE disease IN", sorted(candidates)
    ):
        stated[disease][code.partition(":")[0]].add(code)
    return {
        disease: min(ids)
        for disease, ids in candidates.items()
        if len(ids) == 1 and not _contradicted(stated[disease], corpus.codes[min(ids)])
    }


def _contradicted(stated: Mapping[str, set[str]], entry: Mapping[str, str]) -> bool:
    return any(
        scheme in stated and scheme in entry and entry[scheme] not in stated[scheme]
        for scheme in _SCHEMES
    )


def _in(base: sqlite3.Connection, select: str, values: list[str]) -> Iterator[tuple[str, ...]]:
    for at in range(0, len(values), _AT_ONCE):
        some = values[at : at + _AT_ONCE]
        rows: Iterable[tuple[str, ...]] = base.execute(
            f"{select} ({','.join('?' * len(some))})", some
        )
        yield from rows


def _words(name: str) -> str:
    return " ".join(forms(name))
