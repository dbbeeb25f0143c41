"""A data set from cases that a file or an adapter gave: checked, split, hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from evals.data.dataset import Dataset, EvalCase
from evals.data.files import FileHashes
from evals.truth import Truth
from tools.errors import UserError


def assemble(
    name: str,
    folder: Path,
    cases: Iterable[EvalCase],
    *,
    split: str,
    truths: Mapping[str, Truth] | None = None,
) -> Dataset:
    """Make the data set.

    Args:
        name: As the report calls it.
        folder: All files of the cases lie below it.
        cases: In any order; a truth with an empty primary stands for none.
        split: A value of `EvalCase.split`, or "all".
        truths: By case id, before the cases' own; None leaves those.

    Raises:
        UserError: When two cases have one id, a file is missing or lies outside, or no case is of
            the split.
    """
    every = sorted(cases, key=lambda case: case.id)
    for one, other in pairwise(every):
        if one.id == other.id:
            raise UserError(f"two cases have the id {one.id!r}; give each its own")
    chosen = [case for case in every if split in ("all", case.split)]
    if not chosen:
        there = ", ".join(sorted({case.split for case in every} - {""})) or "no splits"
        raise UserError(f"no case is of split {split!r}: the data set has {there}; or take all")
    if truths is not None:
        chosen = [replace(case, truth=truths.get(case.id, Truth(primary=""))) for case in chosen]
    kept, exclusions = [], {}
    for case in chosen:
        _check_files(case, folder)
        if not case.truth.primary.strip():
            exclusions[case.id] = "no truth is given for it"
        elif not case.truth.scoreable:
            exclusions[case.id] = case.truth.why_not or "not scoreable"
        else:
            kept.append(case)
    return Dataset(
        name=name,
        split=split,
        cases=tuple(kept),
        exclusions=exclusions,
        sha256=_sha256([_without_truth(case, folder) for case in every]),
        truth_sha256=_sha256([case.truth.model_dump(mode="json") for case in chosen]),
        files=FileHashes(folder, [path for case in kept for path in (*case.pictures, *case.study)]),
    )


def file_fault(path: Path, folder: Path) -> str:
    """What is wrong with a file that a case names, and what to do; "" when nothing is."""
    if not path.resolve().is_relative_to(folder.resolve()):
        return f"{path} lies outside {folder}; move it below"
    return "" if path.exists() else f"{path} is missing; put it there or take it out"


def _check_files(case: EvalCase, folder: Path) -> None:
    for path in (*case.pictures, *case.study):
        fault = file_fault(path, folder)
        if fault:
            raise UserError(f"case {case.id!r}: {fault}")


def _without_truth(case: EvalCase, folder: Path) -> dict[str, object]:
    return {
        "id": case.id,
        "patient": case.patient,
        "age_years": case.age_years,
        "sex": case.sex,
        "words": [case.region, case.modality, case.history, case.exam, case.findings],
        "files": [_below(path, folder) for path in (*case.pictures, *case.study)],
        "split": case.split,
    }


def _below(path: Path, folder: Path) -> str:
    return path.resolve().relative_to(folder.resolve()).as_posix()


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
