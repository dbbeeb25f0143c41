"""Series with several images at each place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset

from tests.tools.imaging.dicom_files import ct_slice, only, stack, write
from tools.imaging.files import load_paths


def _phases(count: int, keyword: str, values: list[object]) -> list[FileDataset]:
    slices: list[FileDataset] = []
    for phase, value in enumerate(values):
        for n in range(count):
            number = len(slices) + 1
            made = ct_slice(np.full((4, 4), 1024 + 100 * phase + n), z_mm=2 * n, number=number)
            setattr(made, keyword, value)
            slices.append(made)
    return slices


@pytest.mark.parametrize(
    ("keyword", "values", "by"),
    [
        ("EchoTime", [4.6, 30.0], "echo time (4.6 ms)"),
        ("AcquisitionNumber", [1, 2], "acquisition"),
        ("TemporalPositionIdentifier", [1, 2], "temporal position"),
        ("ImageType", [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]], "image type"),
        ("ContentTime", ["101010", "101015"], "content time"),
        ("ConvolutionKernel", ["B30f", "B70f"], "reconstruction kernel"),
        ("SliceThickness", [2, 10], "slice thickness (2 mm)"),
    ],
)
def test_phases_in_one_series_become_volumes_of_their_own(
    tmp_path: Path, keyword: str, values: list[object], by: str
) -> None:
    loaded = load_paths([write(tmp_path, *_phases(4, keyword, values))])
    assert [(s.kind, s.slices, s.spacing_mm) for s, _ in loaded.volumes] == [
        ("volume", 4, (2.0, 1.5, 1.5))
    ] * 2
    assert [v.voxels[:, 0, 0].tolist() for _, v in loaded.volumes] == [
        [0, 1, 2, 3], [100, 101, 102, 103],
    ]  # fmt: skip
    assert loaded.volumes[0][0].limits == (
        f"part 1 of 2 of a series with several images at each place, told apart by {by}",
    )


def test_two_attributes_together_tell_phases_apart(tmp_path: Path) -> None:
    slices = _phases(3, "EchoTime", [5, 5, 9, 9])
    for n, made in enumerate(slices):
        made.AcquisitionNumber = 1 + (n // 3) % 2
    loaded = load_paths([write(tmp_path, *slices)])
    assert [s.slices for s, _ in loaded.volumes] == [3] * 4
    assert "told apart by echo time (5 ms) and acquisition" in loaded.volumes[0][0].limits[0]


def test_times_of_single_slices_do_not_take_a_series_apart(tmp_path: Path) -> None:
    slices = stack(6)
    for n, made in enumerate(slices):
        made.ContentTime = f"10101{n}"
    assert only(load_paths([write(tmp_path, *slices)]))[0].slices == 6


def test_images_at_one_place_that_nothing_tells_apart_are_only_looked_at(tmp_path: Path) -> None:
    slices = _phases(4, "SeriesNumber", [1, 1])
    series, volume = only(load_paths([write(tmp_path, *slices)]))
    assert (series.kind, series.slices, volume.spacing_mm) == ("slices", 8, None)
    assert "several images at one position" in series.limits[0]
