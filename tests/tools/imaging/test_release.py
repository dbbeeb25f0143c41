"""Objects whose pixels may carry names, once a person has looked at them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import (
    RLELossless,
    SecondaryCaptureImageStorage,
    UltrasoundMultiFrameImageStorage,
)  # fmt: skip

from tests.tools.imaging.dicom_files import bundled, compress, ct_slice, only, refusal, stack, write
from tools.imaging.files import load_paths

_RELEASED = "released by the person: its pixels may carry names"


def _screen(*, frames: int = 1, colour: bool = False) -> FileDataset:
    """A screen picture in shades of 0, 10, 20 and so on, in colour only of red."""
    grey = (np.arange(6 * frames) * 10).astype(np.uint8).reshape(frames, 2, 3)
    made = ct_slice(grey)
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    made.Modality = "OT"
    del made.ImagePositionPatient, made.RescaleSlope, made.RescaleIntercept
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    made.PixelData = grey.tobytes()
    if colour:
        made.SamplesPerPixel, made.PhotometricInterpretation = 3, "RGB"
        made.PlanarConfiguration = 0
        made.PixelData = np.stack([grey, 0 * grey, 0 * grey], axis=-1).tobytes()
    if frames > 1:
        made.NumberOfFrames = frames
    made["PixelData"].VR = "OB"
    return made


def test_a_screen_capture_is_left_out_with_what_to_do(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, _screen()) / "1.dcm")
    assert "check its pixels, then load it with --release-quarantined" in message


def test_beside_slices_it_is_left_out_with_what_to_do_as_well(tmp_path: Path) -> None:
    loaded = load_paths([write(tmp_path, *stack(5), _screen())])
    assert only(loaded)[0].slices == 5
    assert loaded.notes == (
        "left out 1 file: it is a screen capture or dose page, which may identify the patient; "
        "check its pixels, then load it with --release-quarantined",
    )


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_a_released_screen_capture_is_a_picture_in_grey_or_colour(
    tmp_path: Path, colour: bool, packed: bool
) -> None:
    made = _screen(colour=colour)
    if packed:
        compress(tmp_path, made, "1.dcm", RLELossless)
    else:
        write(tmp_path, made)
    series, volume = only(load_paths([tmp_path], release_quarantined=True))
    assert (series.kind, series.unit, volume.unit) == ("image", "display", "stored")
    assert series.limits[-1] == _RELEASED
    shades = [0, 10, 20, 30, 40, 50]
    assert volume.voxels.shape == ((1, 2, 3, 3) if colour else (1, 2, 3))
    assert (volume.voxels[..., 0] if colour else volume.voxels).ravel().tolist() == shades
    assert not colour or volume.voxels[..., 1:].max() == 0


def test_a_released_ultrasound_clip_is_frames_in_colour(tmp_path: Path) -> None:
    made = _screen(frames=4, colour=True)
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    made.Modality = "US"
    folder = write(tmp_path, made)
    assert "it is ultrasound" in refusal(folder)
    series, volume = only(load_paths([folder], release_quarantined=True))
    assert (series.kind, series.unit, series.slices) == ("slices", "display", 4)
    assert volume.voxels[3, 1, 2].tolist() == [230, 0, 0]


def test_doppler_is_shown_in_colour_and_a_grey_clip_with_three_samples_in_grey() -> None:
    (doppler, clip) = (
        only(load_paths([bundled(name)], release_quarantined=True))[1]
        for name in ("examples_rgb_color.dcm", "examples_ybr_color.dcm")
    )
    assert doppler.voxels.shape == (1, 240, 320, 3)
    assert clip.voxels.shape == (30, 240, 320)


def test_colours_of_a_palette_are_looked_up() -> None:
    path = bundled("examples_palette.dcm")
    series, volume = only(load_paths([path], release_quarantined=True))
    assert (series.kind, series.unit) == ("image", "display")
    assert 0 <= float(volume.voxels.min()) < float(volume.voxels.max()) <= 255


def test_released_slices_with_burned_in_text_stay_a_volume_in_hu(tmp_path: Path) -> None:
    slices = stack(4)
    for made in slices:
        made.BurnedInAnnotation = "YES"
    folder = write(tmp_path, *slices)
    assert "text written into its pixels" in refusal(folder)
    series, _ = only(load_paths([folder], release_quarantined=True))
    assert (series.kind, series.unit, series.limits) == ("volume", "HU", (_RELEASED,))


def test_localizers_and_objects_without_pixels_are_not_released(tmp_path: Path) -> None:
    scout = ct_slice(np.zeros((6, 8)))
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    write(tmp_path, scout)
    for path, why in ((tmp_path, "localizer"), (bundled("test-SR.dcm"), "without an image")):
        from tools.errors import UserError

        with pytest.raises(UserError, match=why):
            load_paths([path], release_quarantined=True)
