from __future__ import annotations

import numpy as np
import pytest

from evals.probes.inputs import halves
from evals.probes.overlap import against_chance, longest_run, ngram_shares, runs, words


def test_words_are_compared_without_case_and_punctuation() -> None:
    assert words("A 46-year-old man, who (still) smokes.") == [
        "a", "46", "year", "old", "man", "who", "still", "smokes",
    ]  # fmt: skip


def test_the_longest_run_is_of_words_in_a_row() -> None:
    said = words("He has a dry cough and lost ten kilograms")
    assert longest_run(said, words("a dry cough and fever; he has lost ten kilograms")) == 4
    assert longest_run(said, words("nothing of it")) == 0
    assert longest_run([], said) == 0


def test_a_long_text_is_compared_without_the_shortcut_for_popular_words() -> None:
    original = ["pain"] * 300 + ["left"]
    assert longest_run(original, original) == 301


def test_ngrams_are_counted_once_each() -> None:
    # Of "a b c d", the sequences a-b-c and b-c-d; the first was said.
    assert ngram_shares(["x a b c y"], ["a b c d"], 3).tolist() == [[0.5]]
    assert ngram_shares(["", "a b"], ["a b c", "a b"], 3).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_runs_of_every_answer_with_every_original() -> None:
    found = runs(["one two three", ""], ["two three four", "one"])
    assert found.tolist() == [[2.0, 1.0], [0.0, 0.0]]


def test_chance_is_the_mean_over_all_other_cases() -> None:
    shares = np.array([[0.9, 0.1, 0.2], [0.0, 0.6, 0.3], [0.1, 0.2, 0.3]])
    found = against_chance(shares)
    assert found.own == pytest.approx(0.6)
    assert found.chance == pytest.approx(0.15)
    assert found.ratio == pytest.approx(4.0)
    assert found.p == pytest.approx(1 / 6)  # the best of the 3! pairings


def test_p_counts_the_pairings_that_are_as_good() -> None:
    # 1 of 4! pairings gives the identity's mean.
    assert against_chance(np.eye(4)).p == pytest.approx(1 / 24)
    nothing = against_chance(np.zeros((4, 4)))
    assert (nothing.p, nothing.ratio) == (1.0, None)


def test_one_case_has_nothing_to_be_compared_with() -> None:
    with pytest.raises(ValueError, match="at least two cases"):
        against_chance(np.ones((1, 1)))


def test_a_history_is_halved_between_words_from_sixteen_on() -> None:
    told = " ".join(str(n) for n in range(17))
    assert halves(told) == ("0 1 2 3 4 5 6 7", "8 9 10 11 12 13 14 15 16")
    assert halves("only fifteen " * 7 + "words") is None
