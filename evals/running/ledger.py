"""The run ledger: append-only JSONL, one fsynced line a case, resumable after kill -9."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.case import Case
from agent.report import Report
from evals.matching.levels import Judged
from evals.matching.scoring import Scoring
from evals.truth import Truth
from tools.errors import UserError

Status = Literal["OK", "NO_ANSWER", "UNSCORED"]
Reading = Literal["exact", "right", "broader"]
Key = tuple[str, str, str, int, str]


class Item(BaseModel):
    """One diagnosis as the arm gave it; probability 0..1, or None when the arm only orders."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    probability: float | None


class Line(BaseModel):
    """One case of a run, with all that a report or a re-scoring needs of it.

    Attributes:
        patient: Cases of one patient are not independent of each other.
        config: Hash of the arm's settings, data, split, truth, source code and time-out.
        status: OK: a list to score. NO_ANSWER: refusal, abstention, time-out or an empty list,
            which is a miss. UNSCORED: a fault, which is a miss and fails the run.
        error: Class of what was raised and where, never its message, which may hold case text.
        input: The case exactly as the arm was handed it.
        truth: What the list was judged against, as it was then.
        predictions: What the arm said, also when it abstained and the list does not count.
        scores: The list judged, by scoring; ranks stand here also when the list does not count.
        costs, unsupported, reply, report: As in a Prediction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: str
    patient: str
    view: str
    arm: str
    seed: int
    config: str
    status: Status
    error: str = ""
    abstained: bool = False
    input: Case
    truth: Truth
    predictions: tuple[Item, ...] = ()
    scores: dict[Scoring, Judged] = {}
    latency_s: float
    costs: dict[str, float] = {}
    unsupported: int = 0
    reply: str = ""
    report: Report | None = None
    versions: dict[str, str] = {}

    def rank(self, scoring: Scoring = "curated", reading: Reading = "right") -> int | None:
        """The 1-based rank of the truth; None for a miss, and for a list that does not count.

        Args:
            scoring: Whose synonyms are known to the matcher.
            reading: "exact" takes L0 and L1, "right" L2 as well, "broader" a direct parent too.
        """
        if self.status != "OK" or scoring not in self.scores:
            return None
        judged = self.scores[scoring]
        by_reading = {
            "exact": judged.rank_exact,
            "right": judged.rank,
            "broader": judged.rank_broader,
        }
        return by_reading[reading]

    @property
    def key(self) -> Key:
        """What makes a line the same piece of work."""
        return (self.case, self.view, self.arm, self.seed, self.config)


class Ledger:
    """A results.jsonl open for one run; a second run on the same file is refused."""

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
        self._file = path.open("ab+")
        self._cut_torn_line()

    def __enter__(self) -> Ledger:
        """The ledger itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file and free it for the next run."""
        self._file.close()
        self._lock.release()

    def append(self, line: Line) -> None:
        """Write a line and return when the disk has it."""
        self._file.write(line.model_dump_json().encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def lines(self) -> Iterator[Line]:
        """Every line in the order written."""
        with self._path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                try:
                    yield Line.model_validate_json(raw)
                except ValidationError as error:
                    raise UserError(
                        f"{self._path}, line {number} is no line of this version's ledger; "
                        "give another --out, or mend it"
                    ) from error

    def by_key(self) -> dict[Key, Line]:
        """The line that counts for each piece of work: the last written.

        There is a second one only where a fault was tried again.
        """
        return {line.key: line for line in self.lines()}

    def _cut_torn_line(self) -> None:
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._file.truncate(whole)
            os.fsync(self._file.fileno())
