"""Enhanced multi-frame objects: each frame by its own functional groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import EnhancedCTImageStorage

from tests.tools.imaging.dicom_files import ct_slice, only, stack, write
from tools.imaging.files import load_paths

AXIAL, CORONAL = (1, 0, 0, 0, 1, 0), (1, 0, 0, 0, 0, -1)


def _item(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def _frame(
    position: tuple[float, ...],
    orientation: tuple[float, ...] = AXIAL,
    *,
    pixel_mm: float = 1.0,
    **groups: Dataset,
) -> Dataset:
    """The functional groups of one frame; its values are HU."""
    measures = _item(PixelSpacing=[pixel_mm, pixel_mm], SliceThickness=6)
    values = _item(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")
    return _item(
        PlanePositionSequence=[_item(ImagePositionPatient=list(position))],
        PlaneOrientationSequence=[_item(ImageOrientationPatient=list(orientation))],
        PixelMeasuresSequence=[measures],
        PixelValueTransformationSequence=[values],
        **{name: [group] for name, group in groups.items()},
    )


def _enhanced(*frames: Dataset, **shared: Any) -> FileDataset:
    """An enhanced CT; frame n (from 1) is of 100 n - 1024 HU."""
    made = ct_slice(np.stack([np.full((4, 4), 100 * n) for n in range(1, len(frames) + 1)]))
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    for keyword in (
        "ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "SliceThickness",
        "RescaleSlope", "RescaleIntercept",
    ):  # fmt: skip
        delattr(made, keyword)
    made.NumberOfFrames = len(frames)
    made.PerFrameFunctionalGroupsSequence = list(frames)
    made.SharedFunctionalGroupsSequence = [_item(**shared)]
    return made


def test_plane_thickness_kernel_and_contrast_come_from_where_an_enhanced_object_has_them(
    tmp_path: Path,
) -> None:
    made = _enhanced(
        *(_frame((0, 0, 2 * n)) for n in range(3)),
        CTReconstructionSequence=[_item(ConvolutionKernel="B70f")],
    )
    made.ContrastBolusAgentSequence = [_item(CodeMeaning="Iohexol")]
    series, _ = only(load_paths([write(tmp_path, made)]))
    assert (series.plane, series.thickness_mm) == ("axial", 6.0)
    assert (series.kernel, series.contrast) == ("B70f", True)


def test_stacks_in_two_planes_of_one_file_are_two_volumes(tmp_path: Path) -> None:
    axial = [_frame((0, 0, 2 * n)) for n in range(3)]
    coronal = [_frame((0, 10 + 3 * n, 0), CORONAL) for n in range(3)]
    loaded = load_paths([write(tmp_path, _enhanced(*axial, *coronal))])
    assert [(s.kind, s.plane, s.spacing_mm) for s, _ in loaded.volumes] == [
        ("volume", "axial", (2.0, 1.0, 1.0)),
        ("volume", "coronal", (3.0, 1.0, 1.0)),
    ]
    assert [v.voxels[:, 0, 0].tolist() for _, v in loaded.volumes] == [
        [-924, -824, -724], [-624, -524, -424],
    ]  # fmt: skip


def test_frames_with_pixels_of_two_sizes_are_two_volumes(tmp_path: Path) -> None:
    frames = [_frame((0, 0, 2 * n), pixel_mm=1.0 if n < 2 else 3.0) for n in range(4)]
    loaded = load_paths([write(tmp_path, _enhanced(*frames))])
    assert [s.spacing_mm for s, _ in loaded.volumes] == [(2.0, 1.0, 1.0), (2.0, 3.0, 3.0)]


def test_slices_turned_round_an_axis_are_only_looked_at(tmp_path: Path) -> None:
    angles = np.radians(np.arange(0, 180, 2))  # 90 planes
    frames = [
        _frame((n, 0, 0), (round(np.cos(a), 6), round(np.sin(a), 6), 0, 0, 0, -1))
        for n, a in enumerate(angles.tolist())
    ]
    series, volume = only(load_paths([write(tmp_path, _enhanced(*frames))]))
    assert (series.kind, volume.affine_lps_mm) == ("slices", None)
    assert series.limits == ("frames in different planes or of different pixel size: no measuring",)


def test_heart_phases_of_one_file_become_volumes_of_their_own(tmp_path: Path) -> None:
    frames = [
        _frame(
            (0, 0, 2 * (n % 3)),
            CardiacSynchronizationSequence=_item(NominalCardiacTriggerDelayTime=250.0 * (n // 3)),
        )
        for n in range(6)
    ]
    loaded = load_paths([write(tmp_path, _enhanced(*frames))])
    assert [v.voxels[:, 0, 0].tolist() for _, v in loaded.volumes] == [
        [-924, -824, -724], [-624, -524, -424],
    ]  # fmt: skip


def test_a_file_that_fails_in_each_of_its_stacks_is_counted_once(tmp_path: Path) -> None:
    frames = [_frame((0, 0, 2 * n)) for n in range(3)]
    frames += [_frame((0, 10 + 3 * n, 0), CORONAL) for n in range(3)]
    made = _enhanced(*frames)
    made.SOPInstanceUID = "2.25.79"
    made.PixelData = made.PixelData[:-70]  # 2.2 of 6 frames are gone
    folder = write(tmp_path, *stack(5), made)
    (note,) = load_paths([folder]).notes
    assert note.startswith("left out 1 file: its pixels are truncated")
