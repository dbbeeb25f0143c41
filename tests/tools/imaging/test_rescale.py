"""Values that are not HU: MR and PET slices in one unit, whatever their headers' rescales."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from tests.tools.imaging.dicom_files import stack, write
from tools.imaging.files import load_paths


def test_pet_slices_are_comparable_whatever_their_own_slope(tmp_path: Path) -> None:
    slices = stack(4)
    for n, made in enumerate(slices):
        made.Modality, made.RescaleSlope, made.RescaleIntercept = "PT", 10**n, 0
        made.PixelData = np.full((6, 8), 1000 // 10**n, dtype="<i2").tobytes()
    series, volume = load_paths([write(tmp_path, *slices)]).volumes[0]
    assert (series.kind, series.unit) == ("volume", "stored")
    assert volume.voxels.dtype == np.float32
    assert volume.voxels[:, 0, 0].tolist() == [1000.0] * 4  # 1000 * 1, 100 * 10, 10 * 100, 1 * 1000
    assert len(series.limits) == 1
    assert "slices have different rescales: each is applied" in series.limits[0]


def test_one_rescale_for_a_whole_mr_series_is_applied_without_remark(tmp_path: Path) -> None:
    def edit(made: Dataset) -> None:
        made.Modality, made.RescaleSlope, made.RescaleIntercept = "MR", 0.5, 3

    series, volume = load_paths([write(tmp_path, *stack(3, edit=edit))]).volumes[0]
    assert volume.voxels[:, 0, 0].tolist() == [503.0, 1003.0, 1503.0]
    assert series.limits == ()


def test_slices_with_and_without_rescale_are_not_stacked(tmp_path: Path) -> None:
    slices = stack(6)
    for made in slices:
        made.Modality = "MR"
    for made in slices[3:]:
        del made.RescaleSlope, made.RescaleIntercept
    loaded = load_paths([write(tmp_path, *slices)])
    assert [v.voxels[:, 0, 0].tolist() for _, v in loaded.volumes] == [
        [-24.0, 976.0, 1976.0], [4000.0, 5000.0, 6000.0],
    ]  # fmt: skip


def test_a_rescale_out_of_float_range_is_left_out(tmp_path: Path) -> None:
    slices = stack(4)
    for made in slices:
        made.Modality = "PT"
    slices[3].RescaleSlope = "1e300"
    loaded = load_paths([write(tmp_path, *slices)])
    assert loaded.volumes[0][0].slices == 3
    assert loaded.notes == ("left out 1 file: its rescale makes numbers that are too large",)


def test_inverted_mr_slices_stay_comparable(tmp_path: Path) -> None:
    def edit(made: Dataset) -> None:
        made.Modality, made.PhotometricInterpretation = "MR", "MONOCHROME1"
        made.RescaleIntercept = 0

    series, volume = load_paths([write(tmp_path, *stack(3, edit=edit))]).volumes[0]
    assert volume.voxels[:, 0, 0].tolist() == [-1000.0, -2000.0, -3000.0]
    assert "sign turned" in series.limits[0]
