from __future__ import annotations

from pathlib import Path

import pytest

from evals.matching.calibration import Pair, calibrate, half, read_pairs
from evals.matching.level import Level
from tools.errors import UserError

PAIRS = tuple(
    Pair.model_validate({"prediction": f"p{at}", "truth": f"t{at}", "label": label})
    for at, label in enumerate(["same"] * 4 + ["different"] * 3 + ["component"] * 2)
)


def test_the_halves_are_fixed_apart_and_alike_in_labels() -> None:
    build, report = half(PAIRS, "build"), half(tuple(reversed(PAIRS)), "report")
    assert set(build).isdisjoint(report)
    assert set(build) | set(report) == set(PAIRS)
    assert [pair.label for pair in build].count("same") == 2
    assert [pair.label for pair in report].count("different") == 1


def test_false_accepts_and_rejects_are_counted_by_label() -> None:
    wrong = {PAIRS[0]: Level.L1, PAIRS[1]: Level.L2, PAIRS[4]: Level.L2, PAIRS[7]: Level.L4}
    result = calibrate(PAIRS, lambda pair: wrong.get(pair, Level.DIFFERENT))
    assert result.table["same", Level.L1] == 1
    assert str(result.same_accepted).startswith("2/4 50.0%")
    assert str(result.different_accepted).startswith("1/3")
    assert str(result.not_right_accepted).startswith("0/2")
    assert str(result.specificity).startswith("4/5")
    assert result.narrower_accepted is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"prediction": "a", "truth": "b", "label": "alike"}', r"line 1: label"),
        ("", "holds no pair"),
    ],
)
def test_a_file_that_does_not_fit_is_told_by_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_pairs(path)
    with pytest.raises(UserError, match="is missing"):
        read_pairs(tmp_path / "none.jsonl")
