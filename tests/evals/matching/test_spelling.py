from __future__ import annotations

import pytest

from evals.matching.levels import Level, judge
from evals.matching.spelling import is_slip, mended
from evals.truth import Truth

LEXICON = frozenset({"sarcoidosis", "endometriosis", "endometritis", "pulmonary", "malformation"})


@pytest.mark.parametrize(
    ("one", "is_one"),
    [
        ("malformtion", True),  # left out
        ("malforrmation", True),  # put in
        ("malfurmation", True),  # changed
        ("malfromation", True),  # turned about
        ("malformation", False),
        ("malfrmtion", False),
        ("balformation", False),  # the first letter
    ],
)
def test_one_slip_is_one_letter(one: str, is_one: bool) -> None:
    assert is_slip(one, "malformation") is is_one


def test_only_an_unknown_word_is_mended_into_a_known_one() -> None:
    assert mended("Pulmonary sarcoidoss", ["sarcoidosis"], LEXICON) == "Pulmonary sarcoidosis"
    assert mended("Endometritis", ["Endometriosis"], LEXICON) == "Endometritis"
    assert mended("Pulmonary sarcoidoss", ["lymphoma"], LEXICON) == "Pulmonary sarcoidoss"
    assert mended("sarcoidoss", ["sarcoidosis"], frozenset()) == "sarcoidoss"


def test_a_misspelt_item_is_right_only_with_a_lexicon() -> None:
    assert judge("Sarcoidoss", Truth(primary="sarcoidosis")) is Level.DIFFERENT
    assert judge("Sarcoidoss", Truth(primary="sarcoidosis"), (), LEXICON) is Level.L0
