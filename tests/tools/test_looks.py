"""What a look shows and which findings it asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from knowledge.entry import load_entries
from knowledge.ranking.leading import relevance
from knowledge.vocabulary import build_vocabulary, load_vocabulary
from tools.errors import ToolFailure
from tools.imaging.raster import AS_DISPLAYED
from tools.imaging.series import Series
from tools.imaging.volume import Volume
from tools.imaging.windows import View
from tools.looks import MOST_TERMS, Choice, asked_of, make_look, terms_for, window_of

VOCABULARY = load_vocabulary()
CYSTS = VOCABULARY["lung-cysts"]


def _volume(slices: int = 40, spacing_mm: tuple[float, float, float] = (2.5, 1.0, 1.0)) -> Volume:
    """Axial, feet first."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = spacing_mm
    affine[3, 3] = 1
    voxels = np.zeros((slices, 12, 10), dtype=np.int16)
    return Volume(voxels=voxels, unit="HU", affine_lps_mm=affine, spacing_mm=spacing_mm)


def _series(**changes: Any) -> Series:
    fields: dict[str, Any] = {
        "id": "S1", "ref": "", "kind": "volume", "modality": "CT", "unit": "HU", "slices": 40,
        "rows": 12, "columns": 10,
    }  # fmt: skip
    return Series(**(fields | changes))


def _views(volume: Volume, **choice: Any) -> tuple[View, ...]:
    return make_look(volume, _series(), "lung", Choice(**choice), [CYSTS]).views


def test_a_look_without_choice_shows_sixteen_slices_through_the_whole_series() -> None:
    views = _views(_volume())
    assert len(views) == 16
    # round(i / 16 * 39) + 1: 2.4375 for i = 1, and 39 for i = 16.
    assert (views[0].slices, views[-1].slices) == ((3,), (40,))


def test_slices_are_shown_in_the_order_asked() -> None:
    assert [view.slices for view in _views(_volume(), slices=(9, 2))] == [(9,), (2,)]


def test_a_slab_of_ten_millimetres_is_shown_around_each_slice_asked() -> None:
    # 5 mm to either side are 2 slices of 2.5 mm; the volume ends at slice 40.
    views = _views(_volume(), projection="maximum", slices=(3, 40))
    assert [view.slices for view in views] == [(1, 2, 3, 4, 5), (38, 39, 40)]
    assert {view.projection for view in views} == {"maximum"}
    assert len(_views(_volume(), projection="mean")) == 8


def test_a_reformat_cuts_where_asked_and_else_once_through_the_middle_of_the_body() -> None:
    cuts = _views(_volume(), plane="coronal", slices=(1, 12))
    assert [(view.plane, view.cut) for view in cuts] == [("coronal", 1), ("coronal", 12)]
    body = np.full((40, 12, 10), -1000, dtype=np.int16)
    body[:, :, 6:9] = 40  # columns 7 to 9
    (middle,) = _views(replace(_volume(), voxels=body), plane="sagittal")
    assert (middle.plane, middle.cut) == ("sagittal", 8)


