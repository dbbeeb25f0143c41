"""The user's own table of diseases: CSV with a header."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from knowledge.importers.log import ImportLog, Upstream
from knowledge.importers.prose import codes, listed, passages, slug
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError

_ACCEPTED = ("name", "synonyms", "codes", "text", "licence")
_SPELLED = {"license": "licence"}
_ROW = "name,synonyms,codes,text,licence"


def read_table(path: Path, log: ImportLog) -> Iterator[ImportedDisease]:
    """A disease a row, streamed. Synonyms and codes are separated by "|".

    Raises:
        KnowledgeError: On a header that does not fit, bytes that are not UTF-8, or a row that is
            no CSV, with the line.
    """
    if not path.is_file():
        raise KnowledgeError(f"{path} is no file; csv reads one .csv file with a header {_ROW!r}")
    name = slug(path.stem) or "table"
    log.upstream = Upstream(name=name, title=path.name, url="", licence="")
    with path.open(encoding="utf-8-sig", newline="") as file:
        delimiter = _delimiter(file)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        line = 0
        try:
            columns = _columns(next(reader, []), path)
            line = reader.line_num
            for row in reader:
                first, line = line + 1, reader.line_num
                if any(cell.strip() for cell in row):
                    disease = _disease(row, columns, name, f"line {first}", log)
                    if disease is not None:
                        yield disease
        except UnicodeDecodeError as error:
            raise KnowledgeError(
                f"{path.name} is not UTF-8 after line {line} (byte {error.object[error.start]:#x}, "
                f"{error.reason}); save it as UTF-8"
            ) from error
        except csv.Error as error:
            raise KnowledgeError(
                f"{path.name}, line {line + 1}: {error}; quote a cell that holds {delimiter!r}, "
                'a line break or a quotation mark, and double the mark inside ("")'
            ) from error


def _columns(header: list[str], path: Path) -> tuple[str, ...]:
    named = tuple(c.strip().casefold() for c in header)
    columns = tuple(_SPELLED.get(c, c) for c in named)
    unknown = [c for c in columns if c not in _ACCEPTED]
    if "name" not in columns or unknown or len(set(columns)) < len(columns):
        raise KnowledgeError(
            f"{path.name}, line 1: the header is {', '.join(map(repr, header)) or 'empty'}; "
            f"accepted are {', '.join(_ACCEPTED)}, each at most once, of which only name is needed"
        )
    return columns


def _disease(
    row: list[str], columns: tuple[str, ...], source: str, place: str, log: ImportLog
) -> ImportedDisease | None:
    if len(row) != len(columns):
        log.skip("row has another number of cells than the header", place)
        return None
    cells = {c: v.strip() for c, v in zip(columns, row, strict=True)}
    name = " ".join(cells["name"].split())
    if not slug(name):
        log.skip("row without a name", place)
        return None
    good, bad = codes(cells.get("codes", ""))
    for code in bad:
        log.skip("code that is not SCHEME:number", f"{place} {code!r}")
    return ImportedDisease(
        id=f"{source}-{slug(name)}",
        name=name,
        synonyms=tuple(s for s in listed(cells.get("synonyms", "")) if s != name),
        codes=good,
        texts=tuple(passages(cells.get("text", ""))),
        licence=cells.get("licence", ""),
    )


def _delimiter(file: TextIO) -> str:
    """Comma, or what a spreadsheet of another country or a .tsv has between the header's cells."""
    try:
        header = file.readline()
    except UnicodeDecodeError:
        header = ""  # said with its line when the rows are read
    file.seek(0)
    return max(",;\t", key=header.count)
