"""The walked case: the page and its figures are what a run gives, and stale ones are noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals import walk

ROOT = Path(__file__).parent.parent.parent


def test_the_page_and_its_figures_are_what_a_run_gives(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HOOFBEAT_CACHE_DIR", str(cache_dir))
    assert walk.main(["--check"]) == 0, capsys.readouterr().out


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no part marked <!-- ledger -->"):
        walk.written_into("# A page\n", {"ledger": "| a |"})


def test_only_what_is_between_the_marks_is_replaced() -> None:
    page = "before\n<!-- ledger -->\nold\n<!-- /ledger -->\nafter\n"
    new = walk.written_into(page, {"ledger": r"| \1 new |"})
    assert new == "before\n<!-- ledger -->\n| \\1 new |\n<!-- /ledger -->\nafter\n"
