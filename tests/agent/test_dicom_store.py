"""A study that a Vertex AI endpoint reads from its DICOM store, from the files to the request."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.case import Case
from agent.eyes import build_vision
from agent.settings import Settings, build_settings
from knowledge.vocabulary import load_vocabulary
from tests.tools.imaging.dicom_files import stack, write
from tests.tools.vision.scripted import Scripted
from tests.tools.vision.vision_server import ENDPOINT
from tools.errors import UserError
from tools.imaging.store import ArtifactStore
from tools.looks import Choice, make_look
from tools.shown import Look, show

_ROOT = (
    "https://healthcare.googleapis.com/v1/projects/p/locations/europe-west4/datasets/d/dicomStores/"
    "s/dicomWeb"
)
_TERMS = [load_vocabulary()["lung-cysts"]]


def _case(tmp_path: Path, root: str | None) -> tuple[Case, Settings]:
    slices = stack(3)
    for made in slices:
        made.StudyInstanceUID = "2.25.3"
    slices.reverse()  # files lie in another order than slices
    settings = Settings(cache_dir=tmp_path / "cache", vision_dicom_store=root)
    return Case.load([write(tmp_path / "study", *slices)], settings=settings), settings


def _look(tmp_path: Path, window: str = "medgemma", choice: Choice | None = None) -> Look:
    case, settings = _case(tmp_path, _ROOT)
    volume = ArtifactStore(settings.artifact_dir).get(case.series[0].ref)
    choice = choice or Choice(slices=(3, 1))
    return make_look(volume, case.series[0], window, choice, _TERMS, dicom_store=_ROOT)


def test_slices_in_the_window_that_the_endpoint_makes_carry_their_uris(tmp_path: Path) -> None:
    place = f"{_ROOT}/studies/2.25.3/series/2.25.5/instances"
    assert _look(tmp_path).dicomweb_uris == (f"{place}/2.25.73", f"{place}/2.25.71")


def test_uris_are_thinned_with_the_views(tmp_path: Path) -> None:
    look = _look(tmp_path, choice=Choice(slices=(1, 2, 3)))
    prompt, _ = show(Scripted(images_per_prompt=1), look)
    assert [view.slices for view in prompt.views] == [(3,)]
    assert [uri.rpartition("/")[2] for uri in prompt.dicomweb_uris] == ["2.25.73"]


@pytest.mark.parametrize(
    ("window", "choice"),
    [
        ("lung", Choice(slices=(1,))),
        ("medgemma", Choice(plane="coronal")),
        ("medgemma", Choice(projection="mean", slices=(2,), thickness_mm=100)),
    ],
)
def test_pictures_that_do_not_lie_in_the_store_go_as_pictures(
    tmp_path: Path, window: str, choice: Choice
) -> None:
    assert _look(tmp_path, window, choice).dicomweb_uris == ()


def test_without_a_store_no_original_uid_is_kept(tmp_path: Path) -> None:
    case, settings = _case(tmp_path, None)
    assert ArtifactStore(settings.artifact_dir).get(case.series[0].ref).instances is None
    (kept,) = settings.artifact_dir.iterdir()
    assert b"2.25.3" not in kept.read_bytes()


def test_no_uid_is_in_the_case(tmp_path: Path) -> None:
    case, _ = _case(tmp_path, _ROOT)
    assert "2.25." not in case.model_dump_json()


@pytest.mark.parametrize("root", ["https://pacs.example.org/dicomWeb", f"{_ROOT}/studies/1", ""])
def test_another_store_is_refused(root: str) -> None:
    with pytest.raises(UserError, match="dicomStores/S/dicomWeb, got"):
        build_settings(vision_dicom_store=root)


def test_a_store_is_for_a_vertex_endpoint(tmp_path: Path) -> None:
    given = {"vision_dicom_store": _ROOT, "cache_dir": tmp_path}
    with pytest.raises(UserError, match="set HOOFBEAT_VISION to vertex:"):
        build_vision(build_settings(vision="transformers:lab/model", **given))
    vertex = build_settings(vision=f"vertex:{ENDPOINT}", pixels_may_leave=True, **given)
    assert build_vision(vertex) is not None
