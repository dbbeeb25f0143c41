from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.data.medpix import age_in_years, clean_text, load_medpix
from tests.evals.medpix_shaped import write_medpix_shaped
from tools.errors import UserError


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("45", 45.0),
        ("45 yo", 45.0),
        ("45-year-old", 45.0),
        ("1.5 years", 1.5),
        ("9 months", 0.75),
        ("18 mo", 1.5),
        ("2wk", 14 / 365.25),
        ("3 days", 3 / 365.25),
        ("0 days", 0.0),
        ("36 hours", 36 / 8766),
        ("45 male", 45.0),
        ("60-year-old woman", 60.0),
        ("60 white woman", 60.0),
        ("93", 90.0),
        ("0", None),
        ("", None),
        ("adult", None),
        ("999", None),
    ],
)
def test_ages_are_read_in_years(text: str, years: float | None) -> None:
    assert age_in_years(text) == (None if years is None else pytest.approx(years))


def test_text_loses_entities_line_breaks_and_not_available() -> None:
    assert (
        clean_text("A&nbsp;man,\r\n\t&quot;well&quot;<br/> till  now ") == 'A man, "well" till now'
    )
    assert clean_text("N/A") == ""
    assert clean_text(None) == ""


def test_a_split_is_read_with_demographics_region_and_modality(tmp_path: Path) -> None:
    dataset = load_medpix(write_medpix_shaped(tmp_path / "set"), "dev", None)
    assert [case.id for case in dataset.cases] == ["SYN0001", "SYN0002", "SYN0003", "SYN0004"]
    first, last = dataset.cases[0], dataset.cases[-1]
    assert (first.age_years, first.sex) == (34.0, "female")
    assert (first.region, first.modality) == ("thorax", "CT")
    assert (last.region, last.modality, last.age_years) == ("head", "MR", None)
    assert first.exam.startswith("Reduced breath sounds; known Lymph")


def test_a_case_that_cannot_be_scored_is_left_out_with_its_reason(tmp_path: Path) -> None:
    dataset = load_medpix(write_medpix_shaped(tmp_path / "set"), "all", None)
    assert len(dataset.cases) == 7
    assert dataset.exclusions == {"SYN0005": "no diagnosis"}


def test_a_case_without_a_truth_line_is_named_and_not_dropped_silently(tmp_path: Path) -> None:
    folder = write_medpix_shaped(tmp_path / "set")
    truth = folder / "truth.jsonl"
    truth.write_text("".join(truth.read_text().splitlines(keepends=True)[1:]))
    dataset = load_medpix(folder, "dev", None)
    assert dataset.exclusions["SYN0001"] == "the truth file has no line for it"


def test_the_hashes_follow_the_files(tmp_path: Path) -> None:
    folder = write_medpix_shaped(tmp_path / "set")
    before = load_medpix(folder, "dev", None)
    truth = folder / "truth.jsonl"
    truth.write_text(truth.read_text() + "\n")
    after = load_medpix(folder, "dev", None)
    assert before.sha256 == after.sha256
    assert before.truth_sha256 != after.truth_sha256


def test_without_truth_the_title_is_the_answer(tmp_path: Path) -> None:
    dataset = load_medpix(write_medpix_shaped(tmp_path / "set", with_truth=False), "dev", None)
    assert dataset.cases[0].truth.primary == "Lymphangioleiomyomatosis"
    assert not dataset.cases[0].truth.curated
    assert dataset.truth_sha256 == ""


@pytest.mark.parametrize(
    "name", ["Case_topic.json", "Descriptions.json", "splitted_dataset/uid_list.json"]
)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write_medpix_shaped(tmp_path / "set")
    (folder / name).unlink()
    with pytest.raises(UserError, match=name):
        load_medpix(folder, "dev", None)


def test_a_missing_truth_file_that_was_asked_for_is_named(tmp_path: Path) -> None:
    folder = write_medpix_shaped(tmp_path / "set")
    with pytest.raises(UserError, match=r"other\.jsonl is missing"):
        load_medpix(folder, "dev", tmp_path / "other.jsonl")


def test_a_broken_truth_line_is_named_by_number_without_its_text(tmp_path: Path) -> None:
    folder = write_medpix_shaped(tmp_path / "set")
    (folder / "truth.jsonl").write_text('{"U_id": "SYN0001", "primary": "secret"}\n{"secret"\n')
    with pytest.raises(UserError, match="line 2") as caught:
        load_medpix(folder, "dev", None)
    assert "secret" not in str(caught.value)


def test_json_of_another_shape_is_refused_by_key(tmp_path: Path) -> None:
    folder = write_medpix_shaped(tmp_path / "set")
    (folder / "Case_topic.json").write_text(json.dumps([{"U_id": "SYN0001"}]))
    with pytest.raises(UserError, match=r"0\.Case"):
        load_medpix(folder, "dev", None)


def test_an_unknown_split_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="train, dev"):
        load_medpix(write_medpix_shaped(tmp_path / "set"), "test", None)


def test_pictures_are_those_on_disk_in_the_order_of_the_data_set(tmp_path: Path) -> None:
    folder = write_medpix_shaped(tmp_path / "set")
    rows = json.loads((folder / "Descriptions.json").read_text())
    first = rows[0]
    more = [{**first, "image": name} for name in ("SYN0001_b", "SYN0001_gone", "../truth")]
    (folder / "Descriptions.json").write_text(json.dumps([*more, *rows]))
    (folder / "images" / "SYN0001_b.png").write_bytes(b"picture")
    (folder / "truth.png").write_bytes(b"outside")
    case = load_medpix(folder, "dev", None).cases[0]
    assert [path.name for path in case.pictures] == ["SYN0001_b.png", "SYN0001_synpic1.png"]


def test_files_are_hashed_when_they_are_asked_for(tmp_path: Path) -> None:
    folder = write_medpix_shaped(tmp_path / "set")
    dataset = load_medpix(folder, "dev", None)
    name = "images/SYN0001_synpic1.png"
    assert name in dataset.files
    (folder / name).write_bytes(b"abc")
    assert dataset.files[name].startswith("ba7816bf8f01cfea")  # SHA-256 of "abc", FIPS 180-4
