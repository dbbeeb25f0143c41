"""A made-up patient whose names and numbers stand wherever files and requests carry them."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from tools.imaging.phantom import write_phantom
from tools.imaging.phantom_lesions import Lesion

HISTORY = (
    "Mrs Amelia Holloway, MRN 4471902, born 14/07/1951, seen at St Brannoc Hospital on 2024-03-17 "
    "by Dr Tobias Quistberg, tel. 020 7946 0142. Dyspnea on exertion for two years."
)
FINDINGS = "CT: thin-walled cysts in both lungs. Reported by Dr Tobias Quistberg, 2024-03-18."
VALUES = (
    "Holloway", "Amelia", "4471902", "14/07/1951", "19510714", "Brannoc", "2024-03-17", "20240317",
    "2024-03-18", "Quistberg", "7946 0142", "QX7781423", "1.2.826.0.1.99.44719021",
)  # fmt: skip
_TAGS = {
    "PatientName": "HOLLOWAY^AMELIA", "PatientID": "4471902", "PatientBirthDate": "19510714",
    "PatientAge": "072Y", "PatientSex": "F", "StudyDate": "20240317", "SeriesDate": "20240317",
    "InstitutionName": "St Brannoc Hospital", "ReferringPhysicianName": "QUISTBERG^TOBIAS",
    "AccessionNumber": "QX7781423", "SeriesDescription": "Lung Mrs Holloway 20240317",
    "StudyDescription": "CT thorax HOLLOWAY", "PatientComments": "Call Amelia on 020 7946 0142",
    "StudyInstanceUID": "1.2.826.0.1.99.44719021.1", "OtherPatientNames": "Holloway^Amelia Jane",
}  # fmt: skip


def write_study(folder: Path, *, comments: str = "") -> list[Path]:
    """A small chest CT of the patient, in a folder and files named after her.

    Args:
        folder: Where the study's folder is made.
        comments: For PatientComments, instead of the patient's own.
    """
    from pydicom import dcmread

    study = folder / "HOLLOWAY_AMELIA_4471902"
    files = []
    for path in write_phantom(study, lesion=Lesion.NONE, seed=4, shape=(10, 96, 96)):
        dataset = dcmread(path)
        for keyword, value in _TAGS.items():
            setattr(dataset, keyword, value)
        if comments:
            dataset.PatientComments = comments
        dataset.save_as(path, enforce_file_format=True)
        files.append(path.rename(path.with_name(f"Holloway 20240317 {path.name}")))
    return files


def blocks(files: Iterable[Path]) -> list[dict[str, str]]:
    """The files as a chat client attaches them."""
    return [
        {
            "type": "file",
            "mime_type": "application/dicom",
            "base64": base64.b64encode(path.read_bytes()).decode(),
            "filename": path.name,
        }
        for path in files
    ]


def encoded(path: Path) -> str:
    """A piece of the file as it stands in base64: its header, with the name in it."""
    return base64.b64encode(path.read_bytes()).decode()[600:680]


def traces(content: bytes | str, *more: str) -> list[str]:
    """The values of the patient, and those given, that stand in some bytes, in any case."""
    text = content if isinstance(content, str) else content.decode("latin-1")
    text = text.lower()
    return [value for value in (*VALUES, *more) if value.lower() in text]


def traces_below(folder: Path, *more: str) -> dict[str, list[str]]:
    """The same for every file below a folder, by name; those with none left out."""
    found = {
        str(path.relative_to(folder)): traces(path.read_bytes(), *more)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return {name: values for name, values in found.items() if values}


def rows_of(database: Path) -> bytes:
    """Every value of every row: a long one lies on several pages of the file, cut in pieces."""
    kept: list[bytes] = []
    with sqlite3.connect(database) as base:
        tables = [
            name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for table in tables:
            for row in base.execute(f"SELECT * FROM {table}"):
                kept += [v if isinstance(v, bytes) else str(v).encode() for v in row]
    base.close()
    return b"\n".join(kept)
