from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from evals.data.jsonl import load_jsonl
from tools.errors import UserError


def write(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "cases.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_case_is_read_with_everything_it_says(tmp_path: Path) -> None:
    (tmp_path / "ct").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    row = {
        "id": "one", "history": "Cough.", "exam": "Crackles.", "findings": "Cysts.",
        "age_years": 34, "sex": "female", "region": "thorax", "modality": "CT",
        "images": ["a.png"], "study": ["ct"], "patient": "p", "split": "test",
        "truth": {
            "primary": "LAM", "synonyms": ["pulmonary LAM"], "broader": ["cystic lung disease"],
            "components": ["cysts"], "mask": [], "kind": "disease", "rare": True,
        },
    }  # fmt: skip
    (case,) = load_jsonl(write(tmp_path, row), "all", None).cases
    assert (case.patient, case.age_years, case.sex, case.split) == ("p", 34.0, "female", "test")
    assert case.pictures == (tmp_path / "a.png",)
    assert case.study == (tmp_path / "ct",)
    assert case.truth.synonyms == ("pulmonary LAM",)
    assert "mask" in case.truth.model_fields_set


def test_a_truth_may_be_a_name_and_a_case_without_one_is_left_out_with_that_reason(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, {"id": "1", "history": "a", "truth": "LAM"}, {"id": "2", "history": "b"})
    dataset = load_jsonl(path, "all", None)
    assert [case.truth.primary for case in dataset.cases] == ["LAM"]
    assert "mask" not in dataset.cases[0].truth.model_fields_set
    assert dataset.exclusions == {"2": "no truth is given for it"}


def test_a_truth_file_stands_before_the_truth_in_the_cases(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    truth.write_text('{"U_id": "1", "primary": "silicosis"}\n')
    dataset = load_jsonl(write(tmp_path, {"id": "1", "history": "a", "truth": "x"}), "all", truth)
    assert dataset.cases[0].truth.primary == "silicosis"


def test_a_split_is_a_field_and_an_unknown_one_is_answered(tmp_path: Path) -> None:
    common: dict[str, object] = {"history": "a", "truth": "x"}
    path = write(tmp_path, *({"id": s, "split": s, **common} for s in ("a", "b")))
    assert [case.id for case in load_jsonl(path, "b", None).cases] == ["b"]
    with pytest.raises(UserError, match="of split 'c': the data set has a, b"):
        load_jsonl(path, "c", None)


def test_the_hash_of_the_data_leaves_the_truth_out(tmp_path: Path) -> None:
    hashes = []
    for history, truth in (("a", "x"), ("a", "y"), ("b", "y")):
        dataset = load_jsonl(
            write(tmp_path, {"id": "1", "history": history, "truth": truth}), "all", None
        )
        hashes.append((dataset.sha256, dataset.truth_sha256))
    (data_1, truth_1), (data_2, truth_2), (data_3, truth_3) = hashes
    assert data_1 == data_2 != data_3
    assert truth_1 != truth_2 == truth_3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "2", "history": "a", "sex": "F"}, "line 2: sex"),
        ({"id": "2", "history": "a", "diagnosis": "x"}, "line 2: diagnosis"),
        ({"id": "2", "history": "a", "age_years": -1}, "line 2: age_years"),
        ({"id": "2", "history": "a", "truth": {"synonyms": []}}, "line 2: truth"),
        ({"id": "2", "images": ["gone.png"]}, r"line 2: images\.0: .*gone\.png is missing"),
        ({"id": "2", "study": ["../.."]}, r"line 2: study\.0: .* lies outside"),
        ({"id": "2", "images": ["/etc/hostname"]}, r"line 2: images\.0: .* lies outside"),
        ({"id": "2", "truth": "x"}, "line 2: history: the case shows nothing"),
        ({"id": "1", "history": "b", "truth": "x"}, "two cases have the id '1'"),
    ],
)
def test_what_does_not_fit_is_named_by_line_and_field(
    tmp_path: Path, row: dict[str, object], message: str
) -> None:
    path = write(tmp_path, {"id": "1", "history": "secret", "truth": "x"}, row)
    with pytest.raises(UserError, match=message) as caught:
        load_jsonl(path, "all", None)
    assert "secret" not in str(caught.value)


def test_a_line_that_is_no_json_is_named_without_its_text(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text("secret\n")
    with pytest.raises(UserError, match="line 1") as caught:
        load_jsonl(path, "all", None)
    assert "secret" not in str(caught.value)
