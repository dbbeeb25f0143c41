from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from tools.imaging.acquisition import PHASES, SEQUENCES
from tools.imaging.deidentify import derived


def _header(**values: object) -> Dataset:
    header = Dataset()
    for keyword, value in values.items():
        setattr(header, keyword, value)
    return header


@pytest.mark.parametrize(
    ("age", "years"),
    [("042Y", 42.0), ("089Y", 89.0), ("090Y", 90.0), ("104Y", 90.0), ("018M", 1.5), ("", None)],
)
def test_ages_of_90_and_over_are_pooled(age: str, years: float | None) -> None:
    assert derived(_header(PatientAge=age)).age_years == years


def test_only_listed_body_parts_pass() -> None:
    assert derived(_header(BodyPartExamined="CHEST")).body_part == "CHEST"
    assert derived(_header(BodyPartExamined="JANE DOE")).body_part == ""


@pytest.mark.parametrize("kernel", ["STANDARD", "B30f", "Br40d", "FC21", "STD+", "YA", "I50s"])
def test_kernels_of_the_vendors_pass(kernel: str) -> None:
    assert derived(_header(ConvolutionKernel=[kernel, "3"])).kernel == kernel


@pytest.mark.parametrize("kernel", ["Jane", "Amy07", "Dr Doe", "19870304", "DOE^JANE"])
def test_what_is_no_kernel_is_left_empty(kernel: str) -> None:
    assert derived(_header(ConvolutionKernel=kernel)).kernel == ""


@pytest.mark.parametrize(
    ("agent", "contrast"), [("IV", True), ("NONE", False), ("", None), (None, None)]
)
def test_contrast_is_unknown_unless_the_header_says(agent: str | None, contrast: object) -> None:
    assert derived(_header(ContrastBolusAgent=agent)).contrast is contrast


@pytest.mark.parametrize(
    ("orientation", "plane"),
    [
        ([1, 0, 0, 0, 1, 0], "axial"),
        ([0, 1, 0, 0, 0, -1], "sagittal"),
        ([1, 0, 0, 0, 0, -1], "coronal"),
        ([1, 0, 0, 0, 0.8, 0.6], "oblique"),
        ([1, 0, 0, 1, 0, 0], ""),
    ],
)
def test_the_plane_comes_from_the_orientation(orientation: list[float], plane: str) -> None:
    assert derived(_header(ImageOrientationPatient=orientation)).plane == plane


@pytest.mark.parametrize(
    ("said", "phase"),
    [
        ("CHEST W/O CONTRAST", "non-contrast"),
        ("Thorax_nativ 1.0", "non-contrast"),
        ("Abd late arterial 3.0", "arterial"),
        ("LIVER PORTAL VENOUS 5mm", "portal venous"),
        ("Venous phase", "venous"),
        ("URO 10 min delayed", "delayed"),
        ("KIDNEY NEPHROGRAPHIC", "nephrographic"),
        ("CTPA 1.25", "pulmonary arterial"),
        ("Dr Venus Arterton", ""),
        ("CHEST 5 mm", ""),
    ],
)
def test_the_contrast_phase_is_one_of_a_closed_list(said: str, phase: str) -> None:
    assert derived(_header(Modality="CT", SeriesDescription=said)).contrast_phase == phase
    assert phase in PHASES


def test_an_agent_of_none_says_non_contrast_and_words_beat_it() -> None:
    without = _header(Modality="CT", ContrastBolusAgent="NONE")
    assert derived(without).contrast_phase == "non-contrast"
    without.SeriesDescription = "arterial"
    assert derived(without).contrast_phase == "arterial"


@pytest.mark.parametrize(
    ("said", "sequence"),
    [
        ("AX T1 SE", "T1"),
        ("ax_t1_post_gd", "post-contrast T1"),
        ("T1 without contrast", "T1"),
        ("AX T2 FLAIR FS", "FLAIR"),
        ("T1 FLAIR SAG", "T1"),
        ("COR STIR", "STIR"),
        ("ep2d_diff_b1000", "DWI"),
        ("ep2d_diff ADC", "ADC"),
        ("AX SWI", "SWI"),
        ("3D TOF neck", "TOF"),
        ("AX T2* heme", "GRE"),
        ("SAG PD FS", "PD"),
        ("Ms Adcock-Gregson", ""),
        ("survey", ""),
    ],
)
def test_the_mr_sequence_is_one_of_a_closed_list(said: str, sequence: str) -> None:
    assert derived(_header(Modality="MR", SeriesDescription=said)).sequence == sequence
    assert sequence in SEQUENCES


@pytest.mark.parametrize(
    ("kind", "repetition_ms", "echo_ms", "sequence"),
    [("SE", 500, 15, "T1"), ("SE", 4000, 100, "T2"), ("SE", 3000, 20, "PD"), ("GR", 30, 5, "GRE"),
     ("SE", 1500, 50, "")],
)  # fmt: skip
def test_times_say_the_weighting_where_no_word_does(
    kind: str, repetition_ms: int, echo_ms: int, sequence: str
) -> None:
    header = _header(
        Modality="MR", ScanningSequence=kind, RepetitionTime=repetition_ms, EchoTime=echo_ms
    )
    assert derived(header).sequence == sequence


def test_a_b_value_says_diffusion_and_only_mr_has_a_sequence() -> None:
    assert derived(_header(Modality="MR", DiffusionBValue=1000.0)).sequence == "DWI"
    assert derived(_header(Modality="CT", SeriesDescription="T1")).sequence == ""


def test_the_age_comes_from_the_dates_where_the_header_gives_none() -> None:
    dates = _header(PatientBirthDate="19600615", StudyDate="20240614")
    assert derived(dates).age_years == 63
    assert derived(_header(PatientBirthDate="19200101", StudyDate="20240614")).age_years == 90
    assert derived(_header(PatientBirthDate="20250101", StudyDate="20240614")).age_years is None


def test_ultrasound_is_named_as_such() -> None:
    assert derived(_header(Modality="US")).modality == "US"
