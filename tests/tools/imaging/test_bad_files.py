from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from tests.tools.imaging.dicom_files import ct_slice, refusal, stack, write
from tools.imaging.files import load_paths


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    assert "there is no file or folder 'gone'" in refusal(tmp_path / "gone")


def test_no_path_at_all_says_what_is_accepted() -> None:
    assert refusal().startswith("no path was given; give CT, MR or radiographs as DICOM")


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "the folder 'empty' holds no files" in refusal(tmp_path / "empty")


def test_a_text_file_named_dcm_is_no_dicom(tmp_path: Path) -> None:
    (tmp_path / "note.dcm").write_text("Chest CT of last week, see attachment. " * 9)
    assert "'note.dcm' cannot be used: it is neither DICOM nor" in refusal(tmp_path / "note.dcm")


def test_a_folder_with_nothing_readable_counts_what_was_there(tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.txt").write_text("words")
    assert "none of the 3 files can be used: 3 because it is neither DICOM" in refusal(tmp_path)


def test_one_bad_file_among_good_ones_is_left_out_and_noted(tmp_path: Path) -> None:
    slices = stack(5)
    slices[4].PixelData = slices[4].PixelData[:20]
    loaded = load_paths([write(tmp_path, *slices)])
    series, _ = loaded.volumes[0]
    assert (series.kind, series.slices) == ("volume", 4)
    assert "1 files of this series could not be read" in series.limits
    assert "its pixels are truncated" in loaded.notes[0]


def test_a_broken_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.dcm").write_bytes(bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff" * 3)
    assert "'x.dcm' cannot be used" in refusal(tmp_path / "x.dcm")


def test_a_syntax_without_decoder_names_itself_and_the_package(tmp_path: Path) -> None:
    made = ct_slice(np.zeros((4, 4)))
    folder = write(tmp_path, made)
    content = (folder / "1.dcm").read_bytes()
    # JPEG Lossless, as long as the UID it replaces.
    plain = b"1.2.840.10008.1.2.1\0"
    lossless = b"1.2.840.10008.1.2.4.57"
    at = content.index(plain) - 2
    size = struct.unpack("<I", content[140:144])[0] + 2
    patched = (
        content[:140] + struct.pack("<I", size) + content[144:at]
        + struct.pack("<H", 22) + lossless + content[at + 22 :]
    )  # fmt: skip
    (folder / "1.dcm").write_bytes(patched)
    message = refusal(folder / "1.dcm")
    assert "JPEG Lossless" in message or "cannot be decoded" in message


def test_an_object_without_pixels_is_refused() -> None:
    found = get_testdata_file("test-SR.dcm", download=False)
    assert isinstance(found, str)
    assert "a DICOM object without an image" in refusal(Path(found))


def test_a_broken_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04" + bytes(200))
    assert "the zip file 'broken.zip' is broken" in refusal(tmp_path / "broken.zip")


def test_pictures_become_grey_and_lose_their_alpha(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 2), (200, 200, 200, 0)).save(tmp_path / "clear.png")
    Image.new("L", (4, 2), 77).save(tmp_path / "grey.webp", lossless=True)
    voxels = [load_paths([tmp_path / n]).volumes[0][1].voxels for n in ("clear.png", "grey.webp")]
    assert voxels[0].tolist() == np.zeros((1, 2, 4)).tolist()
    assert voxels[1].tolist() == np.full((1, 2, 4), 77.0).tolist()


@pytest.mark.parametrize("name", ["moving.webp", "moving.png"])
def test_of_an_animation_the_first_picture_is_taken_and_the_others_are_counted(
    tmp_path: Path, name: str
) -> None:
    first, *others = [Image.new("RGB", (40, 40), (grey, grey, grey)) for grey in (10, 100, 200)]
    first.save(tmp_path / name, save_all=True, append_images=others, lossless=True)
    series, volume = load_paths([tmp_path / name]).volumes[0]
    assert volume.voxels[0, 0, 0] == 10
    assert "the first of 3 pictures in the file: the others are left out" in series.limits


def test_a_photograph_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    lying = Image.new("L", (32, 16))
    lying.paste(255, (0, 0, 8, 16))  # bright at the left
    exif = lying.getexif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    lying.save(tmp_path / "film.jpg", exif=exif, quality=95)
    voxels = load_paths([tmp_path / "film.jpg"]).volumes[0][1].voxels
    assert voxels.shape == (1, 32, 16)
    assert voxels[0, 4].min() > 240
    assert voxels[0, 16:].max() < 15


def test_a_picture_of_16_bits_is_stretched_to_8(tmp_path: Path) -> None:
    deep = np.array([[1000, 2000], [3000, 6000]], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    voxels = load_paths([tmp_path / "deep.png"]).volumes[0][1].voxels
    assert voxels.tolist() == [[[0, 51], [102, 255]]]


def test_a_broken_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(300))
    assert "the picture is broken" in refusal(tmp_path / "x.png")


def test_a_picture_bomb_is_refused(tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    assert "too large" in refusal(tmp_path / "huge.png")
