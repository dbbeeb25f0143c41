"""Broken and hostile DICOM files: each is refused by name, or read for what it is worth."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from tests.tools.imaging.dicom_files import bundled, compress, ct_slice, only, refusal, stack, write
from tools.imaging.files import load_paths

_PEAK = """
import pathlib, sys
from tools.errors import UserError
from tools.imaging.files import load_paths
def peak():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) >> 10
before = peak()
try:
    load_paths([pathlib.Path(sys.argv[1])])
except UserError as error:
    print(peak() - before, error)
"""


def test_12_bit_jpeg_extended_decodes(shared_data: Path) -> None:
    folder = shared_data / "dicom" / "transfer_syntaxes"
    plain = load_paths([folder / "CTImage.dcm"]).volumes[0][1].voxels
    (path,) = folder.glob("*JPEGProcess2_4*")
    voxels = only(load_paths([path]))[1].voxels
    assert np.abs(voxels.astype(int) - plain).max() <= 36  # lossy: 12 bits for 4402 values


def test_a_jpeg_2000_stream_that_contradicts_the_header_is_read_and_said() -> None:
    series, volume = only(load_paths([bundled("J2K_pixelrep_mismatch.dcm")]))
    dataset = dcmread(bundled("J2K_pixelrep_mismatch.dcm"))
    assert any("disagree on the sign" in limit for limit in series.limits)
    expected = dataset.pixel_array.astype(int) * dataset.RescaleSlope + dataset.RescaleIntercept
    assert np.array_equal(volume.voxels[0], np.maximum(expected, -1024))


def test_a_dose_page_in_a_ct_series_is_left_out_as_identifying(tmp_path: Path) -> None:
    page = ct_slice(np.zeros((6, 8)), number=9)
    page.SamplesPerPixel, page.PhotometricInterpretation = 3, "RGB"
    page.PlanarConfiguration, page.PixelRepresentation = 0, 0
    page.BitsAllocated, page.BitsStored, page.HighBit = 8, 8, 7
    page.PixelData = bytes(6 * 8 * 3)
    loaded = load_paths([write(tmp_path, *stack(5), page)])
    assert only(loaded)[0].slices == 5
    assert "which may identify the patient" in loaded.notes[0]


def test_truncated_pixels_are_refused_by_name() -> None:
    path = bundled("MR_truncated.dcm")
    assert "'MR_truncated.dcm' cannot be used: its pixels are truncated" in refusal(path)


def test_a_header_that_claims_too_much_is_refused_before_allocating(tmp_path: Path) -> None:
    made = ct_slice(np.zeros((4, 4)))
    made.Rows = made.Columns = 65535
    made.NumberOfFrames = 1000
    assert "its header claims 8191750 MiB" in refusal(write(tmp_path, made) / "1.dcm")


def test_a_header_that_lies_about_its_frames_is_refused(tmp_path: Path) -> None:
    made = ct_slice(np.zeros((4, 4)))
    made.NumberOfFrames = 7
    assert "its pixels are truncated" in refusal(write(tmp_path, made) / "1.dcm")
    made.PixelData = bytes(2 * 16 * 9)
    assert "claims 7 frames and its pixels hold 9" in refusal(write(tmp_path, made) / "1.dcm")
    made.NumberOfFrames = 30_000
    assert "more than 20000 frames" in refusal(write(tmp_path, made) / "1.dcm")


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
@pytest.mark.parametrize("claimed", [1, 3])
def test_compressed_frames_that_are_not_as_many_as_claimed_are_refused(
    tmp_path: Path, syntax: UID, claimed: int
) -> None:
    made = ct_slice(np.arange(16).reshape(4, 4))
    path = compress(tmp_path, made, "1.dcm", syntax)
    packed = dcmread(path)
    frame = packed.PixelData[20:-8]  # behind an empty offset table, one item, the delimiter
    packed.PixelData = encapsulate([frame, frame])
    packed.NumberOfFrames = claimed
    packed.save_as(path)
    assert "'1.dcm' cannot be used: its pixels are truncated, or encoded" in refusal(path)


def _deflated(path: Path, *, packed: bytes) -> Path:
    made = ct_slice(np.zeros((4, 4)))
    made.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    content = buffer.getvalue()
    start = 144 + struct.unpack("<I", content[140:144])[0]
    path.write_bytes(content[:start] + packed)
    return path


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("element", "why"),
    [
        (b"\x08\x00\x05\x00UT\0\0" + struct.pack("<I", 600 << 20), "header is longer than 32 MiB"),
        (b"", "cannot be used"),  # zeros from the first byte
    ],
)
def test_a_deflate_bomb_costs_little_memory(tmp_path: Path, element: bytes, why: str) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts = [packer.compress(element), *(packer.compress(bytes(1 << 20)) for _ in range(600))]
    path = _deflated(tmp_path / "bomb.dcm", packed=b"".join(parts) + packer.flush())
    assert path.stat().st_size < 1 << 20
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(path)], capture_output=True, text=True, check=True
    )
    mib, _, message = done.stdout.partition(" ")
    assert why in message
    assert int(mib) < 200


def test_a_bomb_in_the_pixels_of_a_deflated_file_is_not_unpacked(tmp_path: Path) -> None:
    made = ct_slice(np.zeros((4, 4)))
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    content = buffer.getvalue()
    data = content[144 + struct.unpack("<I", content[140:144])[0] :]
    at = data.index(b"\xe0\x7f\x10\x00")
    longer = data[: at + 8] + struct.pack("<I", 600 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(longer) + packer.compress(bytes(1 << 20)) + packer.flush()
    path = _deflated(tmp_path / "1.dcm", packed=packed)
    assert "claims 1 frames and its pixels hold 19660800" in refusal(path)  # of 32 bytes each


def _nested(depth: int) -> bytes:
    """ReferencedImageSequence in itself, written by hand: pydicom's writer recurses."""
    start = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    ends = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    return (start + item) * depth + ends * depth


