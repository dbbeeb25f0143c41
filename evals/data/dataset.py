"""A data set: scoreable cases with their truth, what was left out and why, and its hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from evals.truth import Truth


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalCase:
    """One case, unmasked: for the views and the matcher, never for an arm.

    Attributes:
        patient: The same for all cases of one patient; the case's own id where nothing else is
            known.
        age_years: 90 and over is 90.
        region, modality: In plain words; "CT and MR" for a case with both.
        pictures: Screenshots (PNG, JPEG), in the data set's order.
        study: DICOM files or folders, or NIfTI files: data in HU, where there are any.
        split: Which part of the data set it belongs to; "" where there are no parts.
    """

    id: str
    patient: str
    age_years: float | None = None
    sex: Literal["female", "male"] | None = None
    region: str = ""
    modality: str = ""
    history: str = ""
    exam: str = ""
    findings: str = ""
    pictures: tuple[Path, ...] = ()
    study: tuple[Path, ...] = ()
    split: str = ""
    truth: Truth


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """The scoreable cases in the order of their ids.

    Attributes:
        split: That was asked for; "all" for every case.
        exclusions: Case id to why it is not in the denominator.
        sha256: Over everything that is read of it but the truth.
        truth_sha256: Of the curated truth; "" when the titles are the truth.
        files: SHA-256 of each file that the cases name, by its path below the folder.
    """

    name: str
    split: str = "all"
    cases: tuple[EvalCase, ...]
    exclusions: Mapping[str, str]
    sha256: str
    truth_sha256: str
    files: Mapping[str, str] = field(default_factory=dict)
