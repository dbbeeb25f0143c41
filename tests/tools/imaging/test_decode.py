"""Values read straight from a file against pydicom, and memory while a series loads."""

from __future__ import annotations

import base64
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)  # fmt: skip

from tests.tools.imaging.dicom_files import compress, ct_slice, only, refusal, stack, write
from tools.imaging import decode
from tools.imaging.files import load_paths

_SYNTAXES = (
    ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)  # fmt: skip

# 8 x 8 values of 0, 37, 74..., by OpenJPH: nothing that is installed here encodes HTJ2K.
_HTJ2K = base64.b64decode(
    "/0//UQApQAAAAAAIAAAACAAAAAAAAAAAAAAACAAAAAgAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB"
    "/1wAEyCIkJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAFkAAf+TwAAmDfoFB3QA"
    "AADAABLAABMAUAGHdACM+gMHdADAABNAABOAJNIBAnQAMpXpAKNUAMAAKiAAFWAIgiCqcIJ1AE46ceLkwEIB7LYA/9k="
)


@st.composite
def _pixels(draw: st.DrawFn) -> tuple[NDArray[Any], int]:
    """Values as they lie in a file, garbage in their unused bits, and BitsStored."""
    dtype = draw(st.sampled_from(("int8", "uint8", "int16", "uint16")))
    bits = 8 * np.dtype(dtype).itemsize
    return draw(arrays(dtype, (2, 4))), draw(st.sampled_from((bits, bits - 4)))


def _made(values: NDArray[Any], bits_stored: int, syntax: UID) -> FileDataset:
    made = ct_slice(values)
    made.file_meta.TransferSyntaxUID = syntax
    made.BitsAllocated = 8 * values.itemsize
    made.BitsStored, made.HighBit = bits_stored, bits_stored - 1
    made.PixelRepresentation = int(values.dtype.kind == "i")
    is_big = syntax == ExplicitVRBigEndian
    made.set_original_encoding(syntax == ImplicitVRLittleEndian, not is_big)
    made.PixelData = values.astype(values.dtype.newbyteorder(">" if is_big else "<")).tobytes()
    made["PixelData"].VR = "OW" if values.itemsize == 2 else "OB"
    return made


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pixels=_pixels(),
    syntax=st.sampled_from(_SYNTAXES),
    slope=st.sampled_from((1.0, 0.5, -1.0, 3.7)),
    intercept=st.sampled_from((-1024.0, 0.0, -1023.5, -40000.0, 40000.0, 70000.0)),
    padding=st.sampled_from((None, 0, 7, 63536)),
)
def test_values_read_in_place_are_those_that_pydicom_reads(
    tmp_path: Path,
    pixels: tuple[NDArray[Any], int],
    syntax: UID,
    slope: float,
    intercept: float,
    padding: int | None,
) -> None:
    made = _made(*pixels, syntax)
    made.RescaleSlope, made.RescaleIntercept = slope, intercept
    if padding is not None:
        made.add_new("PixelPaddingValue", "US", padding)
    folder = write(tmp_path, made)
    _, volume = only(load_paths([folder]))

    stored = made.pixel_array  # of the same bytes, decoded by pydicom
    values = stored.astype(np.float64) * slope + intercept
    signed = made.PixelRepresentation == 1
    span = 2.0**made.BitsStored
    lowest = -span / 2 if signed else 0.0
    is_hu = min(slope * lowest, slope * (lowest + span - 1)) + intercept < 0
    assert volume.unit == ("HU" if is_hu else "stored")
    hu = np.clip(np.rint(values), -1024, 32767).astype(np.int16)
    assert np.array_equal(volume.voxels[0], hu if is_hu else values.astype(np.float32))
    value = -2000 if padding == 63536 and signed else padding
    # No padding is beyond what 12 bits or less hold; only a rising rescale tells air from none.
    missing = (stored == value) if value is not None else np.zeros((2, 4), dtype=bool)
    missing |= is_hu & (slope > 0) & (values <= -3024)
    expected = None if not missing.any() else ~missing[np.newaxis]
    valid = None if volume.valid is None else volume.valid.tolist()
    assert valid == (None if expected is None else expected.tolist())


