"""`python -m knowledge import`, `sources` and `remove` as a user types them."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.__main__ import main


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "My notes"
    folder.mkdir()
    (folder / "a.md").write_text("# Grey star lung\nStars on CT.\n")
    (folder / "b.md").write_text("no heading")
    return folder


def _main(tmp_path: Path, *arguments: str) -> int:
    return main(["--sources-dir", str(tmp_path / "sources"), *arguments])


def test_an_import_says_what_came_in_and_what_was_left_out_and_why(
    tmp_path: Path, notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(tmp_path, "import", "markdown", str(notes), "--licence", "mine alone") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("my-notes: My notes, 20")
    assert said[0].endswith("; licence: mine alone")
    assert said[1].startswith("imported 1 diseases and 0 synonyms; joined 0 to entries")
    assert said[2:] == ["skipped 1:", "  note without a heading (1: b.md)"]


def test_sources_lists_what_remove_takes_away(
    tmp_path: Path, notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _main(tmp_path, "import", "markdown", str(notes), "--name", "rounds")
    capsys.readouterr()
    assert _main(tmp_path, "sources") == 0
    listed = capsys.readouterr().out
    assert "rounds: My notes, " in listed
    assert "1 diseases, 0 synonyms; markdown" in listed
    assert _main(tmp_path, "remove", "rounds") == 0
    assert capsys.readouterr().out == "removed rounds\n"
    assert _main(tmp_path, "sources") == 0
    assert capsys.readouterr().out.startswith("0 in ")


def test_what_cannot_be_imported_or_removed_ends_with_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(tmp_path, "import", "csv", str(tmp_path / "none.csv")) == 2
    assert _main(tmp_path, "import", "mondo") == 2
    assert _main(tmp_path, "remove", "none") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.split(": ")[0] for line in said.err.splitlines()] == ["knowledge"] * 3


def test_the_environment_names_the_folder_unless_the_option_does(
    tmp_path: Path,
    notes: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOOFBEAT_SOURCES_DIR", str(tmp_path / "elsewhere"))
    assert main(["import", "markdown", str(notes)]) == 0
    assert (tmp_path / "elsewhere" / "my-notes.sqlite").is_file()
    assert _main(tmp_path, "sources") == 0
    assert "0 in " in capsys.readouterr().out
