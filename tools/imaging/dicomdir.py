"""DICOMDIR: the index of a CD, which lists its files and holds no image (PS3.10 section 8.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tools.errors import UserError

_MOST_BYTES, _MOST_FILES = 64 << 20, 50_000
# PS3.10: 8 of A-Z, 0-9 and _; writers are freer and add ".dcm".
_COMPONENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


def referenced(index: Path) -> list[Path]:
    """The files that a DICOMDIR lists, each once, in its order; only those that are there.

    No path leaves the folder of the index, by a component or by a link.

    Raises:
        UserError: When the index is broken or lists too many files.
    """
    folder = index.parent
    home = folder.resolve()
    found: dict[Path, None] = {}
    for components in _file_ids(index):
        if len(found) >= _MOST_FILES:
            raise UserError(f"{index.name!r} lists more than {_MOST_FILES} files; give one study")
        place = _at(folder, components)
        if place is not None and place.resolve().is_relative_to(home):
            found.setdefault(place)
    return list(found)


def _file_ids(index: Path) -> Iterator[list[str]]:
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    from tools.imaging.pixels import READ_ERRORS

    try:
        if index.stat().st_size > _MOST_BYTES:
            raise ValueError("too large")
        records = dcmread(index).DirectoryRecordSequence
        ids = [record.get("ReferencedFileID") for record in records]
    except (InvalidDicomError, *READ_ERRORS) as error:
        raise UserError(
            f"the DICOMDIR {index.name!r} is broken; give the folder it lies in instead"
        ) from error
    for value in ids:
        components = [value] if isinstance(value, str) else list(value or ())
        if components and all(_COMPONENT.fullmatch(str(part)) for part in components):
            yield [str(part) for part in components]


def _at(folder: Path, components: list[str]) -> Path | None:
    """The file of these components; media are often copied with their names in lower case."""
    for names in (components, [c.lower() for c in components], [c.upper() for c in components]):
        place = folder.joinpath(*names)
        if place.is_file():
            return place
    return None
