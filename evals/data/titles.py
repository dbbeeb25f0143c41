"""Truth from a title alone, where nobody curated one: the best that can be had, and it says so.

A title may bear a stage, a remark, a second diagnosis or a whole story after the diagnosis. What
stands before those is taken as the answer, what stands behind as a component. A figure scored on it
undercounts: a title has no synonyms, and it may name a sign instead of a disease.
"""

from __future__ import annotations

import re

from evals.matching.names import keys
from evals.truth import Truth

# Words of a title that say nothing about the disease, so masking them would only blind the reader.
_COMMON_WORDS = frozenset(
    {"a", "an", "the", "of", "in", "on", "at", "to", "and", "or", "with", "without", "from", "by",
     "for", "due", "secondary", "caused", "left", "right", "bilateral", "upper", "lower", "acute",
     "chronic"}
)  # fmt: skip
_LABEL = re.compile(
    r"^(?:(?:final )?diagnosis\s*:|(?:a )?case of\b|\d+[.)]"
    r"|\d+\s*-?\s*(?:y\.?o\.?|years?[ -]old)\s+(?:\w+\s+)?with\b|\s)+",
    re.IGNORECASE,
)
_STAGE = re.compile(
    r"[,;\s-]*\b(?:(?:stage|grade)\s+(?:[IVX]+|\d)(?:\s*-?\s*[A-C])?|p?T\d[a-c]?\s?N\d\s?M[\dx])\b",
    re.IGNORECASE,
)
_NEXT_SENTENCE = re.compile(r"(?<=[a-z)]{2})\.\s*(?=[A-Z(])")
_NEXT_ITEM = re.compile(r"\s*;\s*|\s+\d+[.)]\s*")
_REST = re.compile(
    r"\s+(?:(?:consistent )?with|secondary to|due to|caused by|status post|s/p|"
    r"complicated by|corresponding to|on (?=[A-Z])|as seen on)\s+",
)
_DASH = re.compile(r"\s+-+\s*|\s*-+\s+")
_BRACKETED = re.compile(r"\s*\(([^()]*)\)")
_ALSO = re.compile(r"^(?:a\.?\s?k\.?\s?a\.?|also known as|or|i\.e\.)[\s,:]+", re.IGNORECASE)


def truth_from_title(title: str) -> Truth:
    """The title's first diagnosis is the answer; the title's telling words are masked."""
    words = re.findall(r"[^\W_]+", title)
    telling = [w for w in words if len(w) > 1 and w.casefold() not in _COMMON_WORDS]
    primary, components = _first_diagnosis(title)
    names = _bracketed_names(title, primary)
    whole = title.strip(" .")
    return Truth(
        primary=primary,
        synonyms=tuple(n for n in dict.fromkeys((whole, *names)) if not keys(n) & keys(primary)),
        components=components,
        mask=tuple(dict.fromkeys((title, primary, *telling))),
        curated=False,
        scoreable=bool(telling),
        why_not="" if telling else "the title names nothing",
    )


def _first_diagnosis(title: str) -> tuple[str, tuple[str, ...]]:
    """The words before the first remark, and the diagnoses that stand behind it."""
    text = _STAGE.sub(" ", _BRACKETED.sub("", _LABEL.sub("", title)))
    text = " ".join(_NEXT_SENTENCE.split(text)[0].split())
    behind: list[str] = []
    for border in (_NEXT_ITEM, _REST, _DASH):
        text, *rest = border.split(text, maxsplit=1)
        behind += rest
    if text.count(",") == 1:
        first, second = (part.strip() for part in text.split(","))
        if len(first.split()) > 1:
            text = first
            behind.append(second)
        elif first and second:  # "Astrocytoma, pilocytic" is a name turned round
            text = f"{second} {first}"
    primary = text.strip(" .,;:-") or title.strip(" .")
    return primary, tuple(part.strip(" .,;:-") for part in behind if part.strip(" .,;:-"))


def _bracketed_names(title: str, primary: str) -> list[str]:
    """What stands in brackets as another name: its initials, or announced as one."""
    found = []
    for inner in _BRACKETED.findall(title):
        announced = _ALSO.sub("", inner)
        if announced != inner:
            found += re.split(r"\s+or\s+", announced)
        elif keys(f"{primary} ({inner})") & keys(primary):
            found.append(inner)
    return found
