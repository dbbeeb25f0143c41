"""Case: what the planner may see of a patient, and how paths and attachments become one."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from agent.attachments import Attachment, NamedPath
from agent.faults import first_fault
from agent.roots import below_roots
from agent.settings import Settings
from tools.errors import UserError
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore

_SUFFIXES = (
    (b"\x1f\x8b", ".nii.gz"),
    (b"PK\x03\x04", ".zip"),
    (b"\x89PNG", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
)


class Case(BaseModel):
    """History, demographics and series by reference; nothing that identifies a patient.

    Attributes:
        history: The request in words.
        findings_text: Findings supplied in text (a report's findings section).
        age_years: 90 and over is 90.
        region, modality: Of the study, in plain words, when no header gives them.
        series: By reference into the artifact store, the chosen one first, then best first.
        taken_back: What the history says and the person denied later ("fever"); weighs nothing.
        chosen: Why the first series was chosen; "" for one series or none.
        limits: What was left out or cannot be shown, and why.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    history: str = ""
    findings_text: str = ""
    age_years: float | None = Field(default=None, ge=0, le=130)
    sex: Literal["female", "male"] | None = None
    region: str = ""
    modality: str = ""
    series: tuple[Series, ...] = ()
    taken_back: tuple[str, ...] = ()
    chosen: str = ""
    limits: tuple[str, ...] = ()

    @field_validator("age_years")
    @classmethod
    def _pooled(cls, age_years: float | None) -> float | None:
        return None if age_years is None else min(age_years, 90.0)

    @field_validator("history", "findings_text", "region", "modality")
    @classmethod
    def _encodable(cls, words: str) -> str:
        """A byte that was no UTF-8 on the command line becomes a question mark."""
        return words.encode("utf-8", "replace").decode("utf-8")

    @classmethod
    def load(
        cls,
        paths: Sequence[str | Path],
        *,
        settings: Settings | None = None,
        first_series: str = "",
        release_quarantined: bool = False,
        **described: Any,
    ) -> Self:
        """Read a study and keep its pixels; headers leave only what medicine needs.

        Args:
            paths: DICOM files, folders or zips with DICOM, NIfTI files, PNG, JPEG or WebP images.
            settings: Where the pixels are kept.
            first_series: Id of the series to read first ("S2"), instead of the one that fits best.
            release_quarantined: The person has checked the pixels of ultrasound, screen captures
                and the like: no name stands in them, and they may be looked at.
            described: The other fields of a Case; age and sex given here beat the header's, and
                modality says what a NIfTI file is.

        Raises:
            UserError: One line on what cannot be read and what is accepted.
        """
        from tools.imaging.deidentify import scrub_text

        if first_series and not paths:
            raise UserError(f"there is no series {first_series!r}: no images were given")
        settings = settings or Settings()
        settings.open_cache()
        store = ArtifactStore(settings.artifact_dir)
        for words in ("history", "findings_text", "region", "modality"):
            if described.get(words):
                described[words] = scrub_text(described[words])[0]
        reading = Reading(
            question=" ".join(str(described.get(k) or "") for k in ("history", "region")),
            modality=str(described.get("modality") or ""),
            first_series=first_series,
            release_quarantined=release_quarantined,
            keeps_instances=settings.vision_dicom_store is not None,
        )
        loaded = keep_images(paths, store, reading=reading) if paths else {}
        given = {k: v for k, v in described.items() if v is not None}
        try:
            return cls(**{**loaded, **given})
        except ValidationError as error:
            where, fault = first_fault(error)
            raise UserError(f"{where}: {fault.lower()}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How paths are to be read.

    Attributes:
        question: What the study is asked, in words: the quality gate compares it with what the
            images show.
        modality: Of files that do not say it (NIfTI), "" when nobody does.
        first_series: The id that the person wants first.
        release_quarantined: As in Case.load.
        first_number: Number of the first series, 1 for a new case.
        keeps_instances: Keep, with the pixels, where each slice lies in a DICOM store. These are
            original UIDs, so it is for a person who has named the store to read it from.
    """

    question: str = ""
    modality: str = ""
    first_series: str = ""
    release_quarantined: bool = False
    first_number: int = 1
    keeps_instances: bool = False


def keep_images(
    paths: Sequence[str | Path], store: ArtifactStore, *, reading: Reading
) -> dict[str, Any]:
    """Load paths into the store; returns series, chosen, age_years, sex and limits for a Case."""
    from tools.imaging.files import load_paths
    from tools.imaging.fit import choose
    from tools.imaging.quality import limits_of

    loaded = load_paths(
        [Path(p) for p in paths],
        release_quarantined=reading.release_quarantined,
        modality=reading.modality,
    )
    kept: list[Series] = []
    for number, (one, volume) in enumerate(loaded.volumes, start=reading.first_number):
        limits = (*one.limits, *limits_of(one, volume, question=reading.question))
        kept_volume = volume if reading.keeps_instances else replace(volume, instances=None)
        update = {"id": f"S{number}", "ref": store.put(kept_volume), "limits": limits}
        kept.append(one.model_copy(update=update))
    chosen = loaded.chosen if reading.first_number == 1 else ""
    if reading.first_series:
        order = choose(kept, reading.first_series)
        kept = [kept[index] for index in order]
        chosen = f"{kept[0].id} was chosen by the person"
    return {
        "series": tuple(kept),
        "chosen": chosen,
        "age_years": loaded.age_years,
        "sex": loaded.sex,
        "limits": tuple(loaded.notes),
    }


def keep_attachments(
    attachments: Sequence[Attachment | NamedPath],
    store: ArtifactStore,
    *,
    reading: Reading,
    roots: Sequence[Path] = (),
) -> dict[str, Any]:
    """The same for what came with a message: bytes touch the disk only while being read.

    Raises:
        UserError: Also for a path that lies below none of the roots.
    """
    with tempfile.TemporaryDirectory(prefix="hoofbeat-") as folder:
        paths = []
        for number, attachment in enumerate(attachments, start=1):
            if isinstance(attachment, NamedPath):
                paths.append(below_roots(attachment.path, roots))
                continue
            if not attachment.content:
                raise UserError(f"attachment {number} is empty")
            suffix = next(
                (s for magic, s in _SUFFIXES if attachment.content.startswith(magic)), ".bin"
            )
            path = Path(folder) / f"attachment-{number}{suffix}"
            path.write_bytes(attachment.content)
            paths.append(path)
        return keep_images(paths, store, reading=reading)
