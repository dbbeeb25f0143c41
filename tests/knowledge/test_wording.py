"""The words of a case against the words of each entry."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from knowledge.entry import Entry
from knowledge.ranking.wording import Wording, affirmed
from knowledge.reading.normalise import Normaliser
from knowledge.vocabulary import Term, Vocabulary, build_vocabulary
from tests.knowledge.conftest import entry

LISTED = {"lung-cysts": 0.5, "honeycombing": 0.5, "pleural-effusion": 0.5}
VESSEL = entry("vessel-disease", LISTED, sites=["curved vein beside the heart"])
STONE = entry("stone-disease", LISTED, sites=["stones of the kidney"])
THIRD = entry("third-disease", LISTED)
ENTRIES = (VESSEL, STONE, THIRD)


def test_an_entry_that_shares_rare_words_leads_and_says_which(
    small_vocabulary: Vocabulary,
) -> None:
    likeness = Wording(ENTRIES, small_vocabulary).likeness("A curved vein of the lung.")
    assert int(np.argmax(likeness.log_weights)) == 0
    assert likeness.best_words(0, 2) == ("curved", "vein")
    assert likeness.best_words(1) == ()


def test_what_another_entry_says_of_a_disease_speaks_for_the_disease(
    small_vocabulary: Vocabulary,
) -> None:
    names_stone = entry(
        "fourth-disease",
        LISTED,
        mimics=[{"id": STONE.id, "difference": "Twinkling behind a bright focus on Doppler."}],
    )
    likeness = Wording((*ENTRIES, names_stone), small_vocabulary).likeness("Twinkling focus.")
    assert int(np.argmax(likeness.log_weights)) == 1
    assert set(likeness.best_words(1)) == {"twinkling", "focus"}
    assert likeness.best_words(3) == ()


def test_a_word_counts_more_in_the_own_text_than_in_what_others_say(
    small_vocabulary: Vocabulary,
) -> None:
    names_third = entry(
        "fourth-disease",
        LISTED,
        mimics=[{"id": THIRD.id, "difference": "A curved vein is not what is to be seen here."}],
    )
    likeness = Wording((*ENTRIES, names_third), small_vocabulary).likeness("curved vein")
    own, others = likeness.log_weights[0], likeness.log_weights[2]
    assert own > others > 0


def test_words_that_no_entry_has_say_nothing(small_vocabulary: Vocabulary) -> None:
    likeness = Wording(ENTRIES, small_vocabulary).likeness("Zzz qqq.")
    assert not likeness.log_weights.any()
    assert likeness.best_words(0) == ()


def test_more_words_add_less_and_less(small_vocabulary: Vocabulary) -> None:
    wording = Wording(ENTRIES, small_vocabulary)
    few, more = (
        wording.likeness(text).log_weights[0] for text in ("curved", "curved vein beside heart")
    )
    assert few < more < 4 * few


def test_what_a_text_denies_and_what_does_not_stand_is_left_out(
    small_vocabulary: Vocabulary, small_entries: Mapping[str, Entry]
) -> None:
    normaliser = Normaliser(small_vocabulary)
    text = "Crazy paving. No pleural effusion. Honeycombing."
    kept = affirmed(text, normaliser, {"honeycombing"})
    assert "Crazy paving" in kept
    assert "effusion" not in kept
    assert "oneycombing" not in kept


def test_a_phrase_that_two_terms_share_is_left_out_once() -> None:
    normaliser = Normaliser(
        build_vocabulary(
            Term.model_validate(
                {"id": f"{organ}-wall-thickening", "name": f"{organ} wall thickening",
                 "modality": ["CT"], "window": "soft tissue", "question": "?", "background": 0.05}
            )
            for organ in ("bronchial", "esophageal")
        )
    )  # fmt: skip
    text = "No bronchial or esophageal wall thickening. Cavities in the apex."
    one, two = normaliser.mentions(text)
    assert two.start < one.end
    assert affirmed(text, normaliser).endswith(". Cavities in the apex.")
