"""A person's own cases: one JSON object a line, with the paths of images beside the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from evals.data.assemble import assemble, file_fault
from evals.data.dataset import Dataset, EvalCase
from evals.data.rows import read_rows
from evals.truth import Truth, read_truth
from tools.errors import UserError


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _TruthFields(_Strict):
    primary: str = Field(min_length=1)
    synonyms: tuple[str, ...] = ()
    broader: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    mask: tuple[str, ...] | None = None
    kind: str = ""
    rare: bool | None = None


class _CaseRow(_Strict):
    id: str = Field(min_length=1)
    history: str = ""
    exam: str = ""
    findings: str = ""
    age_years: float | None = Field(default=None, ge=0, le=130)
    sex: Literal["female", "male"] | None = None
    region: str = ""
    modality: str = ""
    images: tuple[str, ...] = ()
    study: tuple[str, ...] = ()
    truth: str | _TruthFields = ""
    patient: str = ""
    split: str = ""


def load_jsonl(path: Path, split: str, truth_path: Path | None) -> Dataset:
    """Read the cases.

    Args:
        path: The file; relative paths in it are below its folder.
        split: A value of the field `split`, or "all".
        truth_path: A truth.jsonl that stands before the truth in the cases; None for none.

    Raises:
        UserError: Names the line and the field that do not fit, or the case whose file is missing
            or lies outside the folder.
    """
    folder = path.parent
    truths = read_truth(truth_path) if truth_path else None
    return assemble("jsonl", folder, _cases(path), split=split, truths=truths)


def _cases(path: Path) -> Iterator[EvalCase]:
    for number, row in read_rows(path, _CaseRow):
        if not any((row.history, row.findings, row.images, row.study, row.age_years, row.sex)):
            raise UserError(
                f"{path}, line {number}: history: the case shows nothing; give it a history, "
                "findings, images or a study"
            )
        for field, names in (("images", row.images), ("study", row.study)):
            for place, name in enumerate(names):
                fault = file_fault(path.parent / name, path.parent)
                if fault:
                    raise UserError(f"{path}, line {number}: {field}.{place}: {fault}")
        yield EvalCase(
            id=row.id,
            patient=row.patient or row.id,
            age_years=row.age_years,
            sex=row.sex,
            region=row.region,
            modality=row.modality,
            history=row.history,
            exam=row.exam,
            findings=row.findings,
            pictures=tuple(path.parent / name for name in row.images),
            study=tuple(path.parent / name for name in row.study),
            split=row.split,
            truth=_truth(row.truth),
        )


def _truth(given: str | _TruthFields) -> Truth:
    if isinstance(given, str):
        return Truth(primary=given)
    fields = given.model_dump(exclude_none=True)
    return Truth(**fields)
