"""Contrast phase and MR sequence out of a header's free text, as one of a few words.

The text itself goes nowhere: what the closed tables below do not know is left empty.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PHASES = (
    "non-contrast", "arterial", "portal venous", "venous", "delayed", "nephrographic",
    "pulmonary arterial", "",
)  # fmt: skip
SEQUENCES = (
    "T1", "T2", "FLAIR", "DWI", "ADC", "STIR", "PD", "GRE", "SWI", "post-contrast T1", "TOF", "",
)  # fmt: skip


def _words(pattern: str) -> re.Pattern[str]:
    """Whole words; scanners write "_" for a blank, which a regular expression calls a letter."""
    return re.compile(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])")


# The first that fits is taken: "late arterial" before "late", "portal venous" before "venous".
_PHASE_WORDS = (
    ("non-contrast", _words(
        r"non?[\s-]?(?:contrast|enhanced|con)|unenhanced|w/o(?:\scontrast)?|without(?:\scontrast)?"
        r"|nect|ncct|native|nativ|pre[\s-]?contrast|plain"
    )),
    ("pulmonary arterial", _words(
        r"ctpa|pulmonary[\s-](?:arter(?:y|ies|ial)|angio\w{0,6})|pulm[\s.-]{1,2}(?:art\w{0,6}|angio\w{0,6})"
        r"|pe[\s-](?:protocol|study|chest)|lungenembolie"
    )),
    ("portal venous", _words(
        r"(?:portal|porto)[\s-]?(?:ven\w{0,5})?|portovenous|portalvenous|pv[\s-]?phase|pvp|hepatic[\s-]venous"
    )),
    ("nephrographic", _words(r"nephro\w{0,8}|parenchymal[\s-]phase")),
    ("arterial", _words(
        r"arteri(?:al|ell|elle)|art|cta|hap|ct[\s-]?angio\w{0,6}|pancreatic[\s-]phase"
    )),
    ("delayed", _words(
        r"delay\w{0,2}|late(?:[\s-]phase)?|equilibrium|excretory|urographic|(?:3|5|10|15)[\s-]?min\w{0,5}"
    )),
    ("venous", _words(r"ven(?:ous|os)?(?:[\s-]phase)?")),
)  # fmt: skip
_GADOLINIUM = _words(
    r"gd|gad\w{0,9}|post[\s-]?(?:contrast|con|gd|gad)?|ce|\+c|c\+|with\scontrast|contrast"
)
_T1 = _words(r"t1w?|mprage|bravo|vibe|lava|thrive|fspgr|spgr|mp2rage")
# Maps before the images they come from, preparations (FLAIR, STIR) before the plain weighting.
_SEQUENCE_WORDS = (
    ("ADC", _words(r"adc|apparent\sdiffusion\w{0,12}(?:\scoefficient)?")),
    ("DWI", _words(r"e?dwi|dti|trace[wt]?|diff(?:usion)?|ep2d[\s-]diff|b[\s-]?\d{2,4}")),
    ("SWI", _words(r"swi|swan|swip|suscept\w{0,14}|venobold")),
    ("TOF", _words(r"tof|time[\s-]of[\s-]flight")),
    ("T1", _words(r"t1[\s-]?flair\w{0,2}")),
    ("FLAIR", _words(r"(?:t2[\s-]?)?flair\w{0,2}|dark[\s-]fluid|tirm")),
    ("STIR", _words(r"stir|short[\s-]tau\w{0,2}")),
    ("T1", _T1),
    ("T2", _words(r"t2w?|haste|ssfse|blade|propeller|ciss|fiesta|space")),
    ("PD", _words(r"pdw?|proton[\s-]density|dp")),
    ("GRE", _words(r"gre|t2\*|t2[\s-]?star|medic|merge|hemo|flash|ffe")),
)
_T2_STAR = re.compile(r"t2[\s-]?(?:\*|star)")


def contrast_phase(dataset: Dataset) -> str:
    """The phase after contrast, one of PHASES, from description, protocol and contrast words."""
    for keyword in ("SeriesDescription", "ProtocolName", "ContrastBolusAgent"):
        said = _said(dataset, keyword)
        for phase, words in _PHASE_WORDS:
            if words.search(said):
                return phase
    return ""


def mr_sequence(dataset: Dataset) -> str:
    """The weighting of an MR series, one of SEQUENCES.

    A b-value says diffusion; then the words of description, protocol, sequence name and image type
    count; then
    echo and repetition time of a spin echo (TR and TE in milliseconds, the usual limits of T1, T2
    and PD), and a gradient echo without words is "GRE".
    """
    named = " ".join(
        _said(dataset, k)
        for k in ("SeriesDescription", "ProtocolName", "SequenceName", "ImageType")
    )
    sequence = _named(named)
    if sequence == "" and (_number(dataset, "DiffusionBValue") or 0) > 0:
        sequence = "DWI"
    return sequence or _timed(dataset)


def _named(said: str) -> str:
    if _T2_STAR.search(said):
        return "GRE"
    for sequence, words in _SEQUENCE_WORDS:
        if words.search(said):
            is_enhanced = sequence == "T1" and _GADOLINIUM.search(said)
            enhanced = bool(is_enhanced) and not _PHASE_WORDS[0][1].search(said)
            return "post-contrast T1" if enhanced else sequence
    return ""


def _timed(dataset: Dataset) -> str:
    kinds = _said(dataset, "ScanningSequence").split()
    echo, repetition = _number(dataset, "EchoTime"), _number(dataset, "RepetitionTime")
    if "gr" in kinds and "se" not in kinds:
        return "GRE"
    if "se" not in kinds or "ir" in kinds or echo is None or repetition is None:
        return ""
    if repetition < 1000 and echo < 30:
        return "T1"
    if repetition > 2000:
        return "T2" if echo > 70 else "PD" if echo < 40 else ""
    return ""


def _said(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    parts = [value] if isinstance(value, str) else list(value) if _is_several(value) else [value]
    said = " ".join(str(part) for part in parts if part is not None)
    return said[:256].casefold().replace("_", " ")


def _is_several(value: object) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, bytes)


def _number(dataset: Dataset, keyword: str) -> float | None:
    try:
        return float(str(dataset.get(keyword)))
    except ValueError:
        return None
