"""Names that no title, label or relative tells: two capitalised words in running text.

A run of two to five capitalised words is a person's when none of them is spared (`spared_words`)
and what follows names no thing after a person ("sign", "syndrome", "River"). One capitalised word
is a person's where only a person can stand: it denies, was admitted, or owns a biopsy.
"""

from __future__ import annotations

import re

from tools.person_names import UPPER
from tools.spared_words import is_spared

# O'Brien, McKay, but no abbreviation: a lower-case letter must follow.
_NAME = rf"{UPPER}(?:['\u2019]{UPPER})?(?=[^\W\d_]*[a-z\u00df-\u00ff\u0101-\u017f])[^\W\d_]*+"
_WORD = re.compile(rf"(?<![\w'\u2019.-]){_NAME}(?:[-\u2010\u2011]{_NAME})*+(?![\w-])")
# Between two words of one name: blanks, initials, particles.
_JOIN = re.compile(
    rf"[ \t]{{1,3}}(?:(?:{UPPER}\.?|(?i:van|von|der|den|de|del|di|da|la|le|dos|du|al|el|bin|ibn|ten"
    r"|ter|zu|y))[ \t]{1,3}){0,3}"
)
_NO_PERSON_AFTER = re.compile(
    r"['\u2019]?s?[ \t-](?i:disease|disorders?|syndromes?|lymphoma|sarcoma|tumou?rs?|signs?|triad"
    r"|lines?|fractures?|granulom\w*|an(?:a)?emia|chorea|palsy|thyroiditis|(?:o)?esophagus|criteria|scores?"
    r"|classification|cells?|nodes?|bod(?:y|ies)|lesions?|malformations?|h(?:a)?ematoma|index|indices"
    r"|stage|grade|staging|method|position|procedure|operation|repair|shunt|stent|filter|catheter"
    r"|tube|drain|hernias?|cysts?|ducts?|spaces?|fascia|ligaments?|deformity|contracture|phenomenon"
    r"|effect|reaction|test|stain|fever|aneurysms?|diverticul\w+|angle|complex|nodules?|spots?|loops?"
    r"|lungs?|river|valley|seas?|ocean|mountains?|desert|islands?|peninsula|virus|species|spp|sp"
    r"|sequences?|imaging|kernels?|scanners?|protocols?)\b"
)
_ENDS_SENTENCE = re.compile(r"(?:^|[.?!:;\n]|\n[ \t]*[-*\u2022])[ \t]*\Z")
# After a name that opens a sentence; elsewhere the first word may be any word.
_PERSON_AFTER = re.compile(
    r"[ \t]*(?:[,(:]|\n|\Z|(?:[-\u2013/][ \t])|[ \t](?:(?i:has|had|is|was|will|would|did|does|who"
    r"|and)|aged?|born|geb|n\u00e9e?|[a-z]{3,12}(?:s|ed))\b)|[.][ \t]*(?:\n|\Z)"
)
_GERMAN = re.compile(
    r"\b(?:und|der|die|das|mit|bei|ohne|keine?|nach|vom|zum|des|wegen|seit|wird)\b"
)
_TITLE_CASE = 0.7  # of the longer words of a sentence: a heading, where capitals tell nothing

_ONE = rf"(?<![\w'\u2019.-])(?P<name>{_NAME}(?:-{_NAME})*+)"
_THINGS = (
    r"(?:biops(?:y|ies)|ct|mri|pet|scans?|films?|x-?rays?|radiographs?|images|imaging|earlier|previous"
    r"|prior|latest|last|old|chest|lungs?|mother|father|wife|husband|son|daughter|gp|doctor|symptoms"
    r"|cough|results?|bloods?|history|notes|chart|surgery|operation)"
)
_DOES = r"(?:denie[sd]|complain(?:s|ed)|smoke[sd]|coughs|lives|telephoned|phoned|weighs|feels)"
_NOTES = (
    r"(?:reports|has[ \t]noticed|noticed|describes|developed)[ \t](?:a[ \t])?"
    r"(?:night|weight|new|more|worse|worsening|increasing|pain|chest|cough|fever|breathless\w*"
    r"|dyspn\w+)"
)
_IS = (
    r"(?:was|is|has[ \t]been)[ \t](?:(?:now|again|then|also)[ \t])?"
    r"(?:admitted|referred|discharged|born|coughing|smoking|brought[ \t](?:in|by|to)|taken[ \t]to"
    r"|well[ \t]until|losing[ \t]weight|counsel\w+|extubated|intubated"
    r"|seen[ \t](?:again[ \t])?(?:in[ \t](?:the[ \t])?clinic|for[ \t](?:his|her)))"
)
_SINGLES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_ONE}(?=['\u2019]s?[ \t](?i:{_THINGS})\b)",
        rf"{_ONE}(?=[ \t](?:{_DOES}|{_NOTES}|{_IS})\b)",
        r"(?P<label>\b(?i:placed|done|inserted|implanted|donated|resected|removed|given|taken|drained"
        r"|sutured|repaired|described|written|drawn|co-?signed|countersigned|relayed|phoned|faxed)"
        rf"[ \t](?i:by|to)[ \t]){_ONE}"
        r"(?=[ \t](?:in|on|at|for|after|with|today|yesterday)\b|[.,;)]|$)",
        r"(?P<label>\b(?i:near|outside|hmp)[ \t])"
        rf"{_ONE}",
    )
)


def blank_bare_names(text: str, blank: str) -> tuple[str, int]:
    """Put a blank in the place of each name that is told by nothing but its capitals.

    Linear in the text's length.

    Returns:
        The text, and how many names were blanked.
    """
    spans = _runs(text)
    for pattern in _SINGLES:
        spans += [m.span("name") for m in pattern.finditer(text) if not is_spared(m["name"])]
    pieces, end, count = list[str](), 0, 0
    for first, last in sorted(spans):
        if first >= end:
            pieces += [text[end:first], blank]
            count += 1
        end = max(end, last)
    return "".join((*pieces, text[end:])), count


def _runs(text: str) -> list[tuple[int, int]]:
    runs: list[list[re.Match[str]]] = [[]]
    for word in _WORD.finditer(text):
        if is_spared(word[0]):
            runs.append([])
        elif runs[-1] and _JOIN.fullmatch(text, runs[-1][-1].end(), word.start()):
            runs[-1].append(word)
        else:
            runs.append([word])
    is_german = len(_GERMAN.findall(text)) > 1
    return [
        (run[0].start(), run[-1].end())
        for run in runs
        if 2 <= len(run) <= 5 and _is_person(text, run[0].start(), run[-1].end(), is_german)
    ]


def _is_person(text: str, start: int, end: int, is_german: bool) -> bool:
    if _NO_PERSON_AFTER.match(text, end) or _is_heading(text, start, end):
        return False
    if _ENDS_SENTENCE.search(text[max(0, start - 8) : start]):
        return bool(_PERSON_AFTER.match(text, end)) and not is_german
    return True


def _is_heading(text: str, start: int, end: int) -> bool:
    """Whether the words around are capitalised too, as in a title."""
    around = text[max(0, start - 80) : start] + text[end : end + 80]
    words = [w for w in re.findall(r"[^\W\d_]{4,}", around) if not w.isupper()]
    capitals = sum(w[0].isupper() for w in words)
    return len(words) >= 4 and capitals > _TITLE_CASE * len(words)
