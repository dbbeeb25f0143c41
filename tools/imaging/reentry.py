"""What a de-identified data set says again: values of `Derived`, and how it was de-identified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.imaging.deidentify import Derived

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

METHOD = ["PS3.15 basic profile 2026c", "kept: age, 90 and over as 90; sex; listed descriptors"]
# De-identification methods (PS3.16 CID 7050); the options are set only with a value they stand for.
_BASIC_PROFILE = ("113100", "Basic Application Confidentiality Profile")
_CLEAN_DESCRIPTORS = ("113105", "Clean Descriptors Option")
_PATIENT_CHARACTERISTICS = ("113108", "Retain Patient Characteristics Option")


def enter_derived(clean: Dataset, keep: Derived) -> list[str]:
    """Write the permitted values into a de-identified data set, and say what was done to it.

    Contrast phase and MR sequence go, in their closed words, into SeriesDescription, where
    `derived` finds them again.

    Returns:
        The keywords of the values written.
    """
    from pydicom.dataset import Dataset

    options = [_BASIC_PROFILE]
    words = " ".join(word for word in (keep.sequence, keep.contrast_phase) if word)
    if words or keep.body_part or keep.kernel:
        options.append(_CLEAN_DESCRIPTORS)
    if keep.age_years is not None or keep.sex is not None:
        options.append(_PATIENT_CHARACTERISTICS)
    brought = {
        "PatientAge": "" if keep.age_years is None else _age_string(keep.age_years),
        "PatientSex": {"female": "F", "male": "M", None: ""}[keep.sex],
        "SeriesDescription": words,
        "BodyPartExamined": keep.body_part,
        "ConvolutionKernel": keep.kernel,
        "ContrastBolusAgent": {True: "CONTRAST", False: "NONE", None: ""}[keep.contrast],
    }
    entered = [keyword for keyword, value in brought.items() if value]
    for keyword in entered:
        setattr(clean, keyword, brought[keyword])
    clean.PatientIdentityRemoved = "YES"
    clean.DeidentificationMethod = METHOD
    codes = []
    for value, meaning in options:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
        codes.append(code)
    clean.DeidentificationMethodCodeSequence = codes
    clean.LongitudinalTemporalInformationModified = "REMOVED"
    return entered


def _age_string(years: float) -> str:
    """DICOM's age string, in years, below two in months, below one month in days."""
    if years >= 2:
        return f"{int(years):03d}Y"
    return f"{round(years * 12):03d}M" if years * 12 >= 1 else f"{round(years * 365.25):03d}D"
