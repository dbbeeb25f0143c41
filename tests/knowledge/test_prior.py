"""What each disease weighs before anything is known of the case."""

from __future__ import annotations

import math

import numpy as np
import pytest

from knowledge.entry import Entry, load_entries
from knowledge.ranking.prior import log_priors
from knowledge.ranking.rank import Ranker
from knowledge.vocabulary import Vocabulary
from tests.knowledge.conftest import entry

LISTED = {"lung-cysts": 0.5, "honeycombing": 0.5, "pleural-effusion": 0.5}


def _naming(entry_id: str, *named: str, rarity: str = "rare") -> Entry:
    return entry(
        entry_id,
        LISTED,
        rarity=rarity,
        mimics=[{"id": one, "difference": "It is told apart by its age."} for one in named],
    )


NAMED_TWICE = _naming("named-twice", "named-once")
NAMED_ONCE = _naming("named-once", "named-twice")
NEVER_NAMED = _naming("never-named", "named-twice", rarity="common")
ENTRIES = (NAMED_TWICE, NAMED_ONCE, NEVER_NAMED)


def test_the_prior_is_rarity_times_one_plus_the_entries_that_name_it() -> None:
    together = np.exp(sum(log_priors(ENTRIES).values()))
    assert together / together[1] == pytest.approx([3 / 2, 1, 2 * 1 / 2])
    assert together.mean() == pytest.approx(1)


def test_each_part_is_told_by_what_it_stands_on() -> None:
    parts = log_priors(ENTRIES)
    assert parts["rarity"][2] - parts["rarity"][0] == pytest.approx(math.log(2))
    assert parts["differentials"][0] - parts["differentials"][2] == pytest.approx(math.log(3))


def test_an_entry_counts_once_for_each_that_names_it_and_never_for_itself() -> None:
    twice = _naming("second", "first", "first")
    itself = _naming("first", "first", "no-such-entry")
    parts = log_priors((itself, twice))
    assert parts["differentials"][0] - parts["differentials"][1] == pytest.approx(math.log(2))


def test_without_findings_the_posterior_is_the_prior_and_says_so(
    small_vocabulary: Vocabulary,
) -> None:
    ranking = Ranker({one.id: one for one in ENTRIES}, small_vocabulary).rank([])
    best = ranking.ranked[0]
    assert best.disease_id == "named-twice"
    assert best.probability == pytest.approx(0.75 * 3 / 7)
    assert "differentials" in {c.source for c in best.contributions}


def test_a_corpus_without_mimics_leaves_rarity_alone() -> None:
    shipped = tuple(load_entries().values())
    alone = tuple(one.model_copy(update={"mimics": ()}) for one in shipped)
    assert np.ptp(log_priors(shipped)["differentials"]) > math.log(10)
    assert np.ptp(log_priors(alone)["differentials"]) == pytest.approx(0)
