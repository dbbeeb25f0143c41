from __future__ import annotations

from collections.abc import Callable

import pytest

from knowledge.search.retrieve import KnowledgeBase
from tools.diseases import disease_finder


@pytest.fixture(scope="module")
def is_disease(shipped: KnowledgeBase) -> Callable[[str], bool]:
    """Over the corpus that ships with the package."""
    return disease_finder(shipped)


@pytest.mark.parametrize(
    "words",
    [
        "Lymphangioleiomyomatosis",
        "findings typical of pulmonary alveolar proteinosis",
        "sarcoidosis, stage II",
        "pulmonary-embolism",
    ],
)
def test_a_disease_of_the_corpus_is_found_in_any_wording(
    words: str, is_disease: Callable[[str], bool]
) -> None:
    assert is_disease(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "pacemaker",
        "surgical clips in the left axilla",
        # An entry by this name exists, and the vocabulary has it as what is seen.
        "centrilobular emphysema",
    ],
)
def test_a_finding_is_no_disease(words: str, is_disease: Callable[[str], bool]) -> None:
    assert not is_disease(words)
