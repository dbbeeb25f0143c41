"""Words as the matchers see them: folded, unhyphenated, without plural endings."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_BRITISH = (
    ("oesoph", "esoph"), ("oedema", "edema"), ("haem", "hem"), ("tumour", "tumor"),
    ("centre", "center"), ("fibre", "fiber"), ("colour", "color"), ("anaem", "anem"),
    ("paed", "ped"), ("caec", "cec"), ("ischaem", "ischem"), ("dyspnoea", "dyspnea"),
    ("diarrhoea", "diarrhea"), ("coelia", "celia"), ("foet", "fet"), ("calibre", "caliber"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its folded form and where it stands in the text (character offsets)."""

    form: str
    start: int
    end: int


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """The form under which a word is compared: no case, accents, British spelling or plural s."""
    form = unicodedata.normalize("NFKD", word).casefold()
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


@lru_cache(maxsize=65536)
def forms(text: str) -> tuple[str, ...]:
    """The folded words of a text."""
    return tuple(token.form for token in tokens(text))
