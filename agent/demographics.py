"""Age and sex as a request states them, when no header or argument does."""

from __future__ import annotations

import re
from typing import Literal

_RELATIVE = r"(?:father|mother|brother|sister|son|daughter|husband|wife|uncle|aunt|parent|cousin)"
_PERSON = (
    r"(?:woman|man|male|female|girl|boy|lady|gentleman|patient|infant|baby|child|adolescent|"
    r"teenager|neonate|newborn|smoker)"
)
_UNIT = r"(?:years?|yrs?|yo|y/?o|months?|mos?|weeks?|wks?|days?)"
_AGE = re.compile(
    rf"\b(?P<number>\d{{1,3}})[\s-]*(?P<unit>{_UNIT})\b[\s-]*(?:old|of age)?"
    r"(?=(?P<after>[^.;\n]{0,40}))"
    r"|\b(?P<short>\d{1,3})[\s-]?(?P<letter>[MF])\b"
    r"|\baged?:?\s+(?P<aged>\d{1,3})\b",
    re.IGNORECASE,
)
_OLD = re.compile(r"\b(?:old|yo|y/?o|of age)\b", re.IGNORECASE)
_NEXT_RELATIVE = re.compile(rf"\W*(?:\w+\W+){{0,2}}{_RELATIVE}\b", re.IGNORECASE)
_NEXT_PERSON = re.compile(rf"\W*(?:\w+\W+){{0,3}}{_PERSON}\b", re.IGNORECASE)
_FEMALE = re.compile(r"\b(?:woman|female|girl|lady|she)\b", re.IGNORECASE)
_MALE = re.compile(r"\b(?:man|male|boy|gentleman|he)\b", re.IGNORECASE)
_SHORT_SEX = re.compile(r"\b\d{1,3}[\s-]*(?:yo|y/?o|years?[\s-]*old)?[\s-]*([MF])\b")
_KIN_CLAUSE = re.compile(rf"\b{_RELATIVE}\b[^.;,\n]*", re.IGNORECASE)
_YEARS = {"m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25, "y": 1.0}
_POOLED = 90.0


def read_age(text: str) -> float | None:
    """Age in years, 90 and over as 90; None when none or more than one is stated.

    An age that stands before a person ("5 year old scar in a 40-year-old woman") is taken over
    others; a relative's is not taken.
    """
    of_person: set[float] = set()
    bare: set[float] = set()
    for match in _AGE.finditer(text):
        after = match["after"] or ""
        if _NEXT_RELATIVE.match(after):
            continue
        if match["number"]:
            whole = match.group(0)
            unit = match["unit"].lower()
            years = int(match["number"]) * (1.0 if unit.startswith("y") else _YEARS[unit[0]])
            if _NEXT_PERSON.match(after) or re.match(r"\s*[MF]\b", after):
                of_person.add(years)
            elif _OLD.search(whole):
                bare.add(years)
        elif match["short"]:
            if match["letter"].isupper():
                of_person.add(float(match["short"]))
        else:
            bare.add(float(match["aged"]))
    stated = of_person or bare
    if len(stated) != 1:
        return None
    (age,) = stated
    return min(age, _POOLED) if age <= 130 else None


def read_sex(text: str) -> Literal["female", "male"] | None:
    """The patient's sex; None when it is not stated, or both words stand there."""
    own = _KIN_CLAUSE.sub(" ", text)
    letters = {letter.upper() for letter in _SHORT_SEX.findall(own)}
    female = bool(_FEMALE.search(own)) or "F" in letters
    male = bool(_MALE.search(own)) or "M" in letters
    return None if female == male else ("female" if female else "male")
