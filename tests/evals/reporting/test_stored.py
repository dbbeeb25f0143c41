from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals.judging.verdicts import Ruling, Verdict
from evals.reporting.stored import read_run
from evals.running.ledger import Ledger
from evals.running.manifest import write_manifests
from evals.running.plan import Plan
from tests.evals.reporting.runs import Asked, line, manifest, write_run
from tools.errors import UserError

ASKED = Asked("offline", "V3", 0, [1, None, 3])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", [ASKED])


def test_a_run_is_read_in_brief_and_a_line_whole_when_it_is_wanted(folder: Path) -> None:
    run = read_run(folder)
    assert [one.rank() for one in run.lines] == [1, None, 3]
    assert {one.input.history for one in run.lines} == {""}
    whole = run.whole(run.lines[2])
    assert whole.case == "SYN0003"
    assert whole.input.history.startswith("History 3")
    assert whole.report is not None


def test_the_newest_configuration_counts_and_the_older_is_counted_apart(folder: Path) -> None:
    newer = manifest("offline", source_sha256="9" * 64)
    with Ledger(folder / "results.jsonl") as ledger:
        ledger.append(line(1, Asked("offline", "V3", 0, [2]), newer.config))
    write_manifests(folder / "manifest.json", {newer.config: newer})
    run = read_run(folder)
    assert [(one.case, one.rank()) for one in run.lines] == [("SYN0001", 2)]
    assert run.older == 3
    assert list(run.manifests) == [newer.config]


def test_of_two_lines_for_one_piece_of_work_the_later_counts(folder: Path) -> None:
    with Ledger(folder / "results.jsonl") as ledger:
        ledger.append(line(2, Asked("offline", "V3", 0, [1, 7]), manifest("offline").config))
    run = read_run(folder)
    assert [one.rank() for one in run.lines] == [1, 7, 3]
    assert run.older == 0
    assert run.whole(run.lines[1]).rank() == 7


def test_a_line_that_is_being_written_is_passed_over_and_left_alone(folder: Path) -> None:
    path = folder / "results.jsonl"
    path.write_bytes(path.read_bytes() + b'{"case": "SYN0004", "pat')
    assert len(read_run(folder).lines) == 3
    assert path.read_bytes().endswith(b'"pat')


def test_what_the_plan_asked_for_and_has_no_line_is_counted(folder: Path) -> None:
    plan = Plan(
        began=datetime(2026, 1, 1, tzinfo=UTC),
        configs={"offline": manifest("offline").config},
        views=("V3",),
        seeds=(0,),
        cases=("SYN0001", "SYN0002", "SYN0003", "SYN0004", "SYN0005"),
    )
    (folder / "plans.jsonl").write_text(plan.model_dump_json() + "\n", "utf-8")
    assert read_run(folder).missing == 2


def test_the_verdicts_of_the_judge_that_ruled_last_are_a_scoring_of_their_own(
    folder: Path,
) -> None:
    name = line(2, ASKED, "").predictions[3].name
    rulings = [
        Ruling(item=name, truth="Disease 2", verdict=Verdict.DIFFERENT, judge="first"),
        Ruling(item=name, truth="Disease 2", verdict=Verdict.SAME, judge="last"),
    ]
    (folder / "judge.jsonl").write_text("".join(r.model_dump_json() + "\n" for r in rulings))
    run = read_run(folder)
    # All ten look-alikes of the fixture are different names, so the fourth keeps rank 4.
    assert [one.rank("judge") for one in run.lines] == [1, 4, 3]
    assert [one.rank() for one in run.lines] == [1, None, 3]
    assert run.whole(run.lines[1]).rank("judge") == 4
    assert [ruling.judge for ruling in run.rulings] == ["last"]


def test_a_folder_without_a_run_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"results\.jsonl is missing"):
        read_run(tmp_path / "nowhere")
    (folder / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"manifest\.json lacks the configuration"):
        read_run(folder)
    (folder / "results.jsonl").write_bytes(b"")
    with pytest.raises(UserError, match="holds no results yet"):
        read_run(folder)
    (folder / "results.jsonl").write_bytes(b'{"case": "of another version"}\n')
    with pytest.raises(UserError, match=r"line 1 is no line of this version"):
        read_run(folder)
