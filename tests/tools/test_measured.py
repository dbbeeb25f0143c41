from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.vocabulary import load_vocabulary
from tests.tools.imaging.phantom_volumes import measured
from tools.findings import Finding
from tools.imaging.files import load_paths
from tools.imaging.measure import LungMeasurement, measure_lungs
from tools.imaging.phantom_lesions import Lesion
from tools.measured import BACKEND, findings_from_lungs


def _findings(m: LungMeasurement) -> dict[str, Finding]:
    return {f.term: f for f in findings_from_lungs(m, "S1")}


def _present(m: LungMeasurement) -> set[str]:
    return {term for term, f in _findings(m).items() if f.present}


def _absent(m: LungMeasurement) -> set[str]:
    return {term for term, f in _findings(m).items() if not f.present}


def test_a_healthy_chest_gives_absent_findings_only() -> None:
    twin = measured(Lesion.NONE)
    assert _present(twin) == set()
    assert _absent(twin) == {
        "lung-cysts",
        "decreased-lung-attenuation",
        "unilateral-hyperlucent-lung",
        "calcified-micronodules",
        "high-attenuation-lung",
    }


def test_cystic_lungs_are_named() -> None:
    assert _present(measured(Lesion.CYSTS)) == {
        "lung-cysts",
        "thin-walled-cysts",
        "diffuse-distribution",
        "bilateral-symmetric-distribution",
    }


def test_a_hyperlucent_lung_is_named_with_its_side() -> None:
    found = _findings(measured(Lesion.HYPERLUCENT_LUNG))
    assert {t for t, f in found.items() if f.present} == {
        "unilateral-hyperlucent-lung",
        "decreased-lung-attenuation",
    }
    assert found["unilateral-hyperlucent-lung"].side == "left"
    assert "LAA-950 left" in found["unilateral-hyperlucent-lung"].value


def test_microlithiasis_is_named() -> None:
    assert _present(measured(Lesion.MICROLITHIASIS)) == {
        "calcified-micronodules",
        "high-attenuation-lung",
        "lower-lung-predominance",
        "bilateral-symmetric-distribution",
    }


@pytest.mark.parametrize("lesion", list(Lesion))
def test_findings_carry_source_series_slices_and_numbers(lesion: Lesion) -> None:
    for finding in findings_from_lungs(measured(lesion), "S3"):
        assert (finding.source, finding.backend, finding.series) == ("measurement", BACKEND, "S3")
        assert any(c.isdigit() for c in finding.value)
        assert finding.name == load_vocabulary()[finding.term].name
        assert bool(finding.slices) == finding.present
        assert all(1 <= n <= 110 for n in finding.slices)


def test_between_two_thresholds_nothing_is_said() -> None:
    twin = measured(Lesion.NONE)
    some = replace(twin, left=replace(twin.left, laa950_fraction=0.07))
    assert "decreased-lung-attenuation" not in _findings(some)
    few = replace(twin, cysts=replace(twin.cysts, count=8, left=4, right=4, fraction=0.001))
    assert "lung-cysts" not in _findings(few)


def test_cysts_above_but_not_below_are_upper_lung_predominant() -> None:
    sick = measured(Lesion.CYSTS)
    upper = _present(replace(sick, cysts=replace(sick.cysts, thirds=(0.10, 0.06, 0.01))))
    assert "upper-lung-predominance" in upper
    assert "diffuse-distribution" not in upper


def test_cysts_in_the_angles_exclude_sparing_and_none_there_prove_nothing() -> None:
    sick = measured(Lesion.CYSTS)
    for fraction, said in ((sick.cysts.fraction, {False}), (0.0, set())):
        angles = replace(sick, cysts=replace(sick.cysts, costophrenic_fraction=fraction))
        found = findings_from_lungs(angles, "S1")
        assert {f.present for f in found if f.term == "costophrenic-angle-sparing"} == said


def test_thick_walls_are_not_called_thin() -> None:
    sick = measured(Lesion.CYSTS)
    thick = replace(sick, cysts=replace(sick.cysts, median_ring_hu=-300.0))
    assert "thin-walled-cysts" not in _present(thick)


def test_a_lung_is_not_dark_because_the_other_is_dense() -> None:
    twin = measured(Lesion.NONE)
    dense = replace(twin, right=replace(twin.right, mean_hu=twin.left.mean_hu + 80))
    assert "unilateral-hyperlucent-lung" not in _findings(dense)


def test_low_attenuation_states_its_conditions_and_a_sharp_kernel_makes_it_less_sure() -> None:
    sick = measured(Lesion.HYPERLUCENT_LUNG)
    sharp = replace(sick, conditions=replace(sick.conditions, kernel="B70f", sharpness="sharp"))
    plain, doubted = (_findings(m)["decreased-lung-attenuation"] for m in (sick, sharp))
    assert doubted.certainty < plain.certainty
    assert "kernel unknown, slices 2.5 mm apart" in plain.value
    assert "kernel B70f (sharp: raises LAA)" in doubted.value


def test_a_small_left_lung_is_volume_loss() -> None:
    twin = measured(Lesion.NONE)
    small = replace(twin, left=replace(twin.left, volume_l=0.3 * twin.both.volume_l))
    assert _findings(small)["lung-volume-loss"].side == "left"


@pytest.mark.slow
def test_a_real_chest_has_no_cysts_calcium_or_dark_lung(shared_data: Path) -> None:
    (_, volume), *_ = load_paths([shared_data / "dicom" / "chest_ct"]).volumes
    assert _present(measure_lungs(volume)) == set()
