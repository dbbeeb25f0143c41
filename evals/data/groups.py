"""Groups: the cases of each patient, who is found rather than told.

No id tells: patients are found from what the cases hold, or named by the person.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from evals.data.dataset import Dataset, EvalCase
from evals.data.rows import read_rows
from tools.errors import UserError

# So long a sentence is written twice of one patient, not of two with the same disease.
_LEAST_WORDS = 12
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class _GroupRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    patient: str


def find_patients(cases: Sequence[EvalCase]) -> Mapping[str, str]:
    """The patient of each case: the first case that is plainly of the same person, or itself.

    Two cases are of one patient when the same picture, byte for byte, stands in both, or the same
    sentence of twelve words and more with the same age and sex; and when their data say so.
    """
    marks: list[set[Hashable]] = [{("patient", case.patient)} for case in cases]
    for case, found in zip(cases, marks, strict=True):
        if case.age_years is not None and case.sex:
            found |= {(case.age_years, case.sex, said) for said in _long_sentences(case)}
    for same in _same_files((index, path) for index, c in enumerate(cases) for path in c.pictures):
        for index in same:
            marks[index].add(("picture", same[0]))
    numbers = _joined(marks)
    first: dict[int, str] = {}
    for case, number in zip(cases, numbers, strict=True):
        first.setdefault(number, case.patient)
    return {case.id: first[number] for case, number in zip(cases, numbers, strict=True)}


def read_groups(path: Path) -> Mapping[str, str]:
    """Patients that the person names, by case id: one JSON object a line, id and patient.

    Raises:
        UserError: When the file is missing, a line does not parse, or a case is named twice.
    """
    found: dict[str, str] = {}
    for number, row in read_rows(path, _GroupRow):
        if row.id in found:
            raise UserError(f"{path}, line {number}: id: a second line for one case; keep one")
        found[row.id] = row.patient
    return found


def with_patients(dataset: Dataset, named: Mapping[str, str], source: Path | None) -> Dataset:
    """The same data set, its patients found and, where the person names them, as named.

    Named ones are in its hash: intervals, and whose images a view borrows, depend on them.

    Raises:
        UserError: When a case that is named is not in the data set.
    """
    ids = {case.id for case in dataset.cases} | set(dataset.exclusions)
    unknown = sum(case_id not in ids for case_id in named)
    if unknown:
        raise UserError(
            f"{source}: {unknown} of its {len(named)} ids are not in the data set; an id is "
            "written as in the data set, and --split all holds every case"
        )
    own = tuple(replace(case, patient=named.get(case.id, case.patient)) for case in dataset.cases)
    found = find_patients(own)
    cases = tuple(replace(case, patient=found[case.id]) for case in own)
    return replace(dataset, cases=cases, sha256=_sha256(dataset.sha256, named))


def groups_of(cases: Sequence[EvalCase]) -> dict[str, tuple[str, ...]]:
    """The cases of each patient who has more than one, by patient."""
    found: dict[str, tuple[str, ...]] = {}
    for case in cases:
        found[case.patient] = (*found.get(case.patient, ()), case.id)
    return {patient: ids for patient, ids in found.items() if len(ids) > 1}


def _sha256(sha256: str, named: Mapping[str, str]) -> str:
    if not named:
        return sha256
    return hashlib.sha256(json.dumps([sha256, sorted(named.items())]).encode()).hexdigest()


def _joined(marks: Sequence[Iterable[Hashable]]) -> list[int]:
    """Number what shares a mark, directly or through others, in the order of appearance."""
    columns: dict[Hashable, int] = {}
    pairs = [
        (row, columns.setdefault(mark, len(columns)))
        for row, found in enumerate(marks)
        for mark in found
    ]
    if not pairs:
        return []
    rows, right = np.array(pairs).T
    size = len(marks) + len(columns)
    graph = coo_array((np.ones(len(pairs)), (rows, right + len(marks))), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    order: dict[int, int] = {}
    return [order.setdefault(int(label), len(order)) for label in labels[: len(marks)]]


def _long_sentences(case: EvalCase) -> set[str]:
    texts = (case.history, case.exam, case.findings)
    sentences = [re.findall(r"\w+", s) for t in texts for s in _SENTENCE_END.split(t.casefold())]
    return {" ".join(words) for words in sentences if len(words) >= _LEAST_WORDS}


def _same_files(pictures: Iterable[tuple[int, Path]]) -> list[list[int]]:
    """Groups of numbers whose files are equal; only files of one size are read."""
    by_size: dict[int, list[tuple[int, Path]]] = defaultdict(list)
    for number, path in pictures:
        by_size[path.stat().st_size].append((number, path))
    by_content: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for size, same in by_size.items():
        if len({number for number, _ in same}) > 1:
            for number, path in same:
                by_content[size, hashlib.sha256(path.read_bytes()).digest()].append(number)
    return [numbers for numbers in by_content.values() if len(set(numbers)) > 1]
