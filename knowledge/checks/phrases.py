"""Phrases that say nothing: each would fit any disease, so none tells one disease from another."""

from __future__ import annotations

import re

_BE = r"(?:is|are|may be|can be|will be)"
_IMAGING = r"(?:imaging|radiograph\w*|CT|MRI?|ultrasound|X-rays?|scans?)"
# Regular expressions, case ignored. A new one is tried on the whole corpus before it stays.
EMPTY_PHRASES: tuple[str, ...] = (
    r"(?<!common )\bvariabl[ey]\b",  # say how often, or between what and what
    rf"\b(?:findings|features|appearances?|symptoms|presentation|signs) (?:{_BE} )?var(?:y|ied)\b",
    rf"\b{_IMAGING} (?:findings |features |appearances? )?{_BE} non-?specific",
    rf"\b{_IMAGING} {_BE} (?:very |most |often )?(?:useful|helpful|valuable|important|necessary)\b",
    rf"\b{_IMAGING} (?:plays?|has|have) an? \w+ role",
    r"\b(?:early|prompt|timely|accurate) (?:diagnosis|recognition|detection|treatment) is\b",
    r"\b(?:diagnosis|treatment|management) (?:can be|may be|is often) (?:challenging|difficult)\b",
    r"\bclinical(?:ly)? correlat\w+|\bcorrelat\w+ (?:clinically|with (?:the )?clinical)",
    r"\bin the (?:right|appropriate|proper) clinical (?:context|setting)",
    r"\bfurther (?:imaging|evaluation|work-?up|investigation|studies)\b",
    r"\b(?:modality|investigation|test|examination|method) of choice\b",
    r"\bgold standard\b",
    r"\b(?:it is|is) important to\b|\bimportantly\b|\bit should be noted\b|\bof note is\b",
    r"\bplays? an? (?:important|key|vital|crucial|major) role",
    r"\b(?:should|must) (?:always )?be (?:considered|kept in mind|suspected)\b",
    r"\bin the differential(?: diagnosis)?\b",
    r"\ba (?:wide|broad) (?:range|spectrum|variety|array) of\b",
    r"\bprognosis (?:is (?:good|poor|variable|excellent)|depends on many|varies)\b",
    r"\b(?:characteristic|typical|classic) (?:imaging )?(?:findings|features|appearances?)\b",
    r"\babnormalit(?:y|ies) (?:is|are|may be|can be) seen\b",
    r"(?:^|[.;:]\s)(?:[\w-]+\s){1,3}(?:may|can) (?:be (?:seen|found|present)|occur)\s*[.;]",
    r"(?:^|[.;]\s)(?:Usually|Often|Sometimes) (?:normal|abnormal|asymptomatic|symptomatic)\s*[.;]",
)
_PATTERN = re.compile("|".join(f"(?:{phrase})" for phrase in EMPTY_PHRASES), re.IGNORECASE)


def empty_phrases(text: str) -> list[str]:
    """The phrases of a text that say nothing, as they stand in it."""
    return [match.group().strip(" .;:\n") for match in _PATTERN.finditer(text)]
