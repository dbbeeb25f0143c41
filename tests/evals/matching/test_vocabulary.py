from __future__ import annotations

from collections import defaultdict

from evals.matching.names import words
from evals.matching.vocabulary import disease_names, joined, load_vocabulary, tables


def test_no_name_of_a_disease_stands_for_two() -> None:
    vocabulary = load_vocabulary()
    meant: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for names in disease_names():
        for name in names:
            tokens = vocabulary.second.put(vocabulary.first.put(joined(words(name))))
            meant[tokens].add(names[0])
    assert {tokens: names for tokens, names in meant.items() if len(names) > 1} == {}


def test_no_word_or_abbreviation_stands_for_two_things() -> None:
    for table in tables():
        meant: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for name, variants in table.items():
            for variant in variants:
                meant[joined(words(variant))].add(name)
        assert {said: names for said, names in meant.items() if len(names) > 1} == {}


def test_what_a_word_becomes_stays_as_it_is() -> None:
    vocabulary = load_vocabulary()
    for table in tables()[:2]:
        for name in table:
            once = vocabulary.first.put(joined(words(name)))
            assert once == joined(words(name)), name


def test_names_of_one_disease_become_one_token() -> None:
    vocabulary = load_vocabulary()
    for names in disease_names():
        assert len({vocabulary.tokens(name) for name in names}) == 1, names


def test_an_abbreviation_that_is_a_word_counts_only_alone() -> None:
    vocabulary = load_vocabulary()
    assert vocabulary.tokens("LIP") == vocabulary.tokens("lymphoid interstitial pneumonia")
    assert "lip" in vocabulary.tokens("Carcinoma of the lip")