@pytest.mark.parametrize("depth", [400, 40_000])
def test_sequences_nested_400_deep_are_refused(tmp_path: Path, depth: int) -> None:
    path = write(tmp_path, ct_slice(np.zeros((4, 4)))) / "1.dcm"
    content = path.read_bytes()
    at = content.index(b"\x08\x00\x60\x00CS")  # Modality comes behind 0008,0018 and before 1140
    path.write_bytes(content[:at] + _nested(depth) + content[at:])
    assert "nests sequences more than 128 deep" in refusal(path)


def test_sequences_nested_400_deep_with_lengths_are_refused(tmp_path: Path) -> None:
    inner = b""
    for _ in range(400):
        item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner
        inner = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, len(item)) + item
    path = write(tmp_path, ct_slice(np.zeros((4, 4)))) / "1.dcm"
    content = path.read_bytes()
    at = content.index(b"\x08\x00\x60\x00CS")
    path.write_bytes(content[:at] + inner + content[at:])
    assert "nests sequences more than 128 deep" in refusal(path)


def test_sequences_nested_100_deep_are_read_past(tmp_path: Path) -> None:
    inner = Dataset()
    inner.PatientName = "X"
    for _ in range(100):
        outer = Dataset()
        outer.ReferencedImageSequence = Sequence([inner])
        inner = outer
    made = ct_slice(np.zeros((4, 4)))
    made.ReferencedImageSequence = inner.ReferencedImageSequence
    assert load_paths([write(tmp_path, made)]).volumes[0][1].voxels.shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 192", "Müller^Jürgen"),
        ("ISO_IR 100", "Ålund^Åsa"),
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎"),
        ("NONSENSE", "Test^Person"),
    ],
)
def test_names_in_any_character_set_are_read_and_do_not_leave(
    tmp_path: Path, charset: str, name: str
) -> None:
    slices = stack(3)
    for made in slices:
        made.SpecificCharacterSet = "ISO_IR 192" if charset == "NONSENSE" else charset
        made.PatientName = name
    folder = write(tmp_path, *slices)
    if charset == "NONSENSE":
        for path in folder.iterdir():
            path.write_bytes(path.read_bytes().replace(b"ISO_IR 192", b"NONSENSE  "))
    series, _ = only(load_paths([folder]))
    assert (series.kind, series.slices) == ("volume", 3)
    assert name.split("^")[0] not in repr(series)
