"""MedPix 2.0's layout on disk, read into cases that keep only what a view may show.

Siragusa et al., Data Science and Engineering 2025, doi 10.1007/s41019-025-00297-8. The fields in
which authors name the answer (Differential Diagnosis, Case Diagnosis, Discussion, Topic, captions,
file names ...) are not in the models below, so they are dropped while the JSON is read.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from evals.data.dataset import Dataset, EvalCase
from evals.data.files import FileHashes
from evals.data.titles import truth_from_title
from evals.truth import Truth, read_truth
from tools.errors import UserError

T = TypeVar("T")

_FILES = ("Case_topic.json", "Descriptions.json", "splitted_dataset/uid_list.json")
_REGION_BY_BODY_PART: Mapping[str, str] = {
    "Head": "head",
    "Thorax": "thorax",
    "Abdomen": "abdomen",
    "Reproductive and Urinary System": "urinary and reproductive system",
    "Spine and Muscles": "musculoskeletal system",
}
_REGION_BY_ORGAN_SYSTEM: Mapping[str, str] = {
    "Head and Neck": "head and neck",
    "Eye and Orbit": "orbit",
    "Spine": "spine",
}
_YEARS_PER: Mapping[str, float] = {
    "y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25, "h": 1 / 8766
}  # fmt: skip
_AGE = re.compile(  # the unit is a word of its own: "45 male" is no 45 months
    r"(\d+(?:\.\d+)?)[\s-]*(?:([ymwdh])(?:o|os|rs?|ths?|ks?|ears?|onths?|eeks?|ays?|ours?)?\b)?",
    re.IGNORECASE,
)


def clean_text(text: str | None) -> str:
    """Entities decoded, line breaks and runs of blanks made one blank; "N/A" is empty."""
    plain = re.sub(r"<br\s*/?>", " ", html.unescape(text or ""), flags=re.IGNORECASE)
    plain = " ".join(plain.split())
    return "" if plain.casefold() in ("n/a", "na", "none") else plain


CleanText = Annotated[str, BeforeValidator(clean_text)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _CaseText(_Row):
    title: CleanText = Field(alias="Title")
    history: CleanText = Field(default="", alias="History")
    exam: CleanText = Field(default="", alias="Exam")
    findings: CleanText = Field(default="", alias="Findings")


class _CaseRow(_Row):
    id: str = Field(alias="U_id")
    text: _CaseText = Field(alias="Case")


class _ImageText(_Row):
    age: CleanText = Field(default="", alias="Age")
    sex: CleanText = Field(default="", alias="Sex")


class _ImageRow(_Row):
    id: str = Field(alias="U_id")
    name: str = Field(default="", alias="image")
    modality: CleanText = Field(alias="Type")
    text: _ImageText = Field(alias="Description")
    organ_system: CleanText = Field(default="", alias="Location")
    body_part: CleanText = Field(default="", alias="Location Category")


def load_medpix(folder: Path, split: str, truth_path: Path | None) -> Dataset:
    """Read a MedPix 2.0 folder.

    Args:
        folder: Holds Case_topic.json, Descriptions.json and splitted_dataset/uid_list.json.
        split: A key of uid_list.json, or "all".
        truth_path: A truth.jsonl; None takes the folder's own, or the titles when it has none.

    Raises:
        UserError: Names the file that is missing or does not fit, or the split that is not there.
    """
    for name in _FILES:
        if not (folder / name).is_file():
            raise UserError(
                f"{folder / name} is missing: --data takes a MedPix 2.0 folder with "
                f"{', '.join(_FILES)}"
            )
    own_truth = folder / "truth.jsonl"
    if truth_path is None and own_truth.is_file():
        truth_path = own_truth
    rows = {row.id: row for row in _read(folder / _FILES[0], list[_CaseRow])}
    images: dict[str, list[_ImageRow]] = {}
    for image in _read(folder / _FILES[1], list[_ImageRow]):
        images.setdefault(image.id, []).append(image)
    splits = _read(folder / _FILES[2], dict[str, list[str]])
    if split != "all" and split not in splits:
        raise UserError(f"no split {split!r} in {folder / _FILES[2]}: it has {', '.join(splits)}")
    truths = read_truth(truth_path) if truth_path else None

    wanted = [i for key, ids in splits.items() if split in ("all", key) for i in ids]
    cases: list[EvalCase] = []
    exclusions: dict[str, str] = {}
    for case_id in sorted(set(wanted)):
        if case_id not in rows:
            raise UserError(
                f"{folder / _FILES[2]} lists {case_id}, which {_FILES[0]} does not hold"
            )
        row = rows[case_id]
        truth = truth_from_title(row.text.title) if truths is None else truths.get(case_id)
        if truth is None:
            exclusions[case_id] = "the truth file has no line for it"
        elif not truth.scoreable:
            exclusions[case_id] = truth.why_not or "not scoreable"
        else:
            cases.append(_case(row, images.get(case_id, []), truth, folder / "images"))
    return Dataset(
        name="medpix",
        split=split,
        cases=tuple(cases),
        exclusions=exclusions,
        sha256=_sha256(*(folder / name for name in _FILES)),
        truth_sha256=_sha256(truth_path) if truth_path else "",
        files=FileHashes(folder, [path for case in cases for path in case.pictures]),
    )


def age_in_years(text: str) -> float | None:
    """The age written in a record: "45", "45 yo", "9 months", "2wk", "36 hours".

    MedPix writes a bare 0 for infants and for ages nobody filled in, adults among them, so a bare
    0 is no age. From 90 on the age is 90, as a case may not tell more.
    """
    match = _AGE.search(text)
    if match is None:
        return None
    unit = (match[2] or "y").casefold()
    years = float(match[1]) * _YEARS_PER[unit]
    if (years == 0 and not match[2]) or years > 130:
        return None
    return min(years, 90.0)


def _case(row: _CaseRow, images: list[_ImageRow], truth: Truth, folder: Path) -> EvalCase:
    first = images[0] if images else None
    sex = first.text.sex.casefold() if first else ""
    region = ""
    if first:
        region = _REGION_BY_ORGAN_SYSTEM.get(first.organ_system) or _REGION_BY_BODY_PART.get(
            first.body_part, first.body_part.casefold()
        )
    return EvalCase(
        id=row.id,
        patient=row.id,
        age_years=age_in_years(first.text.age) if first else None,
        sex="female" if sex == "female" else "male" if sex == "male" else None,
        region=region,
        modality=" and ".join(sorted({image.modality for image in images})),
        history=row.text.history,
        exam=row.text.exam,
        findings=row.text.findings,
        pictures=tuple(_pictures(images, folder)),
        truth=truth,
    )


def _pictures(images: list[_ImageRow], folder: Path) -> Iterator[Path]:
    """Those there are, in the data set's order; a case without pictures is one for text views."""
    for name in dict.fromkeys(image.name for image in images):
        path = folder / f"{name}.png"
        if path.parent == folder and path.is_file():
            yield path


def _read(path: Path, shape: type[T]) -> T:
    try:
        return TypeAdapter(shape).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(
            f"{path}: {where}: {first['msg']}; take the file as MedPix 2.0 ships it"
        ) from error


def _sha256(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