def test_only_stacks_of_slices_are_a_volume_to_the_model() -> None:
    stack = make_look(_volume(), _series(), "lung", Choice(), [CYSTS])
    cut = make_look(_volume(), _series(), "lung", Choice(plane="coronal"), [CYSTS])
    loose = make_look(_volume(), _series(kind="slices"), "lung", Choice(), [CYSTS])
    image = make_look(_volume(1), _series(kind="image"), "lung", Choice(), [CYSTS])
    assert [look.is_volume for look in (stack, cut, loose, image)] == [True, False, True, False]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"slices": (0,)}, r"slices 1 to 40, got \[0\]; ask for slices in that range"),
        ({"slices": (3, 41, 99)}, r"got \[41, 99\]"),
        ({"projection": "maximum", "slices": (41,)}, "slices 1 to 40, got 41"),
        ({"plane": "coronal", "slices": (13,)}, "rows 1 to 12, got 13"),
        ({"plane": "sagittal", "slices": (0,)}, "columns 1 to 10, got 0"),
        ({"plane": "axial"}, "slices of series S1 are axial: ask for single slices"),
        (
            {"plane": "coronal", "projection": "maximum"},
            "one voxel thick and has no projection; ask for the maximum without a plane",
        ),
        (
            {"plane": "coronal", "slices": (1, 2, 3, 4, 5, 6, 7)},
            "at most 6 cuts of a plane, got 7; name fewer",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_with_what_can(choice: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolFailure, match=said):
        _views(_volume(), **choice)


def test_six_cuts_of_a_plane_are_shown() -> None:
    assert len(_views(_volume(), plane="coronal", slices=(1, 2, 3, 4, 5, 6))) == 6


@pytest.mark.parametrize("volume", [_volume(1), _volume(spacing_mm=(10.1, 1.0, 1.0))])
def test_a_slab_that_holds_one_slice_is_no_projection(volume: Volume) -> None:
    with pytest.raises(ToolFailure, match=r"slab of 10 mm of series S1 holds one slice.*single sl"):
        _views(volume, projection="maximum")


def test_a_slab_of_three_thick_slices_is_one() -> None:
    views = _views(_volume(spacing_mm=(5.0, 1.0, 1.0)), projection="minimum", slices=(7,))
    assert [view.slices for view in views] == [(6, 7, 8)]


@pytest.mark.parametrize("choice", [{"plane": "coronal"}, {"projection": "maximum"}])
def test_without_spacing_only_single_slices_are_shown(choice: dict[str, Any]) -> None:
    loose = replace(_volume(), affine_lps_mm=None, spacing_mm=None)
    assert len(_views(loose)) == 16
    with pytest.raises(ToolFailure, match=r"unknown[:;] ask for single slices"):
        _views(loose, **choice)


@pytest.mark.parametrize(
    ("unit", "window", "said"),
    [
        ("HU", "pulmonary", "'pulmonary' cannot be shown.*in HU; ask for one of: lung, soft ti"),
        ("HU", AS_DISPLAYED, "'as displayed' cannot be shown: series S1 is in HU"),
        ("stored", "lung", "'lung' cannot be shown: series S1 is not in HU.*: as displayed$"),
        ("stored", "medgemma", "series S1 is not in HU"),
    ],
)
def test_a_window_that_does_not_fit_is_never_faked(unit: Any, window: str, said: str) -> None:
    with pytest.raises(ToolFailure, match=said):
        make_look(replace(_volume(), unit=unit), _series(), window, Choice(), [CYSTS])


@pytest.mark.parametrize("window", ["lung", "soft tissue", "bone", "angio"])
def test_the_closed_list_of_a_window_is_whole(window: str) -> None:
    asked = {term.id for term in terms_for(VOCABULARY, _series(), window)}
    assert asked == {t.id for t in VOCABULARY.terms.values() if t.window == window}


def test_the_closed_list_is_that_of_the_body_part() -> None:
    chest = {t.id for t in terms_for(VOCABULARY, _series(body_part="CHEST"), "soft tissue")}
    belly = {t.id for t in terms_for(VOCABULARY, _series(body_part="ABDOMEN"), "soft tissue")}
    assert "pleural-effusion" in chest - belly
    assert "renal-mass" in belly - chest
    assert "necrotic-lymph-nodes" in chest & belly  # anywhere in the body


def test_a_body_part_without_findings_in_a_window_is_asked_for_all_of_its_findings() -> None:
    asked = {t.id for t in terms_for(VOCABULARY, _series(body_part="KNEE"), "brain")}
    assert "periosteal-reaction" in asked
    assert "lung-cysts" not in asked


def test_cysts_are_looked_for_in_the_lung_window() -> None:
    asked = {term.id for term in terms_for(VOCABULARY, _series(), "lung")}
    assert {"thin-walled-cysts", "centrilobular-emphysema", "lower-lung-predominance"} <= asked


@pytest.mark.parametrize("window", ["medgemma", "wide", "mediastinum"])
def test_a_window_without_terms_of_its_own_asks_for_every_finding(window: str) -> None:
    asked = {term.id for term in terms_for(VOCABULARY, _series(), window)}
    every = (t for t in VOCABULARY.terms.values() if "CT" in t.modality)
    assert asked == {t.id for t in every if t.kind == "finding"}


@pytest.mark.parametrize(
    ("modality", "known", "window"),
    [("CR", "XR", "radiograph"), ("DX", "XR", "radiograph"), ("MR", "MR", "T2")],
)
def test_a_picture_asks_for_what_its_modality_shows(modality: str, known: Any, window: str) -> None:
    picture = _series(modality=modality, unit="stored", sequence="T2")
    asked = {t.id for t in terms_for(VOCABULARY, picture, AS_DISPLAYED)}
    every = (t for t in VOCABULARY.terms.values() if known in t.modality)
    assert asked == {t.id for t in every if t.window == window}
    assert len(asked) > 20


def test_a_picture_of_unknown_modality_may_show_anything() -> None:
    asked = terms_for(VOCABULARY, _series(modality="", unit="display"), AS_DISPLAYED)
    assert len(asked) == sum(t.kind == "finding" for t in VOCABULARY.terms.values())


def test_a_list_too_long_to_read_is_led_by_what_is_broad_and_often_expected() -> None:
    weight = relevance(load_entries().values(), VOCABULARY)
    chest = _series(body_part="CHEST")
    whole = terms_for(VOCABULARY, chest, "medgemma")
    led = asked_of(whole, chest, weight)
    assert len(led) == MOST_TERMS < len(whole)
    ids = {t.id for t in led}
    assert {"pleural-effusion", "ground-glass-opacity", "consolidation", "lung-cysts"} <= ids
    assert [t.id for t in led] == [t.id for t in whole if t.id in ids]
    assert all(set(VOCABULARY.ancestors(i)) & {t.id for t in whole} <= ids for i in ids)
    bone = terms_for(VOCABULARY, chest, "bone")
    assert asked_of(bone, chest, weight) == bone


def test_a_body_part_without_findings_is_refused() -> None:
    chest_only = build_vocabulary([VOCABULARY["pleural-effusion"]])
    with pytest.raises(ToolFailure, match="no finding of CT of the knee for the wide window; ask"):
        terms_for(chest_only, _series(body_part="KNEE"), "wide")


@pytest.mark.parametrize(
    ("term", "window"),
    [("lung-cysts", "lung"), ("pleural-effusion", "soft tissue"), ("lytic-bone-lesion", "bone")],
)
def test_a_term_is_asked_where_it_is_best_seen(term: str, window: str) -> None:
    assert window_of(VOCABULARY[term], _series()) == window
    assert window_of(VOCABULARY[term], _series(unit="stored")) == AS_DISPLAYED


def test_a_term_of_another_modality_is_asked_in_the_composite() -> None:
    bright = VOCABULARY["lung-cysts"].model_copy(update={"window": "T2"})
    assert window_of(bright, _series()) == "medgemma"
