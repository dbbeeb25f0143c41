"""The figures of docs/seed-benchmark.md are those that its commands give."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from evals.statistics.metrics import proportion
from evals.statistics.power import (
    cases_needed,
    detectable_difference,
    mcnemar_p,
    mcnemar_power,
    splits,
)
from tools.imaging.windows import medgemma_rgb, note_rgb

TEXT = (Path(__file__).parents[2] / "docs/seed-benchmark.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    table = re.findall(r"^\|.*\|$", TEXT.split(heading)[1].split("\n## ")[0], flags=re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table[2:]]


def test_how_many_cases_is_what_the_command_says() -> None:
    table = rows("\n## How many cases")
    assert len(table) == 10
    for a, b, independent, nested in table:
        low, high = (float(share.removesuffix(" %")) / 100 for share in (a, b))
        assert cases_needed(low * (1 - high), high * (1 - low)) == int(independent.replace(",", ""))
        assert cases_needed(0.0, high - low) == int(nested.replace(",", ""))
    assert cases_needed(0.2 * 0.3, 0.7 * 0.8, alpha=0.01) == 27
    assert "for 27 cases" in TEXT


def test_what_ten_cases_can_show() -> None:
    p = {pairs: mcnemar_p(*pairs) for pairs in splits(10, 2, 7)}
    assert [(pairs, round(one, 4)) for pairs, one in p.items()] == [
        ((0, 5), 0.0625), ((1, 6), 0.125), ((2, 7), 0.1797),
    ]  # fmt: skip
    assert mcnemar_p(0, 6) == pytest.approx(0.03125)
    power = [mcnemar_power(10, *only) for only in ((0.06, 0.56), (0.0, 0.5))]
    assert [f"{one:.0%}" for one in power] == ["36%", "38%"]
    assert "36 to 38 %" in TEXT
    assert "[5.7, 51.0]" in str(proportion(2, 10))
    assert "[39.7, 89.2]" in str(proportion(7, 10))
    assert binomtest(7, 10, 0.26, alternative="greater").pvalue == pytest.approx(0.0045, abs=5e-5)


def test_what_the_thorax_cases_can_show() -> None:
    found = [detectable_difference(57, share) or 0.0 for share in (0.2, 0.3, 0.4, 0.5)]
    assert ", ".join(f"{100 * one:.1f}" for one in found) == "16.6, 20.5, 24.0, 27.0"
    assert "16.6, 20.5, 24.0, 27.0" in TEXT


def test_the_two_colourings_are_those_of_the_code() -> None:
    for hu, *colours in rows("\n## The training format"):
        voxel = np.array([[[int(hu)]]])
        shown = [compose(voxel).reshape(3).tolist() for compose in (medgemma_rgb, note_rgb)]
        assert [", ".join(map(str, colour)) for colour in shown] == colours
