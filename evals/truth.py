"""Truth: what a case's diagnosis is called, and which words of the case give it away."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tools.errors import UserError


class Truth(BaseModel):
    """The curated answer of one case.

    Attributes:
        primary, synonyms: Fully right.
        broader: Names of a direct parent, partly right.
        components: Names of a part or a complication.
        kind, system, rare: For strata alone; they reach no arm. "" and None where nobody said.
        mask: Verbatim strings of the case that give the answer away, also inside words.
        mask_words: Other names of it that give it away as whole words; no score knows them.
        curated: False when it was made from the title alone.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    primary: str
    synonyms: tuple[str, ...] = ()
    broader: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    kind: str = ""
    system: str = ""
    rare: bool | None = None
    mask: tuple[str, ...] = ()
    mask_words: tuple[str, ...] = ()
    scoreable: bool = True
    why_not: str = ""
    curated: bool = True


class _TruthLine(Truth):
    U_id: str


def read_truth(path: Path) -> Mapping[str, Truth]:
    """The truth of every case in a truth.jsonl, by case id.

    Raises:
        UserError: When the file is missing or a line does not parse; names the line, not its text.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: give --truth a truth.jsonl, or leave --truth out")
    found: dict[str, Truth] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            parsed = _TruthLine.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the line"
            raise UserError(
                f"{path}, line {number}: {where}: {first['msg']}; each line is one JSON object "
                "with U_id and primary"
            ) from error
        if parsed.U_id in found:
            raise UserError(f"{path}, line {number}: a second line for one case; keep one")
        found[parsed.U_id] = parsed
    return found
