"""Calibration of the leading probability: figures by hand, bins, the plot."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from evals.calibration import main, read_leads
from evals.running.ledger import Item
from evals.statistics.calibration import (
    Leads,
    bins,
    brier,
    by_chance,
    by_size,
    ece_by_size,
    ece_by_width,
    interval,
)
from tests.evals.statistics.lines import line

_P = np.array([0.2, 0.2, 0.2, 0.2, 0.2, 0.9, 0.9, 0.9, 0.9, 1.0])
_RIGHT = np.array([1.0, 0, 0, 0, 0, 1, 1, 0, 0, 1])


def test_the_figures_are_those_worked_by_hand() -> None:
    squares = (0.64 + 4 * 0.04 + 2 * 0.01 + 2 * 0.81 + 0.0) / 10
    assert brier(_P, _RIGHT) == pytest.approx(squares)
    # 0.2 is right once in five; the four of 0.9 and the one of 1.0 share the last bin: 4.6 - 3.
    assert ece_by_width(_P, _RIGHT) == pytest.approx((0.0 + 1.6) / 10)
    # Of ten cases each is a bin of its own.
    assert ece_by_size(_P, _RIGHT) == pytest.approx((0.8 + 4 * 0.2 + 2 * 0.1 + 2 * 0.9) / 10)


def test_bins_of_equal_size_hold_the_same_number_also_of_equal_probabilities() -> None:
    assert np.bincount(by_size(np.full(30, 0.5))).tolist() == [3] * 10


def test_a_bin_tells_its_mean_and_the_share_right() -> None:
    low, high = bins(Leads(_P, _RIGHT))
    assert [low.mean, high.mean] == pytest.approx([0.2, 0.92])
    assert (low.right.count, low.right.n) == (1, 5)
    assert (high.right.count, high.right.n) == (3, 5)


def test_right_probabilities_err_no_more_than_by_chance_and_boasts_do() -> None:
    pick = np.random.default_rng(1)
    p = pick.random(400)
    honest = Leads(p, (pick.random(400) < p).astype(float))
    boasting = Leads(np.sqrt(p), honest.is_right)
    low, high = interval(honest, ece_by_width)
    assert low < by_chance(honest, ece_by_width) < high
    assert interval(boasting, ece_by_width)[0] > by_chance(boasting, ece_by_width)
    assert brier(honest.probabilities, honest.is_right) < brier(
        boasting.probabilities, honest.is_right
    )


def test_the_command_reads_simulated_patients_and_draws_a_panel_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = [
        {"probability": p, "among_entries": min(1.0, 1.1 * p), "is_right": bool(right)}
        for p, right in zip(_P, _RIGHT, strict=True)
    ]
    curves = tmp_path / "curves.json"
    curves.write_text(json.dumps([{"order": o, "ends": ends} for o in ("one", "two")]), "utf-8")
    figure = tmp_path / "plot.svg"
    assert main([f"simulated <={curves}", "--figure", str(figure)]) == 0
    assert "4/10" in capsys.readouterr().out
    drawn = ElementTree.parse(figure).getroot()
    svg = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f"{svg}g")) == 2
    points = drawn.findall(f"{svg}g/{svg}circle")
    assert [(c.get("cx"), c.get("cy")) for c in points[:2]] == [
        ("44.0", "176.0"),
        ("202.4", "88.0"),
    ]
    assert drawn.findtext(f"{svg}g/{svg}text") == "simulated <, as told, n 10"


def test_a_run_is_read_while_it_goes_on_and_whatever_separators_its_texts_hold(
    tmp_path: Path,
) -> None:
    said = (Item(name="LAM\u2028or not", probability=0.3),)
    whole = line("a", 1, predictions=said).model_dump_json()
    path = tmp_path / "results.jsonl"
    path.write_text(f"{whole}\n{whole[:40]}", "utf-8")
    leads = read_leads(path)["V3 offline"]
    assert (leads.probabilities.tolist(), leads.is_right.tolist()) == ([0.3], [1.0])


@pytest.mark.parametrize(
    ("given", "told"), [("x", "takes NAME=FILE"), ("a=none.json", "cannot be read")]
)
def test_what_cannot_be_read_is_said(
    given: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([given]) == 2
    assert told in capsys.readouterr().err


def test_a_file_of_another_kind_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("a.json", '[{"x": 1}]'), ("a.jsonl", '{"x": 1}\n')):
        (tmp_path / name).write_text(text, "utf-8")
        assert main([f"a={tmp_path / name}"]) == 2
        assert "neither a .json file of evals.simulate" in capsys.readouterr().err
