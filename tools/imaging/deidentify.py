"""What may leave loading: a few header values from closed lists.

Nothing else of a header goes further, so there is no list of tags to blank and none to forget.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np

from tools.imaging.acquisition import contrast_phase, mr_sequence
from tools.scrub import scrub_text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["BODY_PARTS", "MODALITIES", "Derived", "derived", "plane_of", "scrub_text"]

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
    {"CT", "MR", "CR", "DX", "XA", "RF", "MG", "PT", "NM", "IO", "PX", "XC", "ES", "US", "OT"}
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
        contrast_phase: One of acquisition.PHASES, or "".
        sequence: Of MR, one of acquisition.SEQUENCES, or "".
    """

    age_years: float | None
    sex: Literal["female", "male"] | None
    body_part: str
    modality: str
    plane: str
    kernel: str
    thickness_mm: float | None
    contrast: bool | None
    contrast_phase: str = ""
    sequence: str = ""


def derived(dataset: Dataset) -> Derived:
    """Read the permitted values out of a header; what is odd is left empty, never passed on."""
    part = _text(dataset, "BodyPartExamined").upper()
    modality = _text(dataset, "Modality").upper()
    kernel = _text(dataset, "ConvolutionKernel")
    sex = _text(dataset, "PatientSex").upper()
    agent = _text(dataset, "ContrastBolusAgent").upper()
    contrast = None if not agent else agent not in {"NO", "NONE", "N"}
    return Derived(
        age_years=_age_years(dataset),
        sex="female" if sex == "F" else "male" if sex == "M" else None,
        body_part=part if part in BODY_PARTS else "",
        modality=modality if modality in MODALITIES else "OT",
        plane=plane_of(dataset.get("ImageOrientationPatient")),
        kernel=kernel if _KERNEL.fullmatch(kernel) else "",
        thickness_mm=_positive(dataset, "SliceThickness"),
        contrast=contrast,
        contrast_phase=contrast_phase(dataset) or ("non-contrast" if contrast is False else ""),
        sequence=mr_sequence(dataset) if modality == "MR" else "",
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
    years = _years_between(dataset) if match is None else int(match[1]) * _YEARS[match[2]]
    if years is None:
        return None
    if years >= OLDEST_YEARS:
        return float(OLDEST_YEARS)
    return float(int(years)) if years >= 2 else round(years, 2)


def _years_between(dataset: Dataset) -> float | None:
    """Age at the study by the two dates, for headers that give no age."""
    try:
        born, seen = (
            date.fromisoformat(_text(dataset, keyword))
            for keyword in ("PatientBirthDate", "StudyDate")
        )
    except ValueError:
        return None
    return (seen - born).days / 365.25 if born <= seen else None
