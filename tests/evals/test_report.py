from __future__ import annotations

from pathlib import Path

import pytest

from evals.__main__ import main
from evals.running.ledger import Ledger
from tests.evals.medpix_shaped import LEAK, write_medpix_shaped
from tests.evals.reporting.pages import Page
from tests.evals.reporting.runs import Asked, write_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", [Asked("offline", "V3", 0, [1, None])])


def test_a_report_is_written_beside_the_results_or_where_it_is_wanted(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(folder)]) == 0
    assert "2 answers" in capsys.readouterr().out
    page = Page((folder / "report.html").read_text("utf-8"))
    assert "case-SYN0002" in page.ids
    assert main(["report", str(folder), "--out", str(tmp_path / "x.html"), "--no-pictures"]) == 0
    assert (tmp_path / "x.html").is_file()
    assert list(folder.glob("*.part")) == []


def test_a_report_can_be_made_while_the_run_goes_on(folder: Path) -> None:
    with Ledger(folder / "results.jsonl"):
        assert main(["report", str(folder)]) == 0


def test_what_the_person_can_mend_is_said_without_a_traceback(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "nowhere")]) == 2
    assert "results.jsonl is missing" in capsys.readouterr().err
    assert main(["report", str(folder), "--out", str(tmp_path / "no" / "folder.html")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_a_report_that_fails_leaves_the_one_that_is_there(folder: Path) -> None:
    (folder / "report.html").write_text("as it was", "utf-8")
    path = folder / "results.jsonl"
    path.write_text(path.read_text("utf-8").replace('"status":"OK"', '"status":"?"'), "utf-8")
    assert main(["report", str(folder)]) == 2
    assert (folder / "report.html").read_text("utf-8") == "as it was"


@pytest.mark.slow
def test_what_a_run_writes_is_reported(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOFBEAT_CACHE_DIR", str(cache_dir))
    data, out = write_medpix_shaped(tmp_path / "set"), tmp_path / "out"
    options = ["--data", str(data), "--split", "dev", "--out", str(out)]
    assert main(["run", *options, "--view", "V3", "V2", "--arm", "offline", "prior"]) == 0
    assert main(["report", str(out)]) == 0
    page = Page((out / "report.html").read_text("utf-8"))
    assert "offline V3 n 4, curated truth" in page.words
    assert "4 cases in 4 clusters" in page.words
    assert "NOT AT ITS END" not in page.words
    (side,) = page.opened("detail-0")["sides"]
    outcomes = {(o["arm"], o["view"]): o for o in side["detail"]["outcomes"]}
    assert outcomes["offline", "V3"]["steps"][0]["node"] == "intake"
    assert outcomes["offline", "V3"]["passages"]
    assert [one["view"] for one in side["detail"]["inputs"]] == ["V3", "V2"]
    (picture,) = side["detail"]["inputs"][1]["pictures"]
    assert f"picture-{picture['key']}" in page.data
    assert LEAK not in str(side)
