"""Orphanet's nomenclature spreadsheets: the list of rare diseases and the master file.

The list holds a row a name, in alphabetical order, so names are gathered by ORPHAcode: memory
grows with the diseases (ten thousand), the workbook itself is streamed. The master file holds the
codes meant for sharing data, with ICD-10 and ICD-11 codes, a row a synonym.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from knowledge.importers.log import ImportLog, Upstream
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError

LICENCE = "CC BY 4.0"
_GROUP = "Group of disorders"
_LIST = ("orphacode", "label", "type of label", "classification level")
_INACTIVE = ("inactive orphacode", "classification level", "status")
_MASTER = ("orphacode", "preferredterm", "synonyms")
_ICD = {"icdcodes": "ICD-10", "icd-11 mms codes": "ICD-11"}
_RELEASE = re.compile(r"\b([A-Z][a-z]+ 20\d\d) release")
_HEAD = 40  # rows of a sheet that may hold its release

Row = tuple[Any, ...]


@dataclass(slots=True)
class _Disorder:
    name: str = ""
    level: str = ""
    synonyms: dict[str, None] = field(default_factory=dict)
    codes: dict[str, None] = field(default_factory=dict)


def read_sheets(path: Path, log: ImportLog) -> Iterator[ImportedDisease]:
    """Every active disorder and subtype of a workbook.

    Raises:
        KnowledgeError: If openpyxl is not installed, the file is no workbook, or no sheet has the
            columns of the list or of the master file.
    """
    workbook = _open(path)
    try:
        found: dict[str, _Disorder] = {}
        release, is_list, seen = "", False, []
        for sheet in workbook:
            with warnings.catch_warnings():
                # of extensions of the format that hold no cells
                warnings.filterwarnings("ignore", module=r"openpyxl\.worksheet\._reader")
                rows: Iterator[Row] = iter(sheet.iter_rows(values_only=True))
                head = next(rows, ())
                columns = [_text(cell).casefold() for cell in head]
                seen.append(f"{sheet.title}: {', '.join(filter(None, columns))[:80]}")
                if all(c in columns for c in _INACTIVE):
                    _count_inactive(rows, columns, log)
                elif all(c in columns for c in _LIST):
                    is_list = True
                    _gather(rows, columns, found, _from_list)
                elif all(c in columns for c in _MASTER):
                    _gather(rows, columns, found, _from_master)
                else:
                    release = release or _release(islice((head, *islice(rows, _HEAD)), _HEAD))
        if not found:
            raise KnowledgeError(
                f"{path.name} has no sheet with the columns {', '.join(_LIST)} (list of rare "
                f"diseases) or {', '.join(_MASTER)} (master file); its sheets: {'; '.join(seen)}"
            )
        changed = workbook.properties.modified
        log.upstream = Upstream(
            name="orphanet" if is_list else "orphanet-master",
            title="Orphanet nomenclature, " + ("list of rare diseases" if is_list else "master"),
            url="https://www.orphadata.com/pack-nomenclature/",
            licence=LICENCE,
            version=f"{release} release" if release else changed.date().isoformat(),
        )
        yield from _diseases(found, log)
    finally:
        workbook.close()


def _open(path: Path) -> Any:
    try:
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException
    except ModuleNotFoundError as error:
        raise KnowledgeError(
            "Orphanet's spreadsheets are read with openpyxl, which is not installed: "
            "pip install openpyxl"
        ) from error
    try:
        return openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, InvalidFileException) as error:
        raise KnowledgeError(
            f"{path.name} is no .xlsx workbook ({error}); download it again from Orphadata"
        ) from error


def _gather(
    rows: Iterable[Row],
    columns: Sequence[str],
    found: dict[str, _Disorder],
    take: Callable[[dict[str, str], _Disorder], None],
) -> None:
    for row in rows:
        # openpyxl leaves out the empty cells at the end of a row.
        cells = {c: _text(v) for c, v in zip_longest(columns, row[: len(columns)]) if c}
        number = cells["orphacode"].removeprefix("ORPHA:")
        if number.isdecimal():
            take(cells, found.setdefault(number, _Disorder()))


def _from_list(cells: dict[str, str], disorder: _Disorder) -> None:
    disorder.level = cells["classification level"]
    if cells["type of label"].casefold() == "main name":
        disorder.name = cells["label"]
    elif cells["label"]:
        disorder.synonyms[cells["label"]] = None


def _from_master(cells: dict[str, str], disorder: _Disorder) -> None:
    disorder.name = disorder.name or cells["preferredterm"]
    if cells["synonyms"]:
        disorder.synonyms[cells["synonyms"]] = None
    for column, scheme in _ICD.items():
        if code := cells.get(column):
            disorder.codes[f"{scheme}:{code}"] = None


def _diseases(found: dict[str, _Disorder], log: ImportLog) -> Iterator[ImportedDisease]:
    for number, disorder in found.items():
        if disorder.level == _GROUP:
            log.skip("group of disorders, no diagnosis")
        elif not disorder.name:
            log.skip("no main name", f"ORPHA:{number}")
        else:
            yield ImportedDisease(
                id=f"orpha-{number}",
                name=disorder.name,
                synonyms=tuple(s for s in disorder.synonyms if s != disorder.name),
                codes=(f"ORPHA:{number}", *disorder.codes),
            )


def _count_inactive(rows: Iterable[Row], columns: Sequence[str], log: ImportLog) -> None:
    code, status = columns.index("inactive orphacode"), columns.index("status")
    for row in rows:
        if len(row) > status and _text(row[code]):
            log.skip(f"{_text(row[status]).casefold() or 'inactive'} code")


def _release(rows: Iterable[Row]) -> str:
    cells = (_text(cell) for row in rows for cell in row)
    return next((m.group(1) for cell in cells if (m := _RELEASE.search(cell))), "")


def _text(cell: object) -> str:
    return " ".join(str(cell).split()) if cell is not None else ""
