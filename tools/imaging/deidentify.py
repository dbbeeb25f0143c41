"""What may leave loading: a few header values from closed lists, and text without identifiers.

Nothing else of a header goes further, so there is no list of tags to blank and none to forget.
`scrub_text` is thinner: a handful of patterns for the identifiers that radiology requests carry. It
misses names without a title or label, places, and anything spelled unusually, so it lowers the risk
and does not make a text anonymous.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tools.imaging.identifiers import PATTERNS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

REMOVED = "[removed]"
OLDEST_YEARS = 90  # ages above say too much about a person (HIPAA safe harbour)

# Of DICOM's BodyPartExamined defined terms (PS3.16 annex L) those that radiology sees most.
BODY_PARTS = frozenset(
    {
        "ABDOMEN", "ABDOMENPELVIS", "ANKLE", "AORTA", "ARM", "BRAIN", "BREAST", "CHEST",
        "CHESTABDOMEN", "CHESTABDPELVIS", "CSPINE", "ELBOW", "FACE", "FOOT", "HAND", "HEAD",
        "HEADNECK", "HEART", "HIP", "KNEE", "LEG", "LIVER", "LSPINE", "LUNG", "MEDIASTINUM",
        "NECK", "ORBIT", "PANCREAS", "PELVIS", "SHOULDER", "SKULL", "SPINE", "SPLEEN", "TSPINE",
        "WHOLEBODY", "WRIST", "KIDNEY",
    }
)  # fmt: skip
MODALITIES = frozenset(
    {"CT", "MR", "CR", "DX", "XA", "RF", "MG", "PT", "NM", "IO", "PX", "XC", "ES", "OT"}
)

# Kernels are free text: vendors' words and codes such as B30f, Br40d, FC21 or YA go through.
_KERNEL = re.compile(
    r"(?:STANDARD|STND|STD|SOFT|SMOOTH|DETAIL|CHEST|LUNG|BONE|BONEPLUS|EDGE|SHARP|ULTRA|BODY|BRAIN)"
    r"[+-]{0,2}|[A-Z]|[BEHUY][A-D]|[A-Za-z]{1,2}\d{1,3}[A-Za-z]{0,2}(?:[+-]{1,2})?",
    re.IGNORECASE,
)
_AGE = re.compile(r"\s*(\d{1,3})([DWMY])\s*")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """The only header values that leave loading.

    Attributes:
        age_years: Whole years (a fraction under 2); 90 and over is 90.
        body_part: One of BODY_PARTS, or "".
        modality: One of MODALITIES, else "OT".
        plane: axial, sagittal, coronal, oblique, or "" without an orientation.
        kernel: The reconstruction kernel if it looks like one, else "".
        contrast: True or False when the header says so, None when it does not.
    """

    age_years: float | None
    sex: Literal["female", "male"] | None
    body_part: str
    modality: str
    plane: str
    kernel: str
    thickness_mm: float | None
    contrast: bool | None


def derived(dataset: Dataset) -> Derived:
    """Read the permitted values out of a header; what is odd is left empty, never passed on."""
    part = _text(dataset, "BodyPartExamined").upper()
    modality = _text(dataset, "Modality").upper()
    kernel = _text(dataset, "ConvolutionKernel")
    sex = _text(dataset, "PatientSex").upper()
    agent = _text(dataset, "ContrastBolusAgent").upper()
    return Derived(
        age_years=_age_years(dataset),
        sex="female" if sex == "F" else "male" if sex == "M" else None,
        body_part=part if part in BODY_PARTS else "",
        modality=modality if modality in MODALITIES else "OT",
        plane=plane_of(dataset.get("ImageOrientationPatient")),
        kernel=kernel if _KERNEL.fullmatch(kernel) else "",
        thickness_mm=_positive(dataset, "SliceThickness"),
        contrast=None if not agent else agent not in {"NO", "NONE", "N"},
    )


def plane_of(orientation: object) -> str:
    """The plane of ImageOrientationPatient: the axis its normal is within 15 degrees of."""
    cosines = six_numbers(orientation)
    if cosines is None:
        return ""
    normal = np.abs(np.cross(cosines[:3], cosines[3:]))
    axis = int(np.argmax(normal))
    return ("sagittal", "coronal", "axial")[axis] if normal[axis] > 0.966 else "oblique"


def six_numbers(orientation: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
    """ImageOrientationPatient as numbers; None unless it is two unit vectors at right angles."""
    try:
        cosines = np.array([float(v) for v in orientation], dtype=np.float64)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None
    if cosines.shape != (6,) or not np.all(np.isfinite(cosines)):
        return None
    across, down = cosines[:3], cosines[3:]
    unit = abs(across @ across - 1) < 0.01 and abs(down @ down - 1) < 0.01
    return cosines if unit and abs(float(across @ down)) < 0.01 else None


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    if value is None:
        return ""
    if not isinstance(value, str) and hasattr(value, "__len__"):  # several values: the first
        value = value[0] if len(value) else ""
    return str(value).strip()


def _positive(dataset: Dataset, keyword: str) -> float | None:
    try:
        number = float(_text(dataset, keyword))
    except ValueError:
        return None
    return number if 0 < number < 1000 else None


def _age_years(dataset: Dataset) -> float | None:
    match = _AGE.fullmatch(_text(dataset, "PatientAge"))
    if match is None:
        return None
    years = int(match[1]) * _YEARS[match[2]]
    if years >= OLDEST_YEARS:
        return float(OLDEST_YEARS)
    return float(int(years)) if years >= 2 else round(years, 2)


def scrub_text(text: str) -> tuple[str, int]:
    """Blank what looks like an identifier in free text.

    Dates, telephone numbers, e-mail addresses, record and accession numbers, runs of six and more
    digits, and names after a title or a label become "[removed]"; a label before it stays.
    Measurements, laboratory values, ages, vertebral levels and eponyms stay.

    Returns:
        The text, and how many pieces were blanked.
    """
    removed = 0
    for pattern in PATTERNS:
        blank = rf"\g<label>{REMOVED}" if "label" in pattern.groupindex else REMOVED
        text, count = pattern.subn(blank, text)
        removed += count
    return text, removed
