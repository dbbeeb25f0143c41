"""What a judge said, on disk: append-only JSONL, one fsynced line a pair, resumable."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from evals.matching.level import Level
from evals.matching.levels import distinct, ranked
from evals.running.ledger import Line
from tools.errors import UserError

Question = tuple[str, str]  # an item's name, and the truth's


class Verdict(StrEnum):
    """What the first name is to the second."""

    SAME = "same"
    NARROWER = "narrower"
    BROADER = "broader"
    COMPONENT = "component"
    DIFFERENT = "different"
    CANNOT_TELL = "cannot tell"

    @property
    def level(self) -> Level:
        """The level that it stands for; who cannot tell accepts nothing."""
        return _LEVELS[self]


_LEVELS = {
    Verdict.SAME: Level.L1,
    Verdict.NARROWER: Level.L2,
    Verdict.BROADER: Level.L3,
    Verdict.COMPONENT: Level.L4,
    Verdict.DIFFERENT: Level.DIFFERENT,
    Verdict.CANNOT_TELL: Level.DIFFERENT,
}


class Ruling(BaseModel):
    """One pair, judged.

    Attributes:
        judge: Hash of the model asked for, its settings and the prompt.
        model: As the service names it.
        costs: Under the names of a report's costs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str
    truth: str
    verdict: Verdict
    judge: str
    model: str = ""
    costs: dict[str, float] = {}

    @property
    def question(self) -> Question:
        """The pair."""
        return (self.item, self.truth)


class Rulings:
    """A judge.jsonl, open for one judge at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create the file, and cut off a last line that a kill left torn.

        Raises:
            UserError: When another judge writes to it, or a whole line does not parse.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = FileLock(path.with_suffix(".lock"))
        try:
            self._lock.acquire(blocking=False)
        except Timeout as error:
            raise UserError(f"{path}: another judge is writing here; wait for it") from error
        self._file = path.open("ab+")
        self._file.seek(0)
        whole = self._file.read()
        self._file.truncate(whole.rfind(b"\n") + 1)

    def __enter__(self) -> Rulings:
        """The file itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file and free it."""
        self._file.close()
        self._lock.release()

    def append(self, ruling: Ruling) -> None:
        """Write a ruling and return when the disk has it."""
        self._file.write(ruling.model_dump_json().encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def by(self, judge: str) -> list[Ruling]:
        """What one judge ruled so far."""
        return [ruling for ruling in read_rulings(self._path) if ruling.judge == judge]


def read_rulings(path: Path) -> list[Ruling]:
    """Every ruling of a judge.jsonl; none where there is no file.

    Raises:
        UserError: When a line does not parse.
    """
    if not path.is_file():
        return []
    found: list[Ruling] = []
    # Not splitlines: a name may hold one of the other separators, which JSON leaves as it is. What
    # follows the last line break is being written, or torn by a kill.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1], start=1):
        try:
            found.append(Ruling.model_validate_json(line))
        except ValidationError as error:
            raise UserError(
                f"{path}, line {number}: no ruling; give the file that evals judge wrote"
            ) from error
    return found


def verdicts(rulings: Iterable[Ruling]) -> Mapping[Question, Verdict]:
    """The verdict on each pair."""
    return {ruling.question: ruling.verdict for ruling in rulings}


def with_verdicts(lines: Iterable[Line], said: Mapping[Question, Verdict]) -> list[Line]:
    """The lines with a scoring "judge" beside the others, so that its effect can be shown.

    It is "curated", and where that found nothing, the verdict.
    """
    return [_with_verdicts(line, said) for line in lines]


def _with_verdicts(line: Line, said: Mapping[Question, Verdict]) -> Line:
    if "curated" not in line.scores:
        return line
    names = [item.name for item in line.predictions]
    levels = tuple(
        said[name, line.truth.primary].level
        if level is Level.DIFFERENT and (name, line.truth.primary) in said
        else level
        for name, level in zip(names, line.scores["curated"].levels, strict=True)
    )
    judged = ranked(levels, distinct(names))
    return line.model_copy(update={"scores": {**line.scores, "judge": judged}})
