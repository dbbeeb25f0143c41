from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agent.case import Case
from agent.settings import Settings
from evals.arms.pictures import MOST_PICTURES, is_one_volume, views_of
from evals.data.dataset import EvalCase
from evals.running.session import check_all_windows
from evals.truth import Truth
from tools.errors import UserError
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore
from tools.imaging.volume import Volume
from tools.imaging.windows import View, medgemma_rgb, note_rgb


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(Settings(cache_dir=tmp_path).artifact_dir)


def chest(store: ArtifactStore, slices: int = 40) -> Case:
    """A CT of which each slice has one value, 20 HU apart."""
    voxels = np.empty((slices, 4, 6), dtype=np.int16)
    voxels[:] = (np.arange(slices) * 20 - 400)[:, None, None]
    volume = Volume(voxels=voxels, unit="HU", affine_lps_mm=None, spacing_mm=None)
    series = Series(
        id="S1", ref=store.put(volume), kind="volume", modality="CT", unit="HU", slices=slices,
        rows=4, columns=6, body_part="CHEST",
    )  # fmt: skip
    return Case(series=(series,))


def windows(views: tuple[View, ...]) -> dict[str, int]:
    named = [view.window for view in views]
    return {name: named.count(name) for name in dict.fromkeys(named)}


def test_a_ct_is_shown_in_the_windows_that_were_chosen_always_in_as_many_pictures(
    store: ArtifactStore,
) -> None:
    case = chest(store)
    assert windows(views_of(case, store, "medgemma")) == {"medgemma": 16}
    assert windows(views_of(case, store, "note-rgb")) == {"note-rgb": 16}
    assert windows(views_of(case, store, "as-displayed")) == {"lung": 8, "soft tissue": 8}
    assert windows(views_of(case, store, None)) == {"medgemma": 16}
    view = views_of(case, store, "note-rgb")[0]
    hu = np.full((4, 6), 20 * (view.slices[0] - 1) - 400, dtype=np.int16)
    assert np.array_equal(view.pixels, note_rgb(hu))
    assert not np.array_equal(view.pixels, medgemma_rgb(hu))


@pytest.mark.parametrize(
    ("body_part", "region", "shown"),
    [
        ("HEAD", "", ["brain"]),
        ("HEADNECK", "", ["soft tissue"]),
        ("ABDOMEN", "", ["soft tissue"]),
        ("", "thorax", ["lung", "soft tissue"]),
        ("", "", ["soft tissue"]),
    ],
)
def test_grey_windows_are_those_of_the_body_part(
    store: ArtifactStore, body_part: str, region: str, shown: list[str]
) -> None:
    case = chest(store)
    series = case.series[0].model_copy(update={"body_part": body_part})
    case = case.model_copy(update={"series": (series,), "region": region})
    assert list(windows(views_of(case, store, "as-displayed"))) == shown


def test_several_series_share_the_pictures_and_screenshots_are_shown_as_they_are(
    tmp_path: Path,
) -> None:
    settings = Settings(cache_dir=tmp_path / "cache")
    store = ArtifactStore(settings.artifact_dir)
    for number in range(3):
        Image.new("L", (30, 20), 40 * number).save(tmp_path / f"{number}.png")
    stills = Case.load(sorted(tmp_path.glob("*.png")), settings=settings)
    views = views_of(stills, store, "as-displayed")
    assert [(view.window, int(view.pixels.max())) for view in views] == [
        ("as displayed", 0), ("as displayed", 40), ("as displayed", 80),
    ]  # fmt: skip
    mixed = stills.model_copy(update={"series": (*chest(store).series, *stills.series)})
    assert windows(views_of(mixed, store, "medgemma")) == {"medgemma": 4, "as displayed": 3}
    many = stills.model_copy(update={"series": stills.series * 7})
    assert len(views_of(many, store, None)) == MOST_PICTURES


def test_composites_of_screenshots_are_refused_and_no_pictures_are_no_fault(
    tmp_path: Path,
) -> None:
    settings = Settings(cache_dir=tmp_path / "cache")
    store = ArtifactStore(settings.artifact_dir)
    Image.new("L", (30, 20), 90).save(tmp_path / "one.png")
    still = Case.load([tmp_path / "one.png"], settings=settings)
    with pytest.raises(UserError, match="--windows note-rgb needs data in HU"):
        views_of(still, store, "note-rgb")
    assert views_of(Case(), store, "note-rgb") == ()


def test_how_many_cases_have_pictures_alone_is_said_before_one_is_shown(tmp_path: Path) -> None:
    case = EvalCase(id="a", patient="a", truth=Truth(primary="LAM"))
    cases = [
        replace(case, pictures=(tmp_path,)),
        replace(case, id="b", study=(tmp_path,)),
        replace(case, id="c"),
    ]
    with pytest.raises(UserError, match="medgemma needs data in HU, and 2 of the 3 cases"):
        check_all_windows(cases, "medgemma")
    check_all_windows(cases[1:2], "medgemma")
    check_all_windows(cases, "as-displayed")
    check_all_windows(cases, None)


def test_slices_of_one_window_are_one_volume(store: ArtifactStore) -> None:
    case = chest(store, slices=5)
    assert is_one_volume(case, views_of(case, store, "medgemma"))
    assert not is_one_volume(case, views_of(case, store, "as-displayed"))
    assert not is_one_volume(Case(), ())
