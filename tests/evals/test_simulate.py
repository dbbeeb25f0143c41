"""Simulated patients: coherent, reproducible, and told apart sooner by better questions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evals.simulate import ORDERS, main, simulate
from evals.world import World
from knowledge.entry import load_entries
from knowledge.vocabulary import load_vocabulary


@pytest.fixture(scope="module")
def world() -> World:
    thorax = {i: e for i, e in load_entries().items() if e.system == "thorax"}
    return World(thorax, load_vocabulary(), noise=0.0)


def test_the_same_seed_draws_the_same_patients_with_the_same_answers(world: World) -> None:
    one, again = world.draw(5, seed=1), world.draw(5, seed=1)
    assert one == again
    assert one != world.draw(5, seed=2)
    terms = list(world.vocabulary.terms)[:40]
    for patient in one:
        assert [world.answer(patient, t) for t in terms] == [
            world.answer(patient, t) for t in terms
        ]


def test_a_patient_never_has_a_narrower_finding_without_the_broader(world: World) -> None:
    found = 0
    for patient in world.draw(40, seed=3):
        for term in world.vocabulary.terms.values():
            if term.parent and world.answer(patient, term.id):
                found += 1
                assert world.answer(patient, term.parent)
    assert found > 100


def test_findings_are_drawn_as_often_as_their_entry_says(world: World) -> None:
    row = next(r for r, e in enumerate(world.entries) if e.id == "lymphangioleiomyomatosis")
    patient = replace(world.draw(1, seed=4)[0], row=row, modality="CT")
    many = [replace(patient, seed=seed) for seed in range(400)]
    listed = [f for f in world.entries[patient.row].findings if f.modality == "CT"]
    assert len({f.frequency for f in listed}) > 2
    for finding in listed:
        expected = max(  # a broader one is there wherever a narrower one is
            f.frequency
            for f in listed
            if finding.term in (f.term, *world.vocabulary.ancestors(f.term))
        )
        share = sum(world.answer(p, finding.term) for p in many) / len(many)
        assert share == pytest.approx(expected, abs=0.08)


def test_information_gain_asks_better_than_chance(world: World) -> None:
    patients = world.draw(60, seed=5)
    compared = ("information gain", "random")
    curves = {order: simulate(world, patients, order, 12) for order in compared}
    for curve in curves.values():
        assert len(curve.right) == 13
        assert sum(end.is_right for end in curve.ends) == round(60 * curve.right[-1])
    assert sum(curves["information gain"].right) > 1.2 * sum(curves["random"].right)


def test_the_command_writes_the_curves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "curves.json"
    assert main(["--patients", "2", "--questions", "2", "--processes", "1", "--out", str(out)]) == 0
    assert [c["order"] for c in json.loads(out.read_text())] == list(ORDERS)
    assert "2 patients, noise 10%" in capsys.readouterr().out
