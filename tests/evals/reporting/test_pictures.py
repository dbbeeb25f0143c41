from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evals.reporting.pictures import Pictures, small_jpeg
from evals.running.ledger import Line
from tests.evals.reporting.runs import Asked, line
from tools.findings import Finding
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore
from tools.imaging.volume import Volume


def _opened(jpeg: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(jpeg)))


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def _ct(store: ArtifactStore, *, findings: tuple[Finding, ...] = ()) -> Line:
    """A case of 40 slices: air (-1000 HU) above, and soft tissue (40 HU) below slice 20."""
    voxels = np.full((40, 60, 80), -1000, dtype=np.float32)
    voxels[20:] = 40
    volume = Volume(voxels=voxels, unit="HU", affine_lps_mm=None, spacing_mm=(5.0, 2.0, 1.0))
    ref = store.put(volume)
    series = Series(
        id="S1", ref=ref, kind="volume", modality="CT", unit="HU", slices=40, rows=60, columns=80,
    )  # fmt: skip
    one = line(1, Asked("offline", "V2", 0, [1]), "c")
    assert one.report is not None
    return one.model_copy(
        update={
            "input": one.input.model_copy(update={"series": (series,)}),
            "report": one.report.model_copy(update={"findings": findings}),
        }
    )


def test_a_large_screenshot_becomes_a_small_jpeg(tmp_path: Path) -> None:
    Image.new("L", (2000, 1000), 90).save(tmp_path / "x.png")
    jpeg = small_jpeg(tmp_path / "x.png")
    assert jpeg is not None
    assert _opened(jpeg).size == (512, 256)
    assert _opened(jpeg).mode == "L"
    (tmp_path / "x.png").write_bytes(b"no picture")
    assert small_jpeg(tmp_path / "x.png") is None


def test_of_data_in_hu_three_slices_are_drawn_in_three_windows(
    tmp_path: Path, store: ArtifactStore
) -> None:
    pictures = Pictures(tmp_path, store)
    one = _ct(store)
    shown = pictures.take([one])[one.input.series[0].ref]
    # The rule of even slices for 4 of 40: 11, 21, 30, 40; the last is left out.
    assert [s.caption for s in shown][:3] == ["S1 lung 11/40", "S1 lung 21/40", "S1 lung 30/40"]
    assert len(shown) == len(pictures.jpegs) == 9
    tissue = _opened(pictures.jpegs[shown[5].key])
    assert shown[5].caption == "S1 soft tissue 30/40"
    assert tissue.size == (80, 120)  # rows are twice as far apart as columns
    # By DICOM's LINEAR, level 50, width 350: ((40 - 49.5) / 349 + 0.5) * 255 is 121. Air is black.
    assert abs(np.asarray(tissue).mean() - 121) < 2
    assert np.asarray(_opened(pictures.jpegs[shown[3].key])).max() < 5
    assert "drawn anew" in pictures.note


def test_slices_that_findings_name_come_first(tmp_path: Path, store: ArtifactStore) -> None:
    finding = Finding(
        term="consolidation", name="consolidation", present=True, certainty=1.0, source="vision",
        backend="m", series="S1", slices=(33, 99),
    )  # fmt: skip
    absent = finding.model_copy(update={"present": False, "slices": (2,)})
    one = _ct(store, findings=(finding, absent))
    shown = Pictures(tmp_path, store).take([one])[one.input.series[0].ref]
    assert [s.caption for s in shown][:3] == ["S1 lung 11/40", "S1 lung 21/40", "S1 lung 33/40"]


def test_pixels_that_are_no_longer_kept_are_counted(tmp_path: Path, store: ArtifactStore) -> None:
    one = _ct(store)
    elsewhere = Pictures(tmp_path, ArtifactStore(tmp_path / "emptied"))
    assert elsewhere.take([one]) == {one.input.series[0].ref: ()}
    assert "1 are not there any more." in elsewhere.note
    unwanted = Pictures(tmp_path, store, is_wanted=False)
    unwanted.take([one])
    assert unwanted.jpegs == {}
    assert unwanted.note == "Pictures were left out (--no-pictures)."
