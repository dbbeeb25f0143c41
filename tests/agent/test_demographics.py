"""Age and sex from a request in words."""

from __future__ import annotations

import pytest

from agent.demographics import read_age, read_sex


@pytest.mark.parametrize(
    ("text", "age", "sex"),
    [
        ("38-year-old man, dry cough", 38, "male"),
        ("56M with dyspnea", 56, "male"),
        ("56 yo F, cough", 56, "female"),
        ("Woman aged 40", 40, "female"),
        ("A 97 year old lady", 90, "female"),
        ("8-month-old boy", 8 / 12, "male"),
        ("His 70-year-old father smoked", None, None),
        ("5 year old scar in a 40-year-old woman", 40, "female"),
        ("Cough for 3 years", None, None),
        ("Nodule of 12 mm at T4", None, None),
        ("25 year old, 30 year old", None, None),
        ("She is well; her brother died", None, "female"),
        ("Adult with cough", None, None),
    ],
)
def test_age_and_sex_are_read_when_they_are_the_patients(
    text: str, age: float | None, sex: str | None
) -> None:
    assert read_age(text) == (None if age is None else pytest.approx(age))
    assert read_sex(text) == sex
