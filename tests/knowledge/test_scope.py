"""What a study can show weighs: its region, its system, its modality."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from knowledge.entry import Entry
from knowledge.ranking.scope import Scope, Visibility, scope_of
from knowledge.vocabulary import Term, build_vocabulary
from tests.knowledge.conftest import entry

TERMS = (
    {"id": "lung-cysts", "name": "lung cysts", "region": ["chest"]},
    {"id": "brain-mass", "name": "brain mass", "region": ["head"], "modality": ["MR"]},
    {"id": "calcification", "name": "calcification"},
)
VOCABULARY = build_vocabulary(
    Term.model_validate(
        {"modality": ["CT"], "window": "lung", "background": 0.1, "question": "Is there?", **t}
    )
    for t in TERMS
)


def _entry(name: str, term: str, modality: str = "CT", **more: Any) -> Entry:
    made = entry(name, dict.fromkeys(("a", "b", "c"), 0.9), **more).model_dump()
    made["findings"] = [f | {"term": term, "modality": modality} for f in made["findings"]]
    return Entry.model_validate(made)


LUNG = _entry("lung-disease", "lung-cysts")
BRAIN = _entry("brain-disease", "brain-mass", "MR", system="neuro")
ANYWHERE = _entry("stone-disease", "calcification", system="genitourinary")


def _weights(scope: Scope) -> np.ndarray[Any, np.dtype[np.float64]]:
    return Visibility((LUNG, BRAIN, ANYWHERE), VOCABULARY).log_weights(scope)


@pytest.mark.parametrize(
    ("words", "main"),
    [
        ("thorax", {"thorax"}),
        ("head", {"neuro"}),
        ("head and neck", {"head and neck"}),
        ("urinary and reproductive system", {"genitourinary"}),
        ("Lumbar spine", {"spine"}),
        ("chest, abdomen and pelvis", {"thorax", "abdomen", "genitourinary"}),
        ("knees", {"musculoskeletal"}),
        ("somewhere", set()),
        ("", set()),
    ],
)
def test_words_of_a_request_name_the_systems_it_is_made_for(words: str, main: set[str]) -> None:
    assert scope_of([words]).main == main


def test_a_system_that_is_asked_for_is_not_also_a_lesser_one() -> None:
    assert not scope_of(["head", "neck"]).also & scope_of(["head", "neck"]).main


def test_a_study_of_the_chest_shows_diseases_of_the_chest() -> None:
    lung, brain, anywhere = _weights(scope_of(["chest"]))
    assert lung > anywhere > brain


def test_what_is_not_seen_in_the_modality_loses() -> None:
    lung, brain, _ = _weights(scope_of([], ["MR"]))
    assert brain > lung


def test_an_unknown_study_moves_nothing() -> None:
    assert not _weights(scope_of(["?"], [""])).any()


def test_a_finding_that_is_no_term_may_lie_anywhere() -> None:
    strange = _entry("strange-disease", "no-such-term")
    weights = Visibility((strange, ANYWHERE), VOCABULARY).log_weights(scope_of(["chest"]))
    assert weights[0] - weights[1] == pytest.approx(2.0)  # of its system alone
