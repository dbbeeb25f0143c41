from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.case import Case
from evals.run import main
from evals.running.ledger import Ledger, Line
from evals.truth import Truth
from tests.evals.medpix_shaped import LEAK, write_medpix_shaped


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOFBEAT_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def argv(tmp_path: Path) -> list[str]:
    data = write_medpix_shaped(tmp_path / "set")
    return ["--data", str(data), "--out", str(tmp_path / "out")]


def test_a_case_that_has_not_run_is_shown_as_it_would_be(
    argv: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*argv, "--view", "V2", "--show-input", "SYN0001"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "SYN0001 in V2, made now: the run holds no result of it in this view"
    picture = Path(rest[-1])
    assert picture.is_file()
    assert picture.parent == tmp_path / "out" / "pictures"
    shown = Case.model_validate(json.loads("\n".join(rest[:-1])))
    assert shown.age_years == 34
    assert "[...]" in shown.history
    assert LEAK not in "\n".join(rest)


def test_a_case_that_has_run_is_shown_as_it_was_stored(
    argv: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Ledger(tmp_path / "out" / "results.jsonl") as ledger:
        for view, history in (("V1", "as it was"), ("V3", "another view")):
            ledger.append(
                Line(
                    case="SYN0001", patient="SYN0001", view=view, arm="prior", seed=0, config="c",
                    status="OK", input=Case(history=history), truth=Truth(primary="x"), latency_s=0,
                )
            )  # fmt: skip
    assert main([*argv, "--view", "V1", "--show-input", "SYN0001"]) == 0
    printed = capsys.readouterr().out
    assert "stored in" in printed.splitlines()[0]
    assert '"history": "as it was"' in printed


@pytest.mark.parametrize(
    ("case", "why"),
    [("SYN0005", "no diagnosis"), ("SYN0009", "the data set and split do not hold it")],
)
def test_a_case_that_is_not_there_is_answered_with_why(
    argv: list[str], capsys: pytest.CaptureFixture[str], case: str, why: str
) -> None:
    assert main([*argv, "--show-input", case]) == 2
    assert why in capsys.readouterr().err
