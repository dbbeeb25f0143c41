from __future__ import annotations

import pytest

from knowledge.vocabulary import load_vocabulary
from tools.vision.disease_words import says_disease


@pytest.mark.parametrize(
    "words",
    [
        "Tuberculosis",
        "pulmonary_tuberculosis",
        "lung cancer",
        "adenocarcinoma of the left upper lobe",
        "COVID-19 pneumonia",
        "metastases",
        "congestive heart failure",
        "UIP pattern",
        "B-cell lymphoma",
        "silicosis",
        "appendicitis",
    ],
)
def test_a_disease_is_known_without_an_entry(words: str) -> None:
    assert says_disease(words)


@pytest.mark.parametrize(
    "words",
    ["", "surgical clips", "tracheal stenosis", "rib fracture", "hematoma", "bullous disease"],
)
def test_what_is_seen_is_no_disease(words: str) -> None:
    assert not says_disease(words)


def test_no_wording_of_the_vocabulary_is_taken_for_a_disease() -> None:
    wordings = [w for t in load_vocabulary().terms.values() for w in (t.name, *t.synonyms)]
    assert [words for words in wordings if says_disease(words)] == []
