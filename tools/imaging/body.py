"""Regions of the body: which ones a series shows, and which ones words of a question name.

Both lean to silence. A series counts as showing what lies at the edge of its field, and a question
names nothing when its words leave open what it is about: an earlier operation, a denied symptom, a
cancer that may have spread.
"""

from __future__ import annotations

import re

# DICOM's BodyPartExamined (PS3.16 annex L): in plain words, and the regions that it shows at least
# in part. ABDOMEN is what many scanners write for abdomen and pelvis.
_TRUNK = ("chest", "breast", "shoulder", "thoracic spine", "spine")
_BELLY = ("upper abdomen", "abdomen", "lumbar spine", "spine")
_PELVIS = ("abdomen", "pelvis", "hip", "lumbar spine", "spine")
_NECK = ("neck", "cervical spine", "spine")
_PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ABDOMEN": ("abdomen", (*_BELLY, *_PELVIS)),
    "ABDOMENPELVIS": ("abdomen and pelvis", (*_BELLY, *_PELVIS)),
    "ANKLE": ("ankle", ("ankle", "foot", "leg")),
    "AORTA": ("aorta", (*_TRUNK, *_BELLY, *_PELVIS)),
    "ARM": ("arm", ("shoulder", "arm", "elbow", "wrist", "hand")),
    "BRAIN": ("head", ("head",)),
    "BREAST": ("breast", ("breast", "chest")),
    "CHEST": ("chest", (*_TRUNK, "upper abdomen")),
    "CHESTABDOMEN": ("chest and abdomen", (*_TRUNK, *_BELLY, *_PELVIS)),
    "CHESTABDPELVIS": ("chest, abdomen and pelvis", (*_TRUNK, *_BELLY, *_PELVIS)),
    "CSPINE": ("cervical spine", _NECK),
    "ELBOW": ("elbow", ("arm", "elbow")),
    "FACE": ("face", ("head",)),
    "FOOT": ("foot", ("ankle", "foot")),
    "HAND": ("hand", ("wrist", "hand")),
    "HEAD": ("head", ("head",)),
    "HEADNECK": ("head and neck", ("head", *_NECK)),
    "HEART": ("heart", ("chest", "upper abdomen")),
    "HIP": ("hip", ("pelvis", "hip", "leg")),
    "KIDNEY": ("kidneys", _BELLY),
    "KNEE": ("knee", ("leg", "knee")),
    "LEG": ("leg", ("hip", "leg", "knee", "ankle", "foot")),
    "LIVER": ("liver", _BELLY),
    "LSPINE": ("lumbar spine", ("lumbar spine", "spine")),
    "LUNG": ("chest", (*_TRUNK, "upper abdomen")),
    "MEDIASTINUM": ("chest", (*_TRUNK, "upper abdomen")),
    "NECK": ("neck", _NECK),
    "ORBIT": ("orbits", ("head",)),
    "PANCREAS": ("pancreas", _BELLY),
    "PELVIS": ("pelvis", _PELVIS),
    "SHOULDER": ("shoulder", ("shoulder", "arm")),
    "SKULL": ("skull", ("head",)),
    "SPINE": ("spine", ("cervical spine", "thoracic spine", "lumbar spine", "spine")),
    "SPLEEN": ("spleen", _BELLY),
    "TSPINE": ("thoracic spine", ("thoracic spine", "spine")),
    "WRIST": ("wrist", ("arm", "wrist", "hand")),
}

