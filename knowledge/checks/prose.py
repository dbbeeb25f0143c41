"""The prose of entries: its length, phrases that say nothing, sentences that two entries share."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterator

from knowledge.checks.phrases import empty_phrases
from knowledge.checks.problem import Corpus, Problem
from knowledge.entry import Entry

FEWEST_WORDS, MOST_WORDS = 110, 330  # an entry's prose altogether, mimics included
SHARED_SENTENCE_WORDS = 6  # shorter ones ("It grows slowly.") are shared by chance
SHINGLE_WORDS = 12
_FIELDS = ("presentation", "imaging", "summary", "course", "settles")
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_STATEMENT_END = re.compile(r"(?<=[.!?;])\s+")


def prose_of(entry: Entry) -> dict[str, str]:
    """The prose of an entry by its key."""
    found: dict[str, str] = {field: getattr(entry, field) for field in _FIELDS}
    found |= {f"mimics.{i}.difference": m.difference for i, m in enumerate(entry.mimics)}
    return found


def check_prose(corpus: Corpus) -> Iterator[Problem]:
    """Length, the two sentences of the summary, and phrases that say nothing."""
    for entry in corpus.entries.values():
        parts = prose_of(entry)
        words = sum(len(text.split()) for text in parts.values())
        if not FEWEST_WORDS <= words <= MOST_WORDS:
            yield corpus.problem(
                "fault", (entry.id,), "",
                f"has {words} words of prose; between {FEWEST_WORDS} and {MOST_WORDS} are wanted: "
                + ("say more of what it looks like" if words < FEWEST_WORDS else "shorten it"),
            )  # fmt: skip
        sentences = len(_SENTENCE_END.findall(entry.summary))
        if sentences != 2:
            yield corpus.problem(
                "fault", (entry.id,), "summary",
                f"has {sentences} sentences; two are wanted: what it is, and its signature",
            )  # fmt: skip
        for key, text in parts.items():
            for phrase in empty_phrases(text):
                yield corpus.problem(
                    "flag", (entry.id,), key,
                    f"{phrase!r} says nothing of this disease: say how often, where, how large",
                )  # fmt: skip


def check_templates(corpus: Corpus) -> Iterator[Problem]:
    """Sentences and runs of twelve words that two entries share.

    Two entries that name each other may tell their difference in the same words.
    """
    sentences: dict[tuple[str, ...], dict[str, Hashable]] = defaultdict(dict)
    shingles: dict[tuple[str, ...], dict[str, Hashable]] = defaultdict(dict)
    for entry in corpus.entries.values():
        for key, text in _comparable(entry):
            for statement in _STATEMENT_END.split(text):
                words = tuple(_WORD.findall(statement.casefold()))
                if len(words) >= SHARED_SENTENCE_WORDS:
                    sentences[words].setdefault(entry.id, key)
            words = tuple(_WORD.findall(text.casefold()))
            for start in range(len(words) - SHINGLE_WORDS + 1):
                shingles[words[start : start + SHINGLE_WORDS]].setdefault(entry.id, key)
    reported: set[frozenset[str]] = set()
    for shared, kind in ((sentences, "the sentence"), (shingles, "the words")):
        for words, places in shared.items():
            pair = frozenset(places)
            if len(pair) > 1 and pair not in reported and len(set(places.values())) > 1:
                reported.add(pair)
                yield corpus.problem(
                    "flag", tuple(places), "",
                    f"shares {kind} {' '.join(words)!r} with another entry "
                    f"({', '.join(sorted(pair))}): say what is true of this one alone",
                )  # fmt: skip


def _comparable(entry: Entry) -> Iterator[tuple[Hashable, str]]:
    for field in _FIELDS:
        yield (entry.id, field), getattr(entry, field)
    for mimic in entry.mimics:
        yield frozenset((entry.id, mimic.id)), mimic.difference
