"""The command line as a person uses it: reports for what can be read, one line for what cannot."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agent.__main__ import main


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_findings_in_words_print_a_table_and_write_json(
    cache_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.json"
    code, out, _ = _run(
        capsys, "diagnose", "--history", "36-year-old woman, dyspnea", "--sex", "female",
        "--findings", "Thin-walled cysts throughout both lungs.", "--json", str(target),
        "--cache-dir", str(cache_dir),
    )  # fmt: skip
    assert code == 0
    assert "Lymphangioleiomyomatosis" in out
    assert "no language model took part" in out.replace("\n", " ")
    assert "Not for clinical use" in out
    written = json.loads(target.read_text("utf-8"))
    assert written["differential"]["diagnoses"][0]["disease_id"] == "lymphangioleiomyomatosis"


def test_a_screenshot_is_shown_as_displayed_and_nothing_is_measured_on_it(
    cache_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (80, 90), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "shot.png")
    target = tmp_path / "out.html"
    code, out, _ = _run(
        capsys, "diagnose", str(tmp_path / "shot.png"), "--findings", "Crazy paving.",
        "--report", str(target), "--cache-dir", str(cache_dir),
    )  # fmt: skip
    assert code == 0
    page = target.read_text("utf-8")
    assert "As displayed" in page
    assert "measurement" not in page.split("<h2>Findings</h2>")[1].split("</table>")[0]
    assert "No vision model looked at the images" in out.replace("\n", " ")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing", None, "missing"),
        ("empty", {}, "empty"),
        ("text.dcm", b"this is no DICOM file\n" * 40, "text.dcm"),
        ("torn.dcm", b"\0" * 128 + b"DICM" + b"\xff" * 64, "torn.dcm"),
        ("torn.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "torn.png"),
        ("notes", {"a.txt": b"words", "b.csv": b"1,2"}, "none of the 2 files"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line_and_exit_code_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | dict[str, bytes] | None,
    said: str,
) -> None:
    path = tmp_path / name
    if isinstance(content, dict):
        path.mkdir()
        for file, held in content.items():
            (path / file).write_bytes(held)
    elif content is not None:
        path.write_bytes(content)
    code, out, err = _run(capsys, "diagnose", str(path), "--history", "Cough.")
    errors = [line for line in err.splitlines() if line.startswith("hoofbeat:")]
    assert code == 2
    assert out == ""
    assert len(errors) == 1
    assert said in errors[0]
    assert "Traceback" not in err


def test_nothing_given_and_a_missing_target_folder_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, "diagnose")[0] == 2
    target = str(tmp_path / "nowhere" / "out.html")
    code, _, err = _run(capsys, "diagnose", "--history", "Cough.", "--report", target)
    assert code == 2
    assert "nowhere" in err


@pytest.mark.parametrize("age", ["-5", "200", "nan"])
def test_an_impossible_age_is_one_line(age: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = _run(capsys, "diagnose", "--history", "Cough.", "--age", age)
    assert code == 2
    assert "age_years" in err
    assert "Traceback" not in err


def test_a_cache_that_cannot_be_made_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("taken", "utf-8")
    code, _, err = _run(
        capsys, "diagnose", "--history", "Cough.", "--cache-dir", str(tmp_path / "file" / "x")
    )
    assert code == 2
    assert "cache directory" in err


def test_the_cache_is_for_the_user_alone(
    cache_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "new"
    _run(capsys, "diagnose", str(tmp_path), "--history", "Cough.", "--cache-dir", str(made))
    assert made.stat().st_mode & 0o077 == 0


def test_a_byte_that_is_no_utf8_does_not_end_the_run(
    cache_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, _ = _run(
        capsys, "diagnose", "--history", "toux f\udce9brile, crazy paving",
        "--cache-dir", str(cache_dir),
    )  # fmt: skip
    assert code == 0


def test_a_mistyped_setting_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOFBEAT_PLANER", "offline")
    code, _, err = _run(capsys, "diagnose", "--history", "Cough.")
    assert code == 2
    assert "HOOFBEAT_PLANER is no setting" in err


def test_gemini_without_a_key_says_which_variables_hold_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _run(
        capsys, "diagnose", "--history", "Cough.", "--planner", "gemini", "--cache-dir",
        str(tmp_path),
    )  # fmt: skip
    assert code == 2
    assert "GEMINI_API_KEY" in err


def test_a_diagnosis_opens_no_connection(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    code, _, _ = _run(
        capsys, "diagnose", "--findings", "Crazy paving.", "--cache-dir", str(cache_dir)
    )
    assert code == 0


@pytest.mark.slow
def test_a_case_of_medpix_with_its_images_ends_in_a_report(
    shared_data: Path, cache_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared_data / "medpix"
    uids = json.loads((folder / "splitted_dataset" / "uid_list.json").read_text("utf-8"))["dev"]
    images = next(
        found for uid in uids if (found := sorted((folder / "images").glob(f"{uid}_*.png")))
    )
    target = tmp_path / "report.html"
    code, _, _ = _run(
        capsys, "diagnose", *map(str, images), "--history", "Cough.", "--report", str(target),
        "--cache-dir", str(cache_dir),
    )  # fmt: skip
    assert code == 0
    page = target.read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") == len(images)
    assert "As displayed" in page
    assert uids[0] not in page


@pytest.mark.slow
def test_a_real_chest_ct_ends_in_a_report(
    shared_data: Path, cache_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "report.html"
    code, _, _ = _run(
        capsys, "diagnose", str(shared_data / "dicom" / "chest_ct"), "--history",
        "Smoker with cough and a nodule on a radiograph.", "--report", str(target),
        "--cache-dir", str(cache_dir),
    )  # fmt: skip
    assert code == 0
    assert "133 slices" in target.read_text("utf-8")
