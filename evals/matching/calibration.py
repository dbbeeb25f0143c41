"""The matcher against labelled pairs: a confusion table, false accepts and false rejects."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from evals.matching.level import Level
from evals.statistics.metrics import Proportion, proportion
from tools.errors import UserError

Label = Literal["same", "narrower", "broader", "component", "different"]
LABELS: tuple[Label, ...] = ("same", "narrower", "broader", "component", "different")
Half = Literal["build", "report"]


class Pair(BaseModel):
    """A prediction and a truth, with what a person says of them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    prediction: str
    truth: str
    label: Label


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """How a matcher did on labelled pairs.

    Attributes:
        table: Pairs by label and level.
        same_accepted: Pairs labelled same at L0, L1 or L2.
        narrower_accepted: Pairs labelled narrower at L0, L1 or L2.
        different_accepted: Pairs labelled different at L0, L1 or L2.
        not_right_accepted: Pairs labelled broader or component at L0, L1 or L2.
        different_at_all: Pairs labelled different at any level but "different".
        specificity: Pairs labelled neither same nor narrower that were not accepted.
    """

    table: Mapping[tuple[Label, Level], int]
    same_accepted: Proportion | None
    narrower_accepted: Proportion | None
    different_accepted: Proportion | None
    not_right_accepted: Proportion | None
    different_at_all: Proportion | None
    specificity: Proportion | None


def read_pairs(path: Path) -> tuple[Pair, ...]:
    """The labelled pairs of a JSONL file, each with prediction, truth and label.

    Raises:
        UserError: When the file is missing or a line does not parse; names the line, not its text.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: give a JSONL file with prediction, truth and label")
    found: list[Pair] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(Pair.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the line"
            raise UserError(
                f"{path}, line {number}: {where}: {first['msg']}; each line is one JSON object "
                f"with prediction, truth and label ({', '.join(LABELS)})"
            ) from error
    if not found:
        raise UserError(f"{path} holds no pair: each line is one with prediction, truth and label")
    return tuple(found)


def half(pairs: Sequence[Pair], which: Half) -> tuple[Pair, ...]:
    """A fixed random half: within each label every other pair in the order of its SHA-256."""
    chosen: list[Pair] = []
    for label in LABELS:
        of_label = sorted((pair for pair in pairs if pair.label == label), key=_order)
        chosen += of_label[which == "report" :: 2]
    return tuple(chosen)


def calibrate(pairs: Sequence[Pair], level: Callable[[Pair], Level]) -> Calibration:
    """Judge every pair and count."""
    table = Counter((pair.label, level(pair)) for pair in pairs)

    def share(labels: Sequence[Label], hit: Callable[[Level], bool]) -> Proportion | None:
        n = sum(count for (label, _), count in table.items() if label in labels)
        count = sum(c for (label, at), c in table.items() if label in labels and hit(at))
        return proportion(count, n) if n else None

    return Calibration(
        table=dict(table),
        same_accepted=share(["same"], lambda at: at.is_right),
        narrower_accepted=share(["narrower"], lambda at: at.is_right),
        different_accepted=share(["different"], lambda at: at.is_right),
        not_right_accepted=share(["broader", "component"], lambda at: at.is_right),
        different_at_all=share(["different"], lambda at: at is not Level.DIFFERENT),
        specificity=share(["broader", "component", "different"], lambda at: not at.is_right),
    )


def _order(pair: Pair) -> str:
    return hashlib.sha256(f"{pair.prediction}|{pair.truth}".encode()).hexdigest()
