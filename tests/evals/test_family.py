"""The family of tests of a run, chosen before its first case."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.case import Case
from evals.arms.arm import Arm, Named, Prediction
from evals.arms.table import ARMS
from evals.reporting.stored import read_run
from evals.run import main
from tests.evals.medpix_shaped import write_medpix_shaped


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_medpix_shaped(tmp_path / "set")


async def thinks_of_lam(case: Case, seed: int) -> Prediction:
    return Prediction(diagnoses=(Named(name="LAM"),))


def test_the_contrasts_asked_for_are_the_family_and_an_unknown_one_stops_the_run_first(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arms = {"one": lambda _: Arm(predict=thinks_of_lam, config={}), "prior": ARMS["prior"]}
    argv = ["--data", str(data), "--out", str(out), "--arm", "one", "prior", "--view", "V0", "V1"]
    assert main([*argv, "--contrast", "one:bm25"], arms) == 2
    assert "no contrast 'one:bm25' in this run" in capsys.readouterr().err
    assert not out.exists()
    assert main([*argv, "--contrast", "prior@V1:one@V1"], arms) == 0
    assert "Holm over 1." in capsys.readouterr().out
    assert main(argv, arms) == 0
    assert "Holm over 2." in capsys.readouterr().out
    assert (read_run(out).missing, read_run(out).contrasts) == (0, ())
