from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from knowledge.vocabulary import load_vocabulary
from tests.tools.imaging.chest_shapes import make_chest
from tests.tools.imaging.phantom_volumes import as_volume, phantom
from tools.findings import Finding
from tools.imaging.measure import LungMeasurement, LungNumbers, measure_lungs
from tools.imaging.phantom_lesions import Lesion
from tools.imaging.series import Series
from tools.refute import LIMITS, refute


@cache
def _measured(lesion: Lesion) -> LungMeasurement:
    """A phantom's lungs, as of series S1 in slices of 2.5 mm."""
    return measure_lungs(as_volume(phantom(lesion)), series=_series(2.5))


@cache
def _thin() -> LungMeasurement:
    """Even lungs without any hole, in thin slices."""
    return measure_lungs(make_chest((1.25, 1.0, 1.0)).volume, series=_series(1.25))


def _series(thickness_mm: float) -> Series:
    return Series(
        id="S1", ref="", kind="volume", modality="CT", unit="HU", slices=110, rows=256,
        columns=256, kernel="STANDARD", thickness_mm=thickness_mm,
    )  # fmt: skip


def _seen(term: str, **changes: Any) -> Finding:
    fields: Mapping[str, Any] = {
        "term": term, "name": load_vocabulary()[term].name, "present": True, "certainty": 0.9,
        "source": "vision", "backend": "model", "series": "S1", "window": "lung", "slices": (3, 4),
    }  # fmt: skip
    return Finding.model_validate({**fields, **changes})


def _refuted(finding: Finding, measured: LungMeasurement, *others: Finding) -> str:
    """The reason, after checking that nothing else of the finding has changed."""
    judged = refute([finding, *others], measured)
    assert judged[0].model_copy(update={"refuted": ""}) == finding
    assert judged[1:] == list(others)
    return judged[0].refuted


# What a model may see in healthy lungs and the numbers that exclude it.
_INVENTED = (
    ("pulmonary-emphysema-pattern", "", "LAA-950 is at most 0.0 %"),
    ("centrilobular-emphysema", "left", "Fleischner"),
    ("panlobular-emphysema", "bilateral", "whole lobules"),
    ("lung-cysts", "bilateral", "no round pocket"),
    ("thin-walled-cysts", "bilateral", "1.25 mm slices"),
    ("unilateral-hyperlucent-lung", "right", "mean left -860 HU, right -860 HU"),
    ("small-lung", "left", "0.85 of 1.70 l of air, 50 %"),
    ("calcified-micronodules", "bilateral", "in 0 specks"),
    ("high-attenuation-lung", "", "0.00 % of the peripheral lung"),
)


@pytest.mark.parametrize(("term", "side", "numbers"), _INVENTED)
def test_what_a_model_invents_in_even_lungs_is_refuted_with_numbers(
    term: str, side: str, numbers: str
) -> None:
    assert numbers in _refuted(_seen(term, side=side), _thin())


# Each lesion with what a model sees of it and may see beside it.
_THERE = (
    (Lesion.CYSTS, "lung-cysts", "bilateral"),
    (Lesion.CYSTS, "thin-walled-cysts", "bilateral"),
    (Lesion.CYSTS, "pulmonary-emphysema-pattern", "bilateral"),  # holes are there to be mistaken
    (Lesion.HYPERLUCENT_LUNG, "unilateral-hyperlucent-lung", "left"),
    (Lesion.HYPERLUCENT_LUNG, "unilateral-hyperlucent-lung", ""),
    (Lesion.HYPERLUCENT_LUNG, "small-lung", "left"),
    (Lesion.HYPERLUCENT_LUNG, "panlobular-emphysema", "left"),
    (Lesion.MICROLITHIASIS, "calcified-micronodules", "bilateral"),
    (Lesion.MICROLITHIASIS, "high-attenuation-lung", ""),
)


@pytest.mark.parametrize(("lesion", "term", "side"), _THERE)
def test_what_is_there_is_never_refuted(lesion: Lesion, term: str, side: str) -> None:
    assert _refuted(_seen(term, side=side), _measured(lesion)) == ""


def test_healthy_lungs_are_no_hyperlucent_or_calcified_ones() -> None:
    twin = _measured(Lesion.NONE)
    for term in ("unilateral-hyperlucent-lung", "calcified-micronodules", "panlobular-emphysema"):
        assert _refuted(_seen(term), twin)


def test_the_other_side_is_refuted() -> None:
    sick = _measured(Lesion.HYPERLUCENT_LUNG)
    for term in ("unilateral-hyperlucent-lung", "small-lung"):
        assert _refuted(_seen(term, side="right"), sick)


@pytest.mark.parametrize(
    "term",
    [
        "decreased-lung-attenuation", "mosaic-attenuation", "air-trapping", "bulla",
        "paraseptal-emphysema", "multicystic-lung-lesion", "lung-volume-loss", "hyperinflation",
        "calcified-pulmonary-nodule", "consolidation", "diffuse-distribution", "renal-cysts",
    ],
)  # fmt: skip
def test_what_measurement_cannot_exclude_stays(term: str) -> None:
    assert _refuted(_seen(term, side="bilateral"), _thin()) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"present": False},
        {"source": "person"},
        {"source": "report"},
        {"source": "measurement"},
        {"series": "S2"},
        {"retracted": True},
        {"refuted": "an earlier reason"},
    ],
)
def test_only_present_findings_of_the_model_in_that_series_are_judged(
    changes: dict[str, Any],
) -> None:
    finding = _seen("high-attenuation-lung", **changes)
    assert refute([finding], _thin()) == [finding]


