"""Free text without the identifiers that radiology requests carry.

It lowers the risk and does not make a text anonymous: first names and surnames alone, and what is
spelled unusually, stay. docs/privacy.md says how many.
"""

from __future__ import annotations

import re

from tools import identifiers, person_names
from tools.bare_names import blank_bare_names

REMOVED = "[removed]"
OLDEST = "aged 90 or older"  # HIPAA pools these ages; the planner reads 90 from the words

PATTERNS = (*identifiers.PATTERNS, *person_names.PATTERNS)
_OLD = r"(?:9\d|1[0-2]\d)"
_OLD_AGES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:\ban?[ \t])?(?<![\w.,/-]){_OLD}[ \t-]{{0,2}}(?:(?:years?|yrs?|y)[ \t-]{{0,2}}"
        r"(?:old|of[ \t]age)|y/?o)\b",
        rf"\bage(?:d|[ \t]of|[ \t]is)?[ \t]?:?[ \t]{{0,3}}{_OLD}"
        r"(?![\w%/-]|[.,]\d|[ \t]or[ \t]older)(?:[ \t](?:years?|yrs?|y)\b)?",
        r"(?<![\w.,/-])9\d[ \t]?(?=[MF][ \t](?:with|presents|presenting|c/o))",
        rf"(?:(?<=\bhe is )|(?<=\bshe is ))(?<![\w.,/-]){_OLD}"
        r"(?=[,;]|[.](?!\d)|[ \t](?:and|now|but)\b|$)",
    )
)
_MOST_PASSES = 4  # what one pattern blanks may be beside what another now finds


def scrub_text(text: str) -> tuple[str, int]:
    """Blank what looks like an identifier in free text.

    Dates but bare years, addresses, places of residence, postcodes, hospitals, telephone numbers,
    e-mail and web addresses, record and accession numbers, runs of six and more digits, and names
    that a title, label, relative, age or two capitals tell become "[removed]"; a label before it
    stays. Ages of 90 and over become "aged 90 or older". Measurements, laboratory values, other
    ages, vertebral levels, stages, years and eponyms stay. Scrubbing twice changes nothing more.

    Returns:
        The text, and how many pieces were blanked.
    """
    removed = 0
    for _ in range(_MOST_PASSES):
        text, count = _scrub_once(text)
        removed += count
        if not count:
            break
    return text, removed


def _scrub_once(text: str) -> tuple[str, int]:
    removed = 0
    for pattern in PATTERNS:
        blank = rf"\g<label>{REMOVED}" if "label" in pattern.groupindex else REMOVED
        text, count = pattern.subn(blank, text)
        removed += count
    text, count = blank_bare_names(text, REMOVED)
    removed += count
    for pattern in _OLD_AGES:
        text, count = pattern.subn(OLDEST, text)
        removed += count
    return text, removed
