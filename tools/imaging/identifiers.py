"""Patterns of the identifiers that radiology requests carry, each linear in the text's length.

Runs that may be long are possessive (`++`, `*+`): they are scanned once and never given back, so
that no text, however hostile, takes longer than its length. Names are found by a title or label
before them alone: without one, a name and an eponym (Swyer-James) look the same.
"""

from __future__ import annotations

import re

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*+"

_UPPER = r"[A-Z\u00c0-\u00d6\u00d8-\u00de\u0100-\u017f]"
_LETTERS = r"(?:[^\W\d_]|['\u2019-])++(?!\w)"
_MIXED = rf"(?={_UPPER}{{1,3}}['\u2019-]?[a-z\u00df-\u00ff])"  # Smith, McKay, O'Neil; not SMITH
_PARTICLES = r"(?:(?i:van|von|der|den|de|di|da|la|le|dos|du|al|el|bin|ibn)[ \t]{1,3}){0,3}"

# Capitalised words that follow a label without being a name.
_NO_NAME = (
    r"(?!(?i:an?|the|with|has|had|is|was|who|known|now|no|not|of|in|on|for|from|and|to|at|by"
    r"|present\w*|complain\w*|reports?|denies|underwent|status|post|history|clinical|indication"
    r"|findings?|impression|technique|comparison|exam\w*|study|age[ds]?|sex|gender|dob|date|born"
    r"|id|mrn|male|female|m[ae]n|wom[ae]n|girl|infant|adult|elderly|chronic|acute"
    r"|progressive|severe|mild|recurrent|suspected|possible|previous\w*|prior|recent\w*"
    r"|normal|left|right|bilateral|upper|lower|chest|lungs?|head|neck|brain|abdom\w*|pelvi\w*"
    r"|spine|cell|pain\w*|cough|fever|cysts?|mass|nodules?|type|stage|grade|vitamin|hepatitis"
    r"|ct|mri?|pet|department|clinic|hospital|disease|disorder|syndrome|cancer|tumou?r|fracture"
    r"|\w*(?:itis|osis|oma|omas|emia|aemia|pathy|ectomy|pnea|pnoea|plasia|uria|algia|iasis))\b)"
)
_WORD = rf"{_NO_NAME}{_PARTICLES}{_UPPER}{_LETTERS}"
_MIXED_WORD = rf"{_NO_NAME}{_PARTICLES}{_MIXED}{_UPPER}{_LETTERS}"
_INITIALS = rf"(?:{_UPPER}\.[ \t]?|(?!A )(?<![\w-]){_UPPER}[ \t]){{0,3}}"
_MORE = rf"(?:[ \t]{{1,8}}{_INITIALS}{_MIXED_WORD}){{0,3}}"

_TITLED = rf"{_INITIALS}{_PARTICLES}{_UPPER}{_LETTERS}{_MORE}"
_WHOLE = rf"{_MIXED_WORD}[ \t]{{1,8}}{_INITIALS}{_MIXED_WORD}{_MORE}"  # John Smith, John A. Smith
_FULL = rf"(?:{_UPPER}\.?[ \t]?{_INITIALS}{_MIXED_WORD}{_MORE}|{_WHOLE})"  # J. Smith as well
_TURNED = rf"{_WORD},[ \t]{{0,3}}(?:{_WORD}|{_UPPER}\b\.?)(?:[ \t]{_UPPER}\b\.?)?"  # SMITH, JANE
_SINGLE = rf"(?:{_TURNED}|{_INITIALS}{_WORD}(?:[ \t]{{1,8}}{_INITIALS}{_WORD}){{0,3}})"
_SEVERAL = rf"(?:{_TURNED}|{_FULL}|{_WORD}(?:[ \t]{{1,8}}{_INITIALS}{_WORD}){{1,3}})"
_NAMED_THINGS = "".join(
    rf"(?<!(?i:\b{thing}\s))"
    for thing in ("drug", "brand", "trade", "study", "series", "protocol", "device", "file")
)

PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)+",
        # Dates: 2024-03-01, 01/03/2024, 1.3.24, 3 March 2024, March 3rd, 2024.
        r"\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b",
        r"\b\d{1,2}([-/.])\d{1,2}\1(?:\d{4}|\d{2})\b",
        rf"(?i)\b\d{{1,2}}(?:st|nd|rd|th)?\s++{_MONTH}\.?,?\s++\d{{4}}\b",
        rf"(?i)\b{_MONTH}\.?\s++\d{{1,2}}(?:st|nd|rd|th)?,?\s++\d{{4}}\b",
        # A record or accession number keeps its label, so that the sentence still reads.
        r"(?i)(?P<label>\bMRN[\s:#]*+)[A-Z]{0,4}-?\d[\w-]{2,}+",
        r"(?i)(?P<label>\b(?:accession|acc|patient\s++id|pat\.?\s*+id|case\s++no"
        r"|nhs\s++(?:no|number)|ssn)\b\.?(?:\s*+(?:number|no\.?|#))?\s*+[:#]?\s*+)"
        r"[A-Z]{0,4}-?\d[\w-]{2,}+",
        # Telephone numbers: with a country code, or in groups.
        r"(?<![\w.])\+\d[\d\s().-]{7,22}\d\b",
        r"(?<![\w.])\(?\d{3,5}\)?[\s-]\d{3,4}[\s-]\d{3,4}\b",
        # Identifiers: six digits and more in one run; no measurement has as many.
        r"(?<![\w.])[A-Z]{0,4}-?\d{6,}+(?![\d.]*+\s*+(?:/|cells|copies|IU|U/|mm))\b",
        # Names: after a title, after a label that names, and after "patient" and the like.
        r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor)\b(?:\.\s{0,8}|\s{1,8})"
        rf"{_TITLED}",
        r"(?P<label>\b(?i:(?:patient(?:'s)?|pt|full|first|last|given|family)[ \t]name"
        rf"|surname|forename)[ \t]?:[ \t]{{0,8}}){_SINGLE}",
        rf"(?P<label>{_NAMED_THINGS}\b(?i:name)[ \t]?:[ \t]{{0,8}}){_SEVERAL}",
        r"(?P<label>\b(?i:patient|pat|pt|(?:referring[ \t])?(?:physician|doctor|clinician)"
        rf"|consultant|radiologist|surgeon|gp)\.?[ \t]?:[ \t]{{0,8}})(?:{_TURNED}|{_FULL})",
        r"(?P<label>\b(?i:(?:referred|requested|reported|dictated|signed|read|reviewed|seen"
        rf"|examined)[ \t]by)\b:?[ \t]{{1,8}}){_FULL}",
        # Two whole words: "Patient A. Contrast" is how figures are labelled.
        rf"(?P<label>\b(?i:patient|pat|pt)\b\.?[ \t]{{1,8}}){_WHOLE}",
    )
)
