"""What may be known of a series outside the artifact store: no pixels, nothing that identifies."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Series(BaseModel):
    """A series of a case, by reference.

    `kind` says what may be done with it: a "volume" has one geometry and may be measured when its
    spacing is known; "slices" have values but no geometry that can be trusted, so they are only
    looked at; an "image" is a screenshot or a radiograph, shown as it is ("as displayed").

    Attributes:
        contrast_phase: "non-contrast", "arterial", "portal venous", "delayed" ..., or "".
        sequence: Of MR: "T1", "T2", "FLAIR", "DWI" ..., or "".
        origin: What it was read from.
        limits: What the series cannot show or cannot be used for, and why.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = ""
    ref: str
    kind: Literal["volume", "slices", "image"]
    modality: str
    unit: Literal["HU", "stored", "display"]
    slices: int
    rows: int
    columns: int
    spacing_mm: tuple[float, float, float] | None = None
    thickness_mm: float | None = None
    body_part: str = ""
    plane: str = ""
    kernel: str = ""
    contrast: bool | None = None
    contrast_phase: str = ""
    sequence: str = ""
    origin: Literal["DICOM", "NIfTI", "picture"] = "DICOM"
    limits: tuple[str, ...] = ()
