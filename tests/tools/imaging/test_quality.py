"""The quality gate: what a study cannot show, and no false alarm where it can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.tools.imaging.phantom_volumes import as_volume, phantom
from tools.imaging.files import load_paths
from tools.imaging.phantom_lesions import Lesion
from tools.imaging.quality import limits_of
from tools.imaging.series import Series
from tools.imaging.volume import Volume, pack_valid

SPACING = (2.5, 2.8, 2.8)
SHAPE = (40, 128, 128)  # 358 mm across


def chest(*, front_mm: float = 110.0, lungs: slice = slice(5, 35)) -> NDArray[np.int16]:
    """An elliptical body of 300 mm across with two lungs in some of its slices."""
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    y, x = (rows - 63.5) * SPACING[1], (columns - 63.5) * SPACING[2]
    hu = np.full(SHAPE, -1000.0)
    hu[:, (y / front_mm) ** 2 + (x / 150) ** 2 < 1] = 40
    for side in (-70, 70):
        hu[lungs, (y / 60) ** 2 + ((x - side) / 45) ** 2 < 1] = -850
    hu += np.random.default_rng(7).normal(0, 12, SHAPE)
    rounded: NDArray[np.int16] = np.rint(hu.clip(-1024)).astype(np.int16)
    return rounded


def limits(
    hu: NDArray[np.int16], *, valid: NDArray[np.bool_] | None = None, **changes: Any
) -> tuple[str, ...]:
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, SPACING[2]], [0, SPACING[1], 0], [SPACING[0], 0, 0]]
    volume = Volume(
        voxels=hu,
        unit="HU",
        affine_lps_mm=affine,
        spacing_mm=SPACING,
        valid_bits=None if valid is None else pack_valid(valid),
    )
    return limits_of(series(slices=len(hu), **changes), volume)


def series(**changes: Any) -> Series:
    fields: dict[str, Any] = {
        "ref": "", "kind": "volume", "modality": "CT", "unit": "HU", "slices": 40, "rows": 128,
        "columns": 128, "spacing_mm": SPACING, "thickness_mm": 2.5, "body_part": "CHEST",
        "plane": "axial", "contrast": False,
    }  # fmt: skip
    return Series(**(fields | changes))


BLANK = Volume(
    voxels=np.zeros((1, 8, 8), np.float32), unit="stored", affine_lps_mm=None, spacing_mm=None
)


def test_a_sound_chest_ct_has_no_limits() -> None:
    assert limits(chest()) == ()


@pytest.mark.parametrize("lesion", Lesion)
def test_a_phantom_with_a_lesion_has_no_limits(lesion: Lesion) -> None:
    volume = as_volume(phantom(lesion))
    whole = series(slices=volume.slices, spacing_mm=volume.spacing_mm)
    assert limits_of(whole, volume, question="a chronic cough") == ()


def test_the_real_chest_ct_has_coarse_slices_and_streaks_and_nothing_else(
    shared_data: Path,
) -> None:
    ((real, volume),) = load_paths([shared_data / "dicom" / "chest_ct"]).volumes
    found = limits_of(real, volume, question="shortness of breath")
    assert found == (
        "slices 2.5 mm apart, 3.6 times the pixel: reformats are coarse",
        # undiluted contrast in the axillary vein, seen to streak across this slice
        "metal or undiluted contrast, most in slice 114: streaks may hide or imitate findings "
        "beside it",
    )


@pytest.mark.parametrize(
    ("part", "question", "asked"),
    [
        ("CHEST", "knee pain after a fall", "knee"),
        ("BRAIN", "abdominal pain, raised lipase", "abdomen"),
        ("KNEE", "cough and headache", "head and chest"),
        ("ABDOMENPELVIS", "Torn rotator cuff?", "shoulder"),
    ],
)
def test_a_question_about_another_region_cannot_be_answered(
    part: str, question: str, asked: str
) -> None:
    (found, *_) = limits_of(series(body_part=part), BLANK, question=question)
    assert found.endswith(f"the question is about the {asked}: it cannot answer it")


@pytest.mark.parametrize(
    ("part", "question"),
    [
        ("CHEST", "cough and knee pain"),
        ("CHEST", "pain in the liver region"),  # its dome is on every chest CT
        ("CHEST", "right-handed man, fell from 10 feet, in the face of sepsis"),
        ("HIP", "fracture of the femoral neck or femoral head?"),
        ("ABDOMEN", "mass in the head of the pancreas"),
        ("CHEST", "weight loss and fever"),
        ("CHEST", "status post knee replacement, now fever; no headache"),
        ("", "knee pain"),
        ("WHOLEBODY", "toe pain"),
        ("CHEST", ""),
    ],
)
def test_an_unclear_or_fitting_question_raises_nothing(part: str, question: str) -> None:
    found = limits_of(series(body_part=part), BLANK, question=question)
    assert not any("question" in one for one in found)


def test_a_question_that_only_another_modality_answers_is_said() -> None:
    ct = limits_of(series(), BLANK, question="T2-weighted lesion? FLAIR?")
    assert "the question names 't2-weighted', which MR shows and CT does not" in ct
    mr = limits_of(series(modality="MR"), BLANK, question="Calcium score in HU")
    assert "the question names 'calcium score', which CT shows and MR does not" in mr
    assert limits_of(series(), BLANK, question="wedge fracture of T2?") == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"spacing_mm": (2.5, 0.9, 0.9)}, "2.5 mm apart, 2.8 times the pixel"),
        ({"spacing_mm": (10, 7, 7), "thickness_mm": 7.5}, "slices 7.5 mm thick: small lesions"),
        ({"spacing_mm": (10, 7, 7), "thickness_mm": 5}, "5 mm between slices are not imaged"),
        ({"slices": 12}, "only 12 slices"),
        ({"modality": "MR", "unit": "stored", "slices": 6}, "only 6 slices"),
        ({"contrast": None}, "not known whether contrast was given"),
    ],
)
def test_sampling_and_contrast_are_said(changes: dict[str, Any], said: str) -> None:
    assert any(said in found for found in limits_of(series(**changes), BLANK))


@pytest.mark.parametrize(
    "changes",
    [
        {"spacing_mm": (2.5, 1.0, 1.0)},
        {"spacing_mm": (2.5, 2, 2), "thickness_mm": 5.0},  # slices overlap
        {"spacing_mm": (3.0, 2, 2), "thickness_mm": 2.5},
        {"slices": 20},
        {"slices": 1, "kind": "slices", "spacing_mm": None},
        {"modality": "MR", "unit": "stored", "slices": 10, "contrast": None},
        {"contrast": None, "contrast_phase": "arterial"},
    ],
)
def test_usual_sampling_raises_nothing(changes: dict[str, Any]) -> None:
    assert limits_of(series(**changes), BLANK) == ()


def test_a_body_that_runs_out_of_the_picture_is_cut_off() -> None:
    assert limits(chest()[:, :, 20:]) == (
        "the field of view cuts the body off (right): that part is not shown",
    )
    assert limits(chest()[:, 40:-40, :108]) == (
        "the field of view cuts the body off (left, front): that part is not shown",
    )


def test_a_body_that_runs_out_of_the_picture_of_a_prone_patient_is_cut_off() -> None:
    hu = np.ascontiguousarray(chest()[:, ::-1, ::-1])  # rows to the front, columns to the right
    affine = np.array(
        [[0, 0, -2.8, 150], [0, -2.8, 0, 150], [2.5, 0, 0, -50], [0, 0, 0, 1]], dtype=np.float64
    )
    prone = Volume(
        voxels=hu[:, :, :108], unit="HU", affine_lps_mm=affine, spacing_mm=SPACING, valid_bits=None
    )
    assert limits_of(series(), prone) == (
        "the field of view cuts the body off (right): that part is not shown",
    )


def test_a_body_that_runs_out_of_a_padded_circle_is_cut_off() -> None:
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    circle = np.hypot(rows - 63.5, columns - 63.5) < 48
    hu = np.where(circle, chest(), -1024).astype(np.int16)
    valid = np.broadcast_to(circle, SHAPE)
    assert limits(hu, valid=valid) == (
        "the field of view cuts the body off (right, left): that part is not shown",
    )


@pytest.mark.parametrize(("lungs", "end"), [(slice(5, 40), "top"), (slice(0, 35), "bottom")])
def test_lungs_in_an_end_slice_are_cut_off(lungs: slice, end: str) -> None:
    (found,) = limits(chest(lungs=lungs))
    # One lung is an ellipse of 60 x 45 mm: pi * 6.0 * 4.5 = 84.8 cm2.
    assert found.startswith(f"the scan may cut the lungs off at the {end}: 8")
    assert limits(chest(lungs=lungs), body_part="ABDOMEN") == ()


def test_a_jump_of_the_outline_may_be_motion() -> None:
    hu = chest()
    hu[20:] = np.roll(hu[20:], 4, axis=1)  # 11 mm to the back
    assert limits(hu) == ("the patient may have moved between slices 20 and 21",)


def test_a_body_that_grows_slice_by_slice_has_not_moved() -> None:
    hu = np.stack([chest(front_mm=72 + 2 * k)[k] for k in range(20)] + [*chest()[20:]])
    assert limits(hu) == ()


def test_metal_is_said_with_its_slice() -> None:
    hu = chest()
    hu[30, 60:70, 60:70] = 3071  # 100 voxels of 2.5 x 2.8 x 2.8 mm: 1.96 ml
    assert limits(hu) == (
        "metal or undiluted contrast, most in slice 31: streaks may hide or imitate findings "
        "beside it",
    )


def test_noise_is_said_with_its_size() -> None:
    noisy = chest() + np.random.default_rng(8).normal(0, 60, SHAPE)
    (found,) = limits(np.rint(noisy).astype(np.int16))
    # sqrt(60^2 + 12^2) = 61 HU; the calmer quarter of 8 x 8 blocks lies a little below.
    assert found.startswith(("noisy (about 57", "noisy (about 58", "noisy (about 59"))
