"""NIfTI: what the values are, what is left out, and what a hostile file can do."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.tools.imaging.nifti_files import ct_values, image, nib, ras_affine, read, source
from tools.errors import UserError
from tools.imaging.nifti import read_nifti
from tools.imaging.pixels import LeftOut

SHAPE = (12, 14, 9)


def reason(tmp_path: Path, made: Any, *, modality: str = "CT") -> str:
    with pytest.raises(LeftOut) as caught:
        read(tmp_path, made, modality=modality)
    return caught.value.reason


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_slope_and_intercept_lead_to_rounded_hu(tmp_path: Path, suffix: str, order: str) -> None:
    stored = np.arange(3 * 4 * 5).reshape(3, 4, 5).astype(f"{order}i2")
    made = nib.Nifti1Image(stored, ras_affine("L", "P", "S"), nib.Nifti1Header(endianness=order))
    made.header.set_xyzt_units("mm")
    made.header.set_slope_inter(2.5, -100.0)
    nib.save(made, tmp_path / f"a{suffix}")
    # nibabel rescales what it is given so that slope and intercept lead back to it.
    held = nib.load(tmp_path / f"a{suffix}").get_fdata()
    _, volume = read_nifti(source(tmp_path / f"a{suffix}"), modality="MR")
    assert volume.voxels.dtype == np.float32
    assert volume.voxels.transpose(2, 1, 0) == pytest.approx(held, abs=1e-3)


def test_a_nifti_2_file_is_read(tmp_path: Path) -> None:
    values = ct_values(SHAPE)
    made = nib.Nifti2Image(values, ras_affine("L", "P", "S"))
    made.header.set_xyzt_units("mm")
    _, volume = read(tmp_path, made)
    assert np.array_equal(volume.voxels, values.transpose(2, 1, 0))


def test_padding_of_a_ct_is_air_and_masked(tmp_path: Path) -> None:
    values = ct_values(SHAPE).astype(np.float32)
    values[2, 3, 4], values[5, 3, 4], values[6, 3, 4] = -3024, np.nan, -1024
    _, volume = read(tmp_path, image(values, ras_affine("L", "P", "S")))
    assert volume.voxels[4, 3, [2, 5, 6]].tolist() == [-1024, -1024, -1024]
    assert volume.valid is not None
    assert np.argwhere(~volume.valid).tolist() == [[4, 3, 2], [4, 3, 5]]


def test_noise_below_air_is_air_and_counts(tmp_path: Path) -> None:
    values = ct_values(SHAPE)
    values[2, 3, 4] = -1150
    _, volume = read(tmp_path, image(values, ras_affine("L", "P", "S")))
    assert volume.voxels[4, 3, 2] == -1024
    assert volume.valid is None


def test_values_that_are_not_finite_are_masked_in_other_modalities(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(500, 90, SHAPE).astype(np.float32)
    values[1, 1, 1] = np.inf
    series, volume = read(tmp_path, image(values, ras_affine("L", "P", "S")), modality="MR")
    assert (series.modality, series.unit) == ("MR", "stored")
    assert volume.voxels[1, 1, 1] == 0
    assert volume.valid is not None
    assert np.argwhere(~volume.valid).tolist() == [[1, 1, 1]]


def test_values_that_look_like_hu_are_taken_as_ct_and_that_is_said(tmp_path: Path) -> None:
    made = image(ct_values((40, 40, 9)), ras_affine("L", "P", "S"))
    series, _ = read(tmp_path, made, modality="")
    assert (series.modality, series.unit, series.origin) == ("CT", "HU", "NIfTI")
    assert "taken as CT; say --modality MR" in series.limits[0]


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(2).gamma(2, 200, (40, 40, 9)),  # magnitude
        np.random.default_rng(2).uniform(-4096, 4095, (40, 40, 9)),  # phase
        np.random.default_rng(2).normal(0, 1, (40, 40, 9)),  # normalised
        ct_values((40, 40, 9)) + 1024.0,  # a CT without its intercept
    ],
    ids=["magnitude", "phase", "normalised", "shifted"],
)
def test_other_values_are_in_no_known_unit(tmp_path: Path, values: NDArray[Any]) -> None:
    made = image(values.astype(np.float32), ras_affine("L", "P", "S"))
    series, volume = read(tmp_path, made, modality="")
    assert (series.modality, series.unit) == ("OT", "stored")
    assert volume.voxels.dtype == np.float32
    assert "give --modality CT if it is a CT" in series.limits[0]


def test_a_ct_without_negative_values_is_not_in_hu(tmp_path: Path) -> None:
    made = image(ct_values(SHAPE) + np.int16(1024), ras_affine("L", "P", "S"))
    series, _ = read(tmp_path, made)
    assert (series.modality, series.unit) == ("CT", "stored")
    assert "not HU" in series.limits[0]


def test_the_first_volume_of_several_is_taken_and_the_rest_counted(tmp_path: Path) -> None:
    first = np.random.default_rng(3).normal(500, 90, SHAPE).astype(np.float32)
    made = image(np.stack([first, first + 7, first + 9], axis=-1), ras_affine("L", "P", "S"))
    series, volume = read(tmp_path, made, modality="MR")
    assert np.array_equal(volume.voxels, first.transpose(2, 1, 0))
    assert "the first of 3 volumes" in series.limits[0]


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    values, affine = ct_values(SHAPE), ras_affine("L", "P", "S")
    labels = np.zeros((40, 40, 9), dtype=np.uint8)
    labels[5:20, 8:30, 2:7], labels[20:35, 8:30, 2:7] = 3, 117
    colour = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    assert "segmentation" in reason(tmp_path, image(labels, affine))
    assert "segmentation" in reason(tmp_path, image(labels * 0, affine))
    assert "segmentation" in reason(tmp_path, image(labels.astype(np.float64), affine))
    assert "segmentation" in reason(tmp_path, image(values, affine, intent_code=1002))
    assert "statistical map" in reason(tmp_path, image(values, affine, intent_code=3))
    assert "vectors" in reason(tmp_path, image(np.ones((4, 4, 4, 1, 3), np.float32), affine))
    assert "colour" in reason(tmp_path, image(colour, affine))
    assert "complex" in reason(tmp_path, image(values.astype(np.complex64), affine))
    pair = nib.Nifti1Pair(values, affine)
    nib.save(pair, tmp_path / "pair.hdr")
    with pytest.raises(LeftOut, match="half of a NIfTI pair"):
        read_nifti(source(tmp_path / "pair.hdr"))


def header_bytes(**changes: Any) -> bytes:
    header = image(ct_values(SHAPE), ras_affine("L", "P", "S")).header
    for name, value in changes.items():
        header[name] = value
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    return bytes(header.binaryblock) + b"\0" * 4


def test_a_header_that_claims_too_much_is_refused_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "claims.nii"
    path.write_bytes(header_bytes(dim=[3, 4000, 4000, 30000, 1, 1, 1, 1]))
    with pytest.raises(LeftOut, match=r"claims .* MiB of voxels; at most 2048"):
        read_nifti(source(path))
    path.write_bytes(header_bytes(dim=[3, 9000, 9000, 2, 1, 1, 1, 1]))
    with pytest.raises(LeftOut, match="slices of more than 25 million pixels"):
        read_nifti(source(path))
    path.write_bytes(header_bytes(dim=[3, 512, 512, 300, 1, 1, 1, 1]) + bytes(1000))
    with pytest.raises(LeftOut, match="more than 200 times its size"):
        read_nifti(source(path))
    path.write_bytes(header_bytes(dim=[3, -5, 4, 4, 1, 1, 1, 1]))
    with pytest.raises(LeftOut, match="claims no voxels"):
        read_nifti(source(path))


def test_numbers_that_overflow_leave_the_geometry_unknown(tmp_path: Path) -> None:
    made = header_bytes(srow_x=[3e38, 3e38, 3e38, 3e38], sform_code=1)
    path = tmp_path / "far.nii"
    path.write_bytes(made + ct_values(SHAPE).tobytes(order="F"))
    series, _ = read_nifti(source(path), modality="CT")
    assert (series.kind, series.spacing_mm) == ("slices", None)
    assert "orientation is broken" in series.limits[0]


def test_nibabels_remarks_on_a_header_stay_out_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.nii"
    path.write_bytes(header_bytes(sform_code=77) + ct_values(SHAPE).tobytes(order="F"))
    read_nifti(source(path), modality="CT")
    assert (caplog.text, *capfd.readouterr()) == ("", "", "")


def test_a_gzip_bomb_is_not_unpacked_beyond_its_first_volume(tmp_path: Path) -> None:
    class Counting(io.BytesIO):
        """Counts what is read of the packed file."""

        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            got = super().read(size)
            Counting.taken += len(got)
            return got

    values = ct_values(SHAPE)
    packed = gzip.compress(header_bytes() + values.tobytes(order="F") + bytes(300 << 20))
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(packed)

    class Bomb:
        name, form, trouble = "bomb.nii.gz", "other", ""

        def open(self) -> io.BytesIO:
            return Counting(packed)

    _, volume = read_nifti(Bomb(), modality="CT")  # type: ignore[arg-type]
    assert np.array_equal(volume.voxels, values.transpose(2, 1, 0))
    assert len(packed) > 250_000
    assert Counting.taken < 2 * 140_000  # gzip reads ahead in blocks of 128 KiB


@pytest.mark.parametrize("keep", [3, 100, 351, 400])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int, suffix: str) -> None:
    whole = header_bytes() + ct_values(SHAPE).tobytes(order="F")
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[:keep] if suffix == ".nii" else gzip.compress(whole)[:keep])
    with pytest.raises(LeftOut):
        read_nifti(source(path), modality="CT")


def test_a_modality_that_dicom_does_not_know_is_the_persons_to_mend(tmp_path: Path) -> None:
    made = image(ct_values(SHAPE), ras_affine("L", "P", "S"))
    with pytest.raises(UserError, match="'xyz' is no modality; give one of CR, CT"):
        read(tmp_path, made, modality="xyz")
    assert read(tmp_path, made, modality=" ct ")[0].modality == "CT"


def test_free_text_of_the_header_does_not_go_further(tmp_path: Path) -> None:
    made = image(ct_values(SHAPE), ras_affine("L", "P", "S"), descrip=b"DOE JANE 1950")
    made.header["db_name"], made.header["intent_name"] = b"DOE JANE", b"DOE JANE"
    assert "DOE" not in repr(read(tmp_path, made)[0])