# Words that name a region and mean nothing else, from head to foot; a phrase goes before the words
# in it. Under "" stand phrases that hold such a word and name no region.
_WORDS: dict[str, tuple[str, ...]] = {
    "head": (
        "head", "headache", "brain", "skull", "intracranial", "cranial", "seizure", "migraine",
        "face", "facial", "orbit", "orbital", "sinusitis", "paranasal sinus", "paranasal sinuses",
        "mandible", "jaw",
    ),
    "neck": ("neck", "thyroid", "larynx", "laryngeal"),
    "cervical spine": ("cervical spine", "c spine", "cervical disc", "cervical radiculopathy"),
    "thoracic spine": ("thoracic spine", "t spine"),
    "lumbar spine": (
        "lumbar spine", "l spine", "lumbar", "lumbosacral", "low back", "lower back", "sciatica",
    ),
    "spine": ("spine", "spinal", "back pain", "vertebra", "vertebrae", "vertebral fracture"),
    "chest": (
        "chest", "thorax", "thoracic", "lung", "pulmonary", "pneumonia", "pneumothorax", "cough",
        "haemoptysis", "hemoptysis", "dyspnoea", "dyspnea", "shortness of breath",
        "short of breath", "mediastinal", "mediastinum", "heart", "cardiac", "rib",
    ),
    "breast": ("breast", "mammogram", "mammography"),
    "upper abdomen": (
        "liver", "hepatic", "spleen", "splenic", "gall bladder", "gallbladder", "adrenal",
        "stomach", "pancreas", "pancreatic", "pancreatitis", "cholecystitis", "epigastric",
        "upper abdomen", "upper abdominal", "upper quadrant",
    ),
    "abdomen": (
        "abdomen", "abdominal", "belly", "appendicitis", "kidney", "flank pain", "lower quadrant",
    ),
    "pelvis": ("pelvis", "pelvic", "bladder", "prostate", "uterus", "uterine", "ovary", "ovarian"),
    "shoulder": ("shoulder", "rotator cuff", "humeral head", "surgical neck"),
    "arm": ("arm", "forearm", "humerus"),
    "elbow": ("elbow", "radial head", "olecranon"),
    "wrist": ("wrist", "scaphoid", "carpal"),
    "hand": ("hand", "finger", "thumb", "metacarpal", "metacarpal head"),
    "hip": (
        "hip", "femoral head", "femoral neck", "head of the femur", "neck of the femur",
        "acetabulum", "acetabular",
    ),
    "leg": ("leg", "calf", "thigh", "shin"),
    "knee": ("knee", "meniscus", "meniscal", "patella", "patellar", "cruciate", "fibular head"),
    "ankle": ("ankle", "malleolus", "malleolar"),
    "foot": ("foot", "both feet", "toe", "heel", "metatarsal", "metatarsal head"),
    "": (
        "head of", "head on", "neck of", "radial neck", "bladder neck", "in the face of",
        "other hand", "one hand", "at hand", "hand held", "foot drop", "on foot", "tail of",
        "heart rate", "pulmonary artery catheter", "toe walking", "cranial nerve",
    ),
}  # fmt: skip
_REGION_OF = {word: region for region, words in _WORDS.items() for word in words}
_ORDER = tuple(region for region in _WORDS if region)
_NAMES = re.compile(
    rf"\b({'|'.join(sorted(map(re.escape, _REGION_OF), key=len, reverse=True))})s?\b"
)
_LENGTH = re.compile(r"\b\d+ (?:foot|feet)\b")
# To the end of the clause: what is past, or is not so, may or may not be what is asked about.
_ASIDE = re.compile(
    r"\b(?:(?:status )?post|s/p|h/o|hx of|(?<!day )(?<!week )(?<!month )(?<!year )(?<!hour )"
    r"history of|previous|prior|known|no|not|without|denies|denied|negative for)\b[^,;.?!]*"
)
_SPREADS = re.compile(
    r"\b(?:cancers?|carcinomas?|lymphomas?|melanomas?|sarcomas?|metasta\w+|(?:re)?staging"
    r"|primary|whole body)\b"
)


def spoken(body_part: str) -> str:
    """A DICOM Body Part Examined in plain words, as in "CT chest"; "" when it is not known."""
    if body_part == "WHOLEBODY":
        return "whole body"
    words, _ = _PARTS.get(body_part, ("", ()))
    return words


def regions_shown(body_part: str) -> tuple[str, ...]:
    """The regions that a DICOM Body Part Examined shows, if only in part.

    Returns:
        From head to foot, in the words of `regions_named`; empty when the body part is not known.
    """
    if body_part == "WHOLEBODY":
        return _ORDER
    _, shown = _PARTS.get(body_part, ("", ()))
    return tuple(region for region in _ORDER if region in shown)


def regions_named(text: str) -> tuple[str, ...]:
    """The regions that a question or a history in plain English names.

    Args:
        text: For instance "Torn rotator cuff?", which names the shoulder.

    Returns:
        From head to foot, each once. Empty when none is named or it is unclear which one is meant:
        a cancer may be looked for elsewhere, and a region of an earlier operation or of a denied
        symptom may or may not be asked about.
    """
    plain = _LENGTH.sub(" ", re.sub(r"[\s\-\u2010-\u2013]+", " ", text.casefold()))
    if _SPREADS.search(plain) or any(_regions(aside[0]) for aside in _ASIDE.finditer(plain)):
        return ()
    found = _regions(plain)
    return tuple(region for region in _ORDER if region in found)


def _regions(plain: str) -> set[str]:
    return {_REGION_OF[name[1]] for name in _NAMES.finditer(plain)} - {""}