def test_a_few_single_cysts_stay() -> None:
    for side in ("", "left", "right"):
        assert _refuted(_seen("lung-cysts", side=side), _thin()) == ""


@pytest.mark.parametrize("thickness_mm", [None, 2.5, 5.0])
def test_cysts_stay_where_slices_may_hide_them(thickness_mm: float | None) -> None:
    m = _thin()
    coarse = replace(m, conditions=replace(m.conditions, thickness_mm=thickness_mm))
    assert _refuted(_seen("lung-cysts", side="bilateral"), coarse) == ""
    wide = replace(m, conditions=replace(m.conditions, pixel_mm=1.5))
    assert _refuted(_seen("lung-cysts", side="bilateral"), wide) == ""


@pytest.mark.parametrize("diameter_mm", [3.5, 5.0])
def test_cysts_too_small_to_be_counted_are_not_refuted(diameter_mm: float) -> None:
    chest = make_chest((1.25, 1.0, 1.0))
    hu = chest.volume.voxels.copy()
    for x in (-58.0, 58.0):
        hu[chest.ball((0.0, 0.0, x), diameter_mm)] = -990
    m = measure_lungs(chest.with_hu(hu).volume, series=_series(1.25))
    assert m.cysts.count == 0
    assert _refuted(_seen("lung-cysts", side="bilateral"), m) == ""


@pytest.mark.parametrize("thickness_mm", [None, 5.0])
def test_emphysema_stays_where_slices_blur_it(thickness_mm: float | None) -> None:
    m = _thin()
    thick = replace(m, conditions=replace(m.conditions, thickness_mm=thickness_mm))
    for term in ("pulmonary-emphysema-pattern", "panlobular-emphysema"):
        assert _refuted(_seen(term), thick) == ""


def test_emphysema_in_one_third_of_one_lung_stays() -> None:
    m = replace(_thin(), right_laa950_thirds=(0.006, 0.0, 0.0))
    assert _refuted(_seen("centrilobular-emphysema"), m) == ""
    assert _refuted(_seen("centrilobular-emphysema", side="right"), m) == ""
    assert _refuted(_seen("centrilobular-emphysema", side="left"), m)
    hole = replace(_thin(), cysts=replace(_thin().cysts, largest_pocket_mm=5.0))
    assert _refuted(_seen("centrilobular-emphysema"), hole) == ""


def _lung(mean_hu: float, percentile15_hu: int, volume_l: float = 2.0) -> LungNumbers:
    return LungNumbers(
        volume_l=volume_l, mean_hu=mean_hu, percentile15_hu=percentile15_hu, laa950_fraction=0.0
    )


@pytest.mark.parametrize(
    ("right", "stays"),
    [
        (_lung(-846, -900), False),  # 14 HU
        (_lung(-845, -900), True),  # 15 HU
        (_lung(-860, -885), True),  # a dark part alone moves the low end
    ],
)
def test_a_darker_lung_stays_from_15_hu_on(right: LungNumbers, stays: bool) -> None:
    m = replace(_thin(), left=_lung(-860, -900), right=right)
    assert (_refuted(_seen("unilateral-hyperlucent-lung", side="left"), m) == "") is stays


@pytest.mark.parametrize(
    ("left_l", "side", "stays"),
    [
        (1.72, "left", False), (1.71, "left", True), (1.96, "right", False), (1.97, "right", True),
        (1.80, "", False), (1.60, "", True), (1.60, "right", False),
    ],
)  # fmt: skip
def test_a_small_lung_stays_outside_the_healthy_shares(
    left_l: float, side: str, stays: bool
) -> None:
    m = replace(
        _thin(), left=_lung(-860, -900, left_l), both=_lung(-860, -900, 4.0)
    )  # 43 % is 1.72 l, 49 % is 1.96 l
    assert (_refuted(_seen("small-lung", side=side), m) == "") is stays


def test_specks_and_dense_lung_stay_from_their_limits_on() -> None:
    m = _thin()
    many = replace(m, dense=replace(m.dense, specks=int(LIMITS["specks"].below)))
    assert _refuted(_seen("calcified-micronodules"), many) == ""
    dense = replace(m, dense=replace(m.dense, left_fraction=0.001))
    for term in ("calcified-micronodules", "high-attenuation-lung"):
        assert _refuted(_seen(term), dense) == ""
        assert _refuted(_seen(term, side="right"), dense)


@pytest.mark.parametrize("term", ["consolidation", "lobar-collapse", "pleural-effusion"])
def test_lung_without_air_may_hide_dense_or_small_lung(term: str) -> None:
    airless = _seen(term, source="report", series="")
    assert _refuted(_seen("high-attenuation-lung"), _thin(), airless) == ""
    assert _refuted(_seen("small-lung", side="left"), _thin(), airless) == ""
    gone = airless.model_copy(update={"present": False})
    assert _refuted(_seen("high-attenuation-lung"), _thin(), gone)


def test_noise_as_of_a_sharp_kernel_makes_no_emphysema_certain() -> None:
    chest = make_chest()
    noise = np.random.default_rng(1).normal(0, 45, chest.volume.voxels.shape)  # LAA-950 2.2 %
    noisy = measure_lungs(chest.with_hu(chest.volume.voxels + noise).volume, series=_series(2.5))
    assert _refuted(_seen("pulmonary-emphysema-pattern"), noisy) == ""


def test_a_measurement_without_series_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no series id"):
        refute([_seen("lung-cysts")], replace(_thin(), series=""))
