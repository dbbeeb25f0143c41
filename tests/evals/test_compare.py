from __future__ import annotations

from pathlib import Path

import pytest

from evals.__main__ import main
from tests.evals.reporting.pages import Page
from tests.evals.reporting.runs import Asked, write_run


def test_two_runs_are_compared_in_the_terminal_and_on_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = write_run(tmp_path / "old", [Asked("offline", "V3", 0, [1, None, 2])])
    b = write_run(tmp_path / "new", [Asked("offline", "V3", 0, [None, None, 2])])
    assert main(["compare", str(a), str(b)]) == 0
    printed = capsys.readouterr().out
    assert "offline V3, 3 cases in both: right to wrong 1, wrong to right 0" in printed
    page = Page((b / "compared-with-old.html").read_text("utf-8"))
    assert "case-SYN0001" in page.ids


def test_runs_that_share_nothing_and_arms_not_named_in_pairs_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = write_run(tmp_path / "a", [Asked("offline", "V3", 0, [1])])
    b = write_run(tmp_path / "b", [Asked("offline", "V1", 0, [1])])
    assert main(["compare", str(a), str(b)]) == 2
    assert "A has offline V3 and B has offline V1" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["compare", str(a), str(b), "--arms", "offline"])
    assert "takes two arms, such as offline:agent" in capsys.readouterr().err
