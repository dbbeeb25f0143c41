"""Words as the matchers see them: folded, unhyphenated, without plural or possessive endings."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_POSSESSIVE = "['\N{RIGHT SINGLE QUOTATION MARK}]s"  # "Crohn's disease" is "Crohn disease"
_WORD = re.compile(rf"[^\W_]+(?:{_POSSESSIVE}\b)?", re.IGNORECASE)
_BRITISH = (
    ("oesoph", "esoph"), ("oedema", "edema"), ("haem", "hem"), ("tumour", "tumor"),
    ("centre", "center"), ("fibre", "fiber"), ("colour", "color"), ("anaem", "anem"),
    ("paed", "ped"), ("caec", "cec"), ("ischaem", "ischem"), ("dyspnoea", "dyspnea"),
    ("diarrhoea", "diarrhea"), ("coelia", "celia"), ("foet", "fet"), ("calibre", "caliber"),
)  # fmt: skip
_KEPT_LENGTH = 200  # characters; names are asked for again and again, reports are not


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its folded form and where it stands in the text (character offsets)."""

    form: str
    start: int
    end: int


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """The form under which a word is compared: no case, accents, British spelling or plural s."""
    form = unicodedata.normalize("NFKD", re.sub(rf"{_POSSESSIVE}$", "", word.casefold()))
    form = "".join(c for c in form if not unicodedata.combining(c))
    for british, american in _BRITISH:
        form = form.replace(british, american)
    if len(form) > 4 and form.endswith("ies"):
        return form[:-3] + "y"
    if len(form) > 3 and form.endswith("s") and not form.endswith(("ss", "us", "is")):
        return form[:-1]
    return form


def tokens(text: str) -> list[Token]:
    """The words of a text in order."""
    return [Token(fold(m.group()), m.start(), m.end()) for m in _WORD.finditer(text)]


def forms(text: str) -> tuple[str, ...]:
    """The folded words of a text."""
    return _kept_forms(text) if len(text) <= _KEPT_LENGTH else _forms(text)


def _forms(text: str) -> tuple[str, ...]:
    return tuple(map(fold, _WORD.findall(text)))


_kept_forms = lru_cache(maxsize=65536)(_forms)
