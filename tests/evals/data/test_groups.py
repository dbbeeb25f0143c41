from __future__ import annotations

from pathlib import Path

import pytest

from evals.data.dataset import Dataset, EvalCase
from evals.data.groups import find_patients, groups_of, read_groups, with_patients
from evals.truth import Truth
from tools.errors import UserError

LONG = "Fell from a ladder while painting the church tower of a small village in June."


def case(case_id: str, **more: object) -> EvalCase:
    fields = {"patient": case_id, "truth": Truth(primary=f"disease {case_id}"), **more}
    return EvalCase(id=case_id, **fields)  # type: ignore[arg-type]


def test_the_same_picture_is_the_same_patient(tmp_path: Path) -> None:
    for name, content in (("1", b"xyz"), ("2", b"xyz"), ("3", b"zyx")):
        (tmp_path / name).write_bytes(content)
    cases = [case(n, pictures=(tmp_path / n,)) for n in ("1", "2", "3")]
    assert find_patients(cases) == {"1": "1", "2": "1", "3": "3"}


def test_one_picture_twice_in_a_case_joins_it_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"xyz")
    assert find_patients([case("1", pictures=(tmp_path / "1",) * 2), case("2")])["2"] == "2"


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ({"history": LONG}, {"findings": f"Pain. {LONG.upper()}"}, True),
        ({"history": LONG}, {"history": LONG, "age_years": 31.0}, False),
        ({"history": LONG}, {"history": LONG, "sex": "male"}, False),
        ({"history": "Shortness of breath."}, {"history": "Shortness of breath."}, False),
    ],
)
def test_the_same_long_sentence_with_age_and_sex_is_the_same_patient(
    first: dict[str, object], second: dict[str, object], *, is_same: bool
) -> None:
    known = {"age_years": 30.0, "sex": "female"}
    found = find_patients([case("1", **{**known, **first}), case("2", **{**known, **second})])
    assert (found["2"] == "1") is is_same


def test_a_sentence_joins_nobody_whose_age_is_unknown() -> None:
    assert find_patients([case("1", history=LONG), case("2", history=LONG)])["2"] == "2"


def test_patients_that_the_person_names_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "groups.jsonl"
    path.write_text('{"id": "1", "patient": "x"}\n\n{"id": "3", "patient": "x"}\n')
    dataset = Dataset(
        name="t", cases=(case("1"), case("2"), case("3")), exclusions={}, sha256="", truth_sha256=""
    )
    cases = with_patients(dataset, read_groups(path), path).cases
    assert groups_of(cases) == {"x": ("1", "3")}
    named = [with_patients(dataset, by, None).sha256 for by in ({}, {"1": "x"}, {"1": "y"})]
    assert named[0] == dataset.sha256
    assert len(set(named)) == 3
    with pytest.raises(UserError, match="1 of its 1 ids are not in the data set"):
        with_patients(dataset, {"9": "x"}, path)


def test_a_case_named_twice_and_a_line_that_does_not_fit_are_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "groups.jsonl"
    path.write_text('{"id": "1", "patient": "x"}\n{"id": "1", "patient": "y"}\n')
    with pytest.raises(UserError, match="line 2: id: a second line"):
        read_groups(path)
    path.write_text('{"id": "1"}\n')
    with pytest.raises(UserError, match="line 1: patient"):
        read_groups(path)
