"""JSONL files that a person writes: read row by row, a fault named by line and field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tools.errors import UserError

Row = TypeVar("Row", bound=BaseModel)


def read_rows(path: Path, shape: type[Row]) -> Iterator[tuple[int, Row]]:
    """Each row with the number of its line, from 1; blank lines are passed over.

    Raises:
        UserError: When the file is missing, is no UTF-8 or a line does not parse; names the line
            and the field, never what stands there.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: give a file with one JSON object a line")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no UTF-8 text; save it as UTF-8") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield number, shape.model_validate_json(line)
            except ValidationError as error:
                first = error.errors(include_input=False, include_url=False)[0]
                where = ".".join(str(part) for part in first["loc"]) or "the line"
                raise UserError(
                    f"{path}, line {number}: {where}: {first['msg']}; a line is one JSON object "
                    f"with {', '.join(shape.model_fields)}"
                ) from error
