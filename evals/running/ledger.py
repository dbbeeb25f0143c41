"""The run ledger: append-only JSONL, one line a case, on disk before the next, resumable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from evals.running.line import Brief, Item, Key, Line, Mark, Reading, Status
from tools.errors import UserError

__all__ = [
    "Item",
    "Key",
    "Ledger",
    "Line",
    "Mark",
    "Reading",
    "Status",
    "latest_lines",
    "read_lines",
    "read_placed",
]

# The same as fsync but for the file's times, which nobody reads; where there is none, fsync.
_to_disk: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
_BLOCK = 1 << 16
_Shape = TypeVar("_Shape", bound=BaseModel)


def read_lines(path: Path, *, brief: bool = False) -> Iterator[Line]:
    """Every line of a results.jsonl in the order written, also while a run is writing to it.

    Args:
        path: The file.
        brief: Leave out the words of the input, the reply and the report.

    Raises:
        UserError: When there is no such file, or a line is none of this version.
    """
    return (line for _, line in read_placed(path, Brief if brief else Line))


def latest_lines(path: Path, *, brief: bool = False) -> dict[Key, Line]:
    """The line that counts for each piece of work: the last written; see read_lines."""
    return {line.key: line for line in read_lines(path, brief=brief)}


def read_placed(path: Path, shape: type[_Shape]) -> Iterator[tuple[int, _Shape]]:
    """Each line with the place in the file at which it begins."""
    position = 0
    if not path.is_file():
        raise UserError(f"{path} is missing: name the folder that evals run was given as --out")
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.endswith(b"\n"):
                return  # being written, or torn by a kill
            try:
                yield position, shape.model_validate_json(raw)
            except ValidationError as error:
                raise UserError(
                    f"{path}, line {number} is no line of this version's ledger; "
                    "give another --out, or mend it"
                ) from error
            position += len(raw)


class Ledger:
    """A results.jsonl open for one run; a second run on the same file is refused.

    Attributes:
        marks: Of each piece of work its last line, which is the one that counts; there is an
            earlier one only where a failed case was tried again.
        dollars: Of all lines, those tried again too, as far as prices are known.
        paid: Lines that cost something.
        unpriced: Lines of a model whose price nobody knows.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file and cut off a last line that a kill left torn.

        Raises:
            UserError: When another run writes to it, or a whole line does not parse.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = FileLock(path.with_suffix(".lock"))  # the system frees it after a kill, too
        try:
            self._lock.acquire(blocking=False)
        except Timeout as error:
            raise UserError(
                f"{path}: another run is writing here; give this one another --out"
            ) from error
        self.marks: dict[Key, Mark] = {}
        self._positions: dict[Key, int] = {}
        self.dollars = 0.0
        self.paid = 0
        self.unpriced = 0
        is_new = not path.exists()
        self._file = path.open("ab+", buffering=0)
        try:
            _cut_torn_line(self._file)
            for position, mark in read_placed(path, Mark):
                self._count(mark, position)
        except UserError:
            self.__exit__()
            raise
        if is_new:
            _sync_folder(path.parent)

    @property
    def folder(self) -> Path:
        """The run's."""
        return self._path.parent

    def __enter__(self) -> Ledger:
        """The ledger itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file and free it for the next run."""
        self._file.close()
        self._lock.release()

    def append(self, line: Line) -> None:
        """Write a line and return when the disk has it."""
        position = self._file.seek(0, os.SEEK_END)
        left = memoryview(line.model_dump_json().encode() + b"\n")
        while left:
            left = left[self._file.write(left) :]
        _to_disk(self._file.fileno())
        self._count(
            Mark(
                case=line.case,
                view=line.view,
                arm=line.arm,
                seed=line.seed,
                config=line.config,
                status=line.status,
                may_pass=line.may_pass,
                costs=line.costs,
            ),
            position,
        )

    def lines(self) -> Iterator[Line]:
        """Every line in the order written."""
        return read_lines(self._path)

    def read(self, keys: Iterable[Key]) -> Iterator[Line]:
        """The line that counts of each piece of work, without the words of its input and report.

        No other line is read, so that those of another version of Hoofbeat are in nobody's way.
        """
        with self._path.open("rb") as file:
            for key in keys:
                file.seek(self._positions[key])
                yield Brief.model_validate_json(file.readline())

    def _count(self, mark: Mark, position: int) -> None:
        self.marks[mark.key] = mark
        self._positions[mark.key] = position
        self.dollars += mark.dollars
        self.paid += mark.dollars > 0
        self.unpriced += mark.is_unpriced


def _cut_torn_line(file: BinaryIO) -> None:
    """Cut what stands after the last line break; read from the end, for a run may be large."""
    end = position = file.seek(0, os.SEEK_END)
    whole = 0
    while position and not whole:
        start = max(0, position - _BLOCK)
        file.seek(start)
        whole = start + file.read(position - start).rfind(b"\n") + 1
        whole = whole if whole > start else 0
        position = start
    if whole < end:
        file.truncate(whole)
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the disk have the new file's name as well; not every system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
