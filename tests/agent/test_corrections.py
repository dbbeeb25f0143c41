"""Corrections in a follow-up: what is taken back, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from agent.corrections import overruled, retracted

_FINDINGS: list[dict[str, Any]] = [
    {"id": "F1", "term": "a", "present": True, "source": "person", "retracted": False},
    {"id": "F2", "term": "b", "present": True, "source": "measurement", "retracted": False},
]


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("F1 is wrong.", ["F1"]),
        ("F1 and F2 are wrong.", ["F1", "F2"]),
        ("Please ignore f2; F1 stands.", ["F2"]),
        ("F1 was an artifact", ["F1"]),
        ("I do not think F1 is wrong.", []),
        ("Is F1 wrong?", []),
        ("F1 isn't wrong. F2 is incorrect.", ["F2"]),
        ("F9 is wrong.", []),
        ("Something is wrong here.", []),
        ("F1 is wrong, but F2 is right.", ["F1"]),
        ("F1 is wrong, not F2", ["F1"]),
        ("Keep F1, drop F2", ["F2"]),
        ("F1 and 2 are wrong", ["F1", "F2"]),
        ("F1, F2 are artefacts", ["F1", "F2"]),
        ("F2 does not exist", ["F2"]),
        ("Finding 2 is wrong", ["F2"]),
        ("what if F1 is wrong", []),
        ("is F1 wrong", []),
    ],
)
def test_findings_are_taken_back_by_their_ids(said: str, ids: list[str]) -> None:
    assert [f["id"] for f in retracted(said, _FINDINGS)] == ids


def test_a_later_word_of_the_person_overrules_words_but_no_measurement() -> None:
    said = [{"term": "a", "present": False}, {"term": "b", "present": False}]
    assert [f["id"] for f in overruled(said, _FINDINGS)] == ["F1"]
    assert overruled([{"term": "a", "present": True}], _FINDINGS) == []
    right = [{"term": "a", "present": False, "side": "right"}]
    assert overruled(right, [{**_FINDINGS[0], "side": "left"}]) == []
