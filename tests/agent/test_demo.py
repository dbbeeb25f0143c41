"""The demo: what is planted is found by measurement, and its lesion-free twin does not name it."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from agent import Report, diagnose
from agent.demo import DEMO_CASES, demo_case, demo_study
from agent.run import Agent
from agent.settings import Settings
from knowledge.reading.normalise import Normaliser
from knowledge.vocabulary import load_vocabulary

_NAMES = tuple(DEMO_CASES)


@pytest.fixture(scope="module")
def reports(
    settings: Settings, offline_agent: Agent, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, bool], Report]:
    """Every demo and its twin, diagnosed once."""
    made = {}
    for name in _NAMES:
        for lesion_free in (False, True):
            folder = tmp_path_factory.mktemp("study")
            case = demo_case(name, folder, settings, lesion_free=lesion_free)
            made[name, lesion_free] = diagnose(case, agent=offline_agent)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", _NAMES)
def test_the_planted_disease_is_among_the_first_three(
    reports: dict[tuple[str, bool], Report], name: str
) -> None:
    found = [d.disease_id for d in reports[name, False].differential.diagnoses[:3]]
    assert DEMO_CASES[name].planted in found


@pytest.mark.slow
@pytest.mark.parametrize("name", _NAMES)
def test_the_lesion_free_twin_does_not_name_the_disease(
    reports: dict[tuple[str, bool], Report], name: str
) -> None:
    differential = reports[name, True].differential
    assert DEMO_CASES[name].planted not in [d.disease_id for d in differential.diagnoses]
    assert differential.abstained
    assert all(not f.present for f in reports[name, True].findings)


@pytest.mark.slow
@pytest.mark.parametrize("name", _NAMES)
def test_twins_share_age_sex_and_history_and_differ_in_what_is_measured(
    reports: dict[tuple[str, bool], Report], name: str
) -> None:
    case, twin = reports[name, False].case, reports[name, True].case
    assert (case.history, case.age_years, case.sex) == (twin.history, twin.age_years, twin.sex)
    assert {f.source for f in reports[name, False].findings} == {"measurement"}


@pytest.mark.parametrize("name", _NAMES)
def test_the_history_names_no_finding(name: str) -> None:
    assert Normaliser(load_vocabulary()).mentions(DEMO_CASES[name].history) == []


def test_the_demo_is_a_real_dicom_series(tmp_path: Path) -> None:
    files = sorted(demo_study("cystic-lung", tmp_path / "ct").iterdir())
    header = pydicom.dcmread(files[0])
    assert header.SOPClassUID.name == "CT Image Storage"
    assert header.Modality == "CT"
    assert len({pydicom.dcmread(f, stop_before_pixels=True).SOPInstanceUID for f in files}) > 90
