"""Input views: how much of a case an arm is shown, with what gives the answer away masked.

V0: age, sex, region, modality. V1: V0 and History, with Exam. V2: V1 and images. V3: V1 and
Findings. V4: V3 and images. V2x: V2 with the images of another case. Images are the viewer's work.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from agent.case import Case
from evals.data.dataset import EvalCase
from evals.data.medpix import clean_text
from evals.truth import Truth
from tools.scrub import scrub_text

View = Literal["V0", "V1", "V2", "V2x", "V3", "V4"]
VIEWS: tuple[View, ...] = get_args(View)
IMAGE_VIEWS: frozenset[View] = frozenset({"V2", "V2x", "V4"})

MASKED = "[...]"
_APOSTROPHE = r"['’‘ʼ`´]"  # noqa: RUF001
_BETWEEN_WORDS = r"[\s\-\u2010-\u2015\u2212]+"


def mask_text(text: str, truth: Truth) -> str:
    """Replace what gives the answer away, in any case and over any line break, longest first.

    However an apostrophe is set, and whether words are joined by a dash, is all the same.

    The curated masks go inside words too, since "lipomas" would give "lipoma" away; one of two
    letters, the right names themselves, which curation may have overlooked in a text, and the names
    that the knowledge base has for them go as whole words.
    """
    anywhere = {m for m in map(clean_text, truth.mask) if len(m) > 2}
    as_words = {
        clean_text(m) for m in (*truth.mask, truth.primary, *truth.synonyms, *truth.mask_words)
    } - {""}
    patterns = [
        pattern if mask in anywhere else rf"(?<!\w){pattern}(?!\w)"
        for mask in sorted(anywhere | as_words, key=lambda m: (-len(m), m))
        if (pattern := _pattern(mask))
    ]
    return re.sub("|".join(patterns), MASKED, text, flags=re.IGNORECASE) if patterns else text


def _pattern(mask: str) -> str:
    """A regular expression for its words; "" for one without any."""
    words = [word for word in re.split(_BETWEEN_WORDS, mask) if word]
    return _BETWEEN_WORDS.join(
        _APOSTROPHE.join(map(re.escape, re.split(_APOSTROPHE, word))) for word in words
    )


def show(case: EvalCase, view: View) -> Case:
    """The words and demographics that an arm is handed, masked and without what identifies."""
    history = findings = ""
    if view != "V0":
        history = _clean(case.history, case.truth)
        if case.exam:
            history = f"{history}\nExam: {_clean(case.exam, case.truth)}".strip()
    if view in ("V3", "V4"):
        findings = _clean(case.findings, case.truth)
    return Case(
        history=history,
        findings_text=findings,
        age_years=case.age_years,
        sex=case.sex,
        region=case.region,
        modality=case.modality,
    )


def _clean(text: str, truth: Truth) -> str:
    return scrub_text(mask_text(text, truth))[0]
