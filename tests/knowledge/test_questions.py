"""The next question, worked by hand on a small knowledge base."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pytest

from knowledge.entry import Entry
from knowledge.ranking.questions import Question, Questions
from knowledge.ranking.trust import Trust
from knowledge.vocabulary import Vocabulary

_SURE = Trust(1.0, 1.0)
_THIRDS = np.array([0.3, 0.3, 0.3])


@pytest.fixture
def questions(small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary) -> Questions:
    return Questions(small_entries, small_vocabulary)


def _entropy(p: float) -> float:
    return -sum(x * math.log2(x) for x in (p, 1 - p) if x > 0)


def _terms(found: list[Question]) -> list[str]:
    return [q.term.id for q in found]


@pytest.mark.parametrize("trust", [_SURE, Trust(0.61, 0.7)])
def test_the_gain_is_the_mutual_information_of_the_formula(
    questions: Questions, trust: Trust
) -> None:
    (asked,) = (q for q in questions.best(_THIRDS, trust=trust) if q.term.id == "crazy-paving")
    says_yes = [
        trust.sensitivity * p + (1 - trust.specificity) * (1 - p) for p in (0.01, 0.9, 0.01)
    ]
    shares = [1 / 3, 1 / 3, 1 / 3]
    yes = sum(s * p for s, p in zip(shares, says_yes, strict=True))
    kept = sum(s * _entropy(p) for s, p in zip(shares, says_yes, strict=True))
    assert asked.p_yes == pytest.approx(yes)
    assert asked.gain == pytest.approx(_entropy(yes) - kept)
    assert list(asked.splits) == ["cyst-disease", "paving-disease", "fluid-disease"]
    assert asked.splits["paving-disease"] == pytest.approx(says_yes[1])


def test_what_separates_the_leading_candidates_comes_first(questions: Questions) -> None:
    two = questions.best(np.array([0.5, 0.45, 0.0]), trust=_SURE)
    assert _terms(two)[0] in ("thin-walled-cysts", "crazy-paving")
    assert "pleural-effusion" not in _terms(two)[:2]
    assert [q.gain for q in two] == sorted((q.gain for q in two), reverse=True)


def test_nothing_is_worth_asking_when_one_disease_is_certain(questions: Questions) -> None:
    gains = [q.gain for q in questions.best(np.array([1.0, 0.0, 0.0]), trust=_SURE)]
    assert all(gain < 1e-9 for gain in gains)


def test_a_source_that_guesses_gains_nothing(questions: Questions) -> None:
    assert all(q.gain < 1e-9 for q in questions.best(_THIRDS, trust=Trust(0.5, 0.5)))
    sure, weak = (questions.best(_THIRDS, trust=t)[0].gain for t in (_SURE, Trust(0.61, 0.61)))
    assert weak < 0.2 * sure


def test_what_is_settled_is_not_asked_again(questions: Questions) -> None:
    def left(answered: Mapping[str, bool]) -> set[str]:
        return set(_terms(questions.best(_THIRDS, trust=_SURE, answered=answered, count=9)))

    everything = left({})
    assert {"lung-cysts", "thin-walled-cysts", "crazy-paving"} <= everything
    assert everything - left({"crazy-paving": True}) == {"crazy-paving"}
    # A present finding settles the broader one, an absent one the narrower ones, not the reverse.
    assert everything - left({"thin-walled-cysts": True}) == {"thin-walled-cysts", "lung-cysts"}
    assert everything - left({"lung-cysts": False}) == {"thin-walled-cysts", "lung-cysts"}
    assert everything - left({"lung-cysts": True}) == {"lung-cysts"}


def test_a_modality_in_which_nothing_is_listed_gives_no_question(questions: Questions) -> None:
    assert questions.best(_THIRDS, trust=_SURE, modalities=["MR"]) == []
    assert questions.best(_THIRDS, trust=_SURE, modalities=["CT", "MR"])[0].modality == "CT"


def test_the_gain_never_exceeds_what_there_is_to_know(questions: Questions) -> None:
    for shares in itertools.product((0.05, 0.3, 0.6), repeat=3):
        total = sum(shares) / 0.9  # the rest is of no entry
        found = questions.best(np.array(shares) / total, trust=_SURE, count=9)
        whole = -sum(s / sum(shares) * math.log2(s / sum(shares)) for s in shares)
        assert all(0 < q.gain <= min(1.0, whole) for q in found)
