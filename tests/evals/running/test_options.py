from __future__ import annotations

import argparse

import pytest

from evals.running.options import add_run_options, pace_from
from evals.running.schedule import Pace
from evals.views.show import VIEWS
from tools.errors import UserError


def pace(*given: str) -> Pace:
    parser = argparse.ArgumentParser()
    add_run_options(parser, VIEWS)
    return pace_from(parser.parse_args(["--out", "run", *given]))


def test_each_backend_is_bounded_by_its_own_number() -> None:
    found = pace("--concurrent", "planner=3", "cpu=5", "--rate", "planner=60")
    assert found.concurrent == {"planner": 3, "vision": 1, "cpu": 5}
    assert found.per_minute == {"planner": 60}
    assert found.max_dollars is None


def test_a_number_alone_bounds_every_backend() -> None:
    assert pace("--concurrent", "3").concurrent == {"planner": 3, "vision": 3, "cpu": 3}
    mixed = pace("--concurrent", "3", "vision=1").concurrent
    assert mixed == {"planner": 3, "vision": 1, "cpu": 3}


@pytest.mark.parametrize(
    "given",
    [
        ("--concurrent", "gpu=3"),
        ("--concurrent", "planner=0"),
        ("--concurrent", "many"),
        ("--rate", "60"),
        ("--rate", "planner=-1"),
    ],
)
def test_what_bounds_no_backend_is_refused_with_what_is_accepted(given: tuple[str, str]) -> None:
    with pytest.raises(UserError, match=r"BACKEND=N .* the backends are cpu, planner, vision"):
        pace(*given)


@pytest.mark.parametrize(
    "given", [("--max-dollars", "0"), ("--max-dollars", "nan"), ("--repeat", "0")]
)
def test_a_number_that_cannot_be_is_refused(given: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        pace(*given)
