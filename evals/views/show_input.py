"""The exact input of one case, for a person to read: `evals run --show-input CASE`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.case import Case
from evals.data.dataset import Dataset
from evals.views.pictures import pictures_of
from evals.views.show import View
from evals.views.viewer import Viewer
from tools.errors import UserError


class _Stored(BaseModel):
    """Of a line of results.jsonl what was shown."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    case: str
    view: str
    arm: str
    input: Case


def describe_input(case_id: str, view: View, dataset: Dataset, folder: Path, viewer: Viewer) -> str:
    """What an arm was handed, as the run's results keep it; else what it would be handed now.

    Args:
        case_id: As in the data set.
        view: That it is shown in.
        dataset: Holds the case.
        folder: The run's.
        viewer: Of the data set, for a case that the run has not reached.

    Returns:
        The lines to print: where the input comes from, each field as JSON, the paths of pictures.

    Raises:
        UserError: When there is no such case, or it cannot be shown in that view.
    """
    shown = _stored_input(case_id, view, folder / "results.jsonl")
    origin = f"stored in {folder / 'results.jsonl'}"
    if shown is None:
        origin = "made now: the run holds no result of it in this view"
        case = next((case for case in dataset.cases if case.id == case_id), None)
        if case is None:
            why = dataset.exclusions.get(case_id, "the data set and split do not hold it")
            raise UserError(f"no case {case_id!r} to show: {why}")
        shown = asyncio.run(viewer.show(case, view))
    pictures = [str(path) for path in pictures_of(shown, folder)]
    return "\n".join(
        (f"{case_id} in {view}, {origin}", shown.model_dump_json(indent=2), *pictures, "")
    )


def _stored_input(case_id: str, view: View, results: Path) -> Case | None:
    """The last that was stored."""
    found = None
    for stored in _stored_lines(results):
        if stored.case == case_id and stored.view == view:
            found = stored.input
    return found


def _stored_lines(results: Path) -> Iterator[_Stored]:
    if not results.is_file():
        return
    with results.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.endswith(b"\n"):
                return  # a run is writing it
            try:
                yield _Stored.model_validate_json(raw)
            except ValidationError as error:
                raise UserError(
                    f"{results}, line {number} is no line of this version; give another --out"
                ) from error