@pytest.mark.parametrize("syntax", _SYNTAXES)
def test_the_fast_path_is_taken_for_plain_files(
    tmp_path: Path, syntax: UID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("read by pydicom")

    monkeypatch.setattr(decode, "_read_by_pydicom", refuse)
    made = _made(np.array([[1024, 1025]], dtype=np.int16), 16, syntax)
    assert only(load_paths([write(tmp_path, made)]))[1].voxels.tolist() == [[[0, 1]]]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_high_bit_out_of_place_and_32_bits_are_left_to_pydicom(
    tmp_path: Path, syntax: UID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "_read_native", None)
    odd = _made(np.array([[1024, 1025]], dtype=np.int16), 12, syntax)
    odd.HighBit = 15
    wide = _made(np.array([[1024, 70_000]], dtype=np.int32), 32, syntax)
    for made, expected in ((odd, [0, 1]), (wide, [0, 32767])):
        assert only(load_paths([write(tmp_path, made)]))[1].voxels.tolist() == [[expected]]


def test_frames_of_one_file_in_any_order_find_their_place(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.int16).reshape(3, 2, 4)
    made = _made(values, 16, DeflatedExplicitVRLittleEndian)
    made.NumberOfFrames = 3
    del made.ImagePositionPatient
    folder = write(tmp_path / "plain", made)
    with zipfile.ZipFile(tmp_path / "one.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "1.dcm", "1")
    for path in (folder, tmp_path / "one.zip"):
        _, volume = only(load_paths([path]))
        assert np.array_equal(volume.voxels, values - 1024)


_RAMP = np.arange(0, 64 * 37, 37).reshape(8, 8)


def _htj2k(*streams: bytes) -> FileDataset:
    made = ct_slice(_RAMP)
    made.PixelRepresentation, made.RescaleIntercept = 0, -1024
    made.PixelData = encapsulate(list(streams))
    made["PixelData"].is_undefined_length = True
    made.file_meta.TransferSyntaxUID = HTJ2KLossless
    if len(streams) > 1:
        made.NumberOfFrames = len(streams)
        made.Modality = "XA"
    return made


def test_high_throughput_jpeg_2000_decodes(tmp_path: Path) -> None:
    _, volume = only(load_paths([write(tmp_path, _htj2k(_HTJ2K))]))
    assert np.array_equal(volume.voxels[0], _RAMP - 1024)


def test_a_bad_frame_after_a_good_one_is_known_at_once(tmp_path: Path) -> None:
    folder = write(tmp_path, _htj2k(_HTJ2K, _HTJ2K[:150]))
    # Not by the time that runs out while the frame is waited for.
    assert "its pixels are truncated" in refusal(folder)


@pytest.mark.parametrize("width", [0, 1 << 31])
def test_a_jpeg_2000_stream_that_is_not_the_size_of_its_header_is_refused(
    tmp_path: Path, width: int
) -> None:
    for at in (8, 24):  # of the picture, of a tile
        stream = bytearray(_HTJ2K)
        stream[at : at + 4] = width.to_bytes(4, "big")
        loaded = _htj2k(bytes(stream))
        if at == 24 and width:
            assert only(load_paths([write(tmp_path / "wide", loaded)]))[0].slices == 1
        else:
            assert "its pixels are truncated" in refusal(write(tmp_path / str(at), loaded))


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_a_compressed_series_in_a_folder_and_in_a_zip_is_the_plain_one(
    tmp_path: Path, syntax: UID
) -> None:
    random = np.random.default_rng(5)
    slices = [
        ct_slice(random.integers(-1000, 3000, (40, 36)), z_mm=2 * n, number=n) for n in range(20)
    ]
    slices[3].PixelPaddingValue = int(slices[3].pixel_array[0, 0])
    plain = only(load_paths([write(tmp_path / "plain", *slices)]))[1]
    for n, made in enumerate(slices):
        compress(tmp_path / "packed", made, f"{n:02}", syntax)
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        for path in (tmp_path / "packed").iterdir():
            archive.write(path, path.name)
    assert plain.valid_bits is not None
    for place in ("packed", "packed.zip"):
        _, volume = only(load_paths([tmp_path / place]))
        assert np.array_equal(volume.voxels, plain.voxels)
        assert volume.valid_bits is not None
        assert np.array_equal(volume.valid_bits, plain.valid_bits)


_PEAK = """
import pathlib, sys
from tools.imaging.files import load_paths
def peak():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10
load_paths([pathlib.Path(sys.argv[2])])  # what is imported late is there
before = peak()
voxels = load_paths([pathlib.Path(sys.argv[1])]).volumes[0][1].voxels
print((peak() - before) / voxels.nbytes, voxels.shape[0])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("kind", ["plain", "padded", "JPEG-LS", "frames", "MR", "copies"])
def test_loading_takes_little_more_memory_than_the_voxels(tmp_path: Path, kind: str) -> None:
    flat = np.arange(512 * 512).reshape(512, 512) % 2000
    slices = [ct_slice(flat, z_mm=2 * n, number=n) for n in range(80)]
    if kind == "frames":
        slices = [ct_slice(np.stack([flat] * 80))]
        slices[0].NumberOfFrames = 80
        del slices[0].ImagePositionPatient
    for made in slices:
        if kind == "padded":
            made.PixelPaddingValue = 7
        if kind == "MR":
            made.Modality = "MR"
    if kind == "copies":  # of the last slices, which are then dropped
        slices += slices[-8:]
    for n, made in enumerate(slices):
        if kind == "JPEG-LS":
            compress(tmp_path / "series", made, str(n), JPEGLSLossless)
    if kind != "JPEG-LS":
        write(tmp_path / "series", *slices)
    small = write(tmp_path / "small", *stack(2))
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(tmp_path / "series"), str(small)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    ratio, count = done.stdout.split()
    assert count == "80"
    assert float(ratio) <= 1.3
