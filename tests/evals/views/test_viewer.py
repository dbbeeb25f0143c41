from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from agent.case import Case
from agent.settings import Settings
from evals.data.dataset import Dataset, EvalCase
from evals.data.medpix import load_medpix
from evals.views.pictures import pictures_of
from evals.views.show import View, show
from evals.views.viewer import Viewer
from tests.evals.medpix_shaped import NAME, overlaid, write_medpix_shaped
from tests.tools.imaging.dicom_files import stack, write
from tools.errors import UserError
from tools.imaging.store import ArtifactStore


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(planner="offline", vision="none", cache_dir=tmp_path / "cache")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    folder = write_medpix_shaped(tmp_path / "set")
    for path in (folder / "images").iterdir():
        with Image.open(path) as drawn:
            marked = overlaid(drawn.convert("L").resize((300, 300)))
        about = PngInfo()
        about.add_text("Author", NAME)
        marked.save(path, pnginfo=about)
    return load_medpix(folder, "all", None)


def see(viewer: Viewer, case: EvalCase, view: View) -> Case:
    return asyncio.run(viewer.show(case, view))


def test_images_come_by_reference_and_lie_in_the_run_as_the_arm_sees_them(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shown = see(Viewer(dataset, out, settings), dataset.cases[0], "V2")
    (series,) = shown.series
    assert series.origin == "picture"
    (picture,) = pictures_of(shown, out)
    assert picture == out / "pictures" / f"{series.ref}.png"
    stored = ArtifactStore(settings.artifact_dir).get(series.ref).voxels[0]
    with Image.open(picture) as kept:
        assert np.array_equal(np.asarray(kept), stored)
        assert kept.info == {}
    assert stored.shape[0] < 300  # the footer and the empty edges are gone
    assert NAME.encode() not in picture.read_bytes()
    assert dataset.cases[0].id not in shown.model_dump_json()
    assert shown.model_copy(update={"series": (), "chosen": ""}) == show(dataset.cases[0], "V1")


def test_several_views_and_arms_at_once_prepare_the_images_of_a_case_once(
    dataset: Dataset, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []
    load = Case.load

    def counted(*args: object, **more: object) -> Case:
        loads.append(1)
        return load(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Case, "load", counted)
    viewer = Viewer(dataset, tmp_path, settings)

    async def all_at_once() -> list[Case]:
        views: tuple[View, ...] = ("V2", "V4", "V2", "V3")
        return await asyncio.gather(*(viewer.show(dataset.cases[0], view) for view in views))

    v2, v4, again, v3 = asyncio.run(all_at_once())
    assert len(loads) == 1
    assert v2 == again
    assert v4.series == v2.series
    assert v4.findings_text == v3.findings_text != ""
    assert v3.series == ()


def test_v2x_shows_the_images_of_another_patient_and_diagnosis_and_does_not_say_so(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    viewer = Viewer(dataset, tmp_path, settings)
    case = dataset.cases[0]
    donor = viewer.donor(case)
    assert donor is not None
    assert (donor.region, donor.modality) == (case.region, case.modality)
    assert donor.truth.primary != case.truth.primary
    own, swapped = see(viewer, case, "V2"), see(viewer, case, "V2x")
    assert swapped.series == see(viewer, donor, "V2").series != own.series
    without = {"series": (), "chosen": "", "limits": ()}
    assert swapped.model_copy(update=without) == own.model_copy(update=without)
    assert viewer.donor(case) == Viewer(dataset, tmp_path, settings).donor(case)


def test_a_case_of_the_same_patient_or_diagnosis_lends_no_images(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    first, second, third, *_ = dataset.cases
    second = replace(second, patient=first.patient)
    third = replace(third, truth=first.truth)
    few = replace(dataset, cases=(first, second, third))
    viewer = Viewer(few, tmp_path, settings)
    assert viewer.donor(first) is None
    assert viewer.exclusions([first], ["V1", "V2"]) == {}
    assert viewer.exclusions([first], ["V1", "V2x"]) == {
        first.id: "no other case has images to borrow, for view V2x"
    }


def test_a_case_without_images_is_told_before_a_run_and_never_shown_as_text(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    bare = replace(dataset.cases[0], pictures=())
    viewer = Viewer(dataset, tmp_path, settings)
    assert viewer.exclusions([bare], ["V1", "V3"]) == {}
    assert viewer.exclusions([bare], ["V1", "V4"]) == {bare.id: "it has no images, for view V4"}
    with pytest.raises(UserError, match="it has no images"):
        see(viewer, bare, "V2")


def test_a_study_in_hu_is_loaded_without_its_names_and_its_age_fills_a_gap(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    def known(header: object) -> None:
        header.PatientAge = "042Y"  # type: ignore[attr-defined]
        header.PatientSex = "F"  # type: ignore[attr-defined]

    folder = write(tmp_path / "study", *stack(edit=known))
    case = replace(dataset.cases[0], pictures=(), study=(folder,), age_years=None, sex="male")
    other = replace(case, id="other", patient="other", truth=dataset.cases[1].truth)
    viewer = Viewer(replace(dataset, cases=(case, other)), tmp_path / "out", settings)
    shown = see(viewer, case, "V2")
    assert [series.unit for series in shown.series] == ["HU"]
    assert (shown.age_years, shown.sex) == (42, "male")
    assert "TEST" not in shown.model_dump_json()
    assert pictures_of(shown, tmp_path / "out") == []
    swapped = see(viewer, case, "V2x")
    assert (swapped.age_years, swapped.sex) == (None, "male")


def test_a_picture_that_cannot_be_read_is_named(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    case = replace(dataset.cases[0], pictures=(broken,))
    with pytest.raises(UserError, match=r"broken\.png"):
        see(Viewer(dataset, tmp_path, settings), case, "V2")
