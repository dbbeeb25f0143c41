"""Which DICOM objects may carry a name or a face in their pixels, judged by class and header.

Text in pixels cannot be ruled out by looking for it, so whole classes are held back until a person
has looked at them. A reconstructed head is not held back: its skin can be rendered as a face, which
no header tells (see docs/privacy.md).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.imaging.frames import PROJECTIONS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_STORAGE = "1.2.840.10008.5.1.4.1.1"
_SECONDARY_CAPTURE = (f"{_STORAGE}.7",)
_ULTRASOUND = (f"{_STORAGE}.3", f"{_STORAGE}.6")  # with the retired classes of both
_DOCUMENT = (f"{_STORAGE}.104",)
_PROJECTION = (f"{_STORAGE}.1", f"{_STORAGE}.12", f"{_STORAGE}.13.1.3")  # CR, DX, MG, XA, RF
_HARDCOPY = ("1.2.840.10008.5.1.1.29", "1.2.840.10008.5.1.1.30")  # retired: printed film
_PLACED = (f"{_STORAGE}.2", f"{_STORAGE}.4", f"{_STORAGE}.128")  # CT, MR and PET: slices
_VISIBLE_LIGHT = (f"{_STORAGE}.68", f"{_STORAGE}.77.1", f"{_STORAGE}.77.2")  # and surface scans
_PHOTOGRAPHS = frozenset({"DMS", "ES", "GM", "OP", "SM", "XC"})  # modalities in visible light
# How a picture got into the PACS (Conversion Type, PS3.3 C.8.6.1): paper, film, video, drawing.
_CONVERTED = frozenset({"DF", "DI", "DRW", "DV", "SD", "SI", "WSD"})
# Image types of scanners' screens: "SCREEN SAVE", "DOSE_INFO", "CT_SOM5 PROT", "CSA REPORT".
_SCREEN = re.compile(r"SCREEN|CAPTURE|DOSE|\bPROT(?:OCOL)?\b|REPORT")
_SCREEN_SERIES = re.compile(
    r"(?<![a-z])(?:dose[\s_-]?(?:report|info|summary|record|page)|patient[\s_-]protocol"
    r"|screen[\s_-]?(?:save|shot|capture))",
    re.IGNORECASE,
)


def quarantine_reason(dataset: Dataset) -> str:
    """Why the pixels of an object may identify the patient, in words that hold no header value.

    Args:
        dataset: A header, with or without its pixels.

    Returns:
        "it is ultrasound, which has names written into its pixels" and the like; "" when nothing
        in the header says so, which is no proof that the pixels are clean.
    """
    media = str(dataset.get("SOPClassUID", "")).strip()
    modality = str(dataset.get("Modality", "")).strip().upper()
    kinds = {str(v).strip().upper() for v in _values(dataset, "ImageType")}
    if _is_of(media, _DOCUMENT) or modality == "DOC":
        return "it is an encapsulated document, which may identify the patient"
    if _is_of(media, _ULTRASOUND) or modality in {"US", "IVUS"}:
        return "it is ultrasound, which has names written into its pixels"
    if _says_yes(dataset, "BurnedInAnnotation"):
        return "it has text written into its pixels, which may identify the patient"
    if _says_yes(dataset, "RecognizableVisualFeatures"):
        return "its header says that the patient can be recognised in it"
    if _is_of(media, _VISIBLE_LIGHT) or modality in _PHOTOGRAPHS:
        return "it is a photograph or surface scan, which may show a face or a label"
    if _is_of(media, _SECONDARY_CAPTURE) or (modality != "RTDOSE" and _is_screen(dataset, kinds)):
        return "it is a screen capture or dose page, which may identify the patient"
    if media in _PLACED and "SECONDARY" in kinds and "ImageOrientationPatient" not in dataset:
        return "it is a derived picture without a place in the patient, perhaps of a screen"
    if (
        str(dataset.get("ConversionType", "")).strip().upper() in _CONVERTED
        or _is_of(media, _HARDCOPY)
        or modality == "HC"
    ):
        return "it is a scanned film or document, which may identify the patient"
    if _number(dataset, "SamplesPerPixel") > 1 or "PALETTE" in str(
        dataset.get("PhotometricInterpretation", "")
    ):
        return "it is in colour: a screen or dose page, which may identify the patient"
    return ""


def is_projection(dataset: Dataset) -> bool:
    """Whether an object is a radiograph or the like by its class or modality."""
    modality = str(dataset.get("Modality", "")).strip().upper()
    return modality in PROJECTIONS or _is_of(str(dataset.get("SOPClassUID", "")), _PROJECTION)


def _is_of(media: str, roots: tuple[str, ...]) -> bool:
    """Whole components only: 1.1.66 is a segmentation, and no kind of 1.1.6."""
    return any(media == root or media.startswith(f"{root}.") for root in roots)


def _is_screen(dataset: Dataset, kinds: set[str]) -> bool:
    said = str(dataset.get("SeriesDescription", ""))
    return any(_SCREEN.search(kind) for kind in kinds) or bool(_SCREEN_SERIES.search(said))


def _says_yes(dataset: Dataset, keyword: str) -> bool:
    return str(dataset.get(keyword, "")).strip().upper() == "YES"


def _number(dataset: Dataset, keyword: str) -> int:
    """A header's number, 1 when it is missing; one that is no number counts as suspicious."""
    try:
        return int(dataset.get(keyword) or 1)
    except (TypeError, ValueError):
        return 2


def _values(dataset: Dataset, keyword: str) -> list[object]:
    value = dataset.get(keyword)
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)
