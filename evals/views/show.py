"""Input views: how much of a case an arm is shown, with what gives the answer away masked.

V0: age, sex, region, modality. V1: V0 and History, with Exam. V3: V1 and Findings.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from agent.case import Case
from evals.data.dataset import EvalCase
from evals.data.medpix import clean_text
from evals.truth import Truth

View = Literal["V0", "V1", "V3"]
VIEWS: tuple[View, ...] = get_args(View)

MASKED = "[...]"


def mask_text(text: str, truth: Truth) -> str:
    """Replace what gives the answer away, in any case and over any line break, longest first.

    The curated masks go inside words too, since "lipomas" would give "lipoma" away; one of two
    letters, and the right names themselves, which curation may have overlooked in a text, go as
    whole words.
    """
    anywhere = {m for m in map(clean_text, truth.mask) if len(m) > 2}
    as_words = {clean_text(m) for m in (*truth.mask, truth.primary, *truth.synonyms)} - {""}
    patterns = [
        pattern if mask in anywhere else rf"(?<!\w){pattern}(?!\w)"
        for mask in sorted(anywhere | as_words, key=lambda m: (-len(m), m))
        for pattern in [r"\s+".join(re.escape(word) for word in mask.split())]
    ]
    return re.sub("|".join(patterns), MASKED, text, flags=re.IGNORECASE)


def show(case: EvalCase, view: View) -> Case:
    """What an arm is handed: nothing but this, and it is stored as it is handed over."""
    history = findings = ""
    if view in ("V1", "V3"):
        history = mask_text(case.history, case.truth)
        if case.exam:
            history = f"{history}\nExam: {mask_text(case.exam, case.truth)}".strip()
    if view == "V3":
        findings = mask_text(case.findings, case.truth)
    return Case(
        history=history,
        findings_text=findings,
        age_years=case.age_years,
        sex=case.sex,
        region=case.region,
        modality=case.modality,
    )
