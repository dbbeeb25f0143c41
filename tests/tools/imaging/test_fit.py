"""Series in a radiologist's words, and which one is looked at first."""

from __future__ import annotations

from typing import Any

import pytest

from tools.errors import UserError
from tools.imaging.body import spoken
from tools.imaging.deidentify import BODY_PARTS
from tools.imaging.fit import choose, describe_series, kernel_sharpness, rank_series
from tools.imaging.series import Series


def ct(**changes: Any) -> Series:
    """A thin axial chest CT with a medium kernel."""
    fields: dict[str, Any] = {
        "ref": "", "kind": "volume", "modality": "CT", "unit": "HU", "slices": 133, "rows": 512,
        "columns": 512, "spacing_mm": (1.25, 0.7, 0.7), "thickness_mm": 1.25, "body_part": "CHEST",
        "plane": "axial", "kernel": "B30f",
    }  # fmt: skip
    return Series(**(fields | changes))


def test_a_ct_is_described_in_one_line() -> None:
    series = ct(kernel="B70f", contrast=True, contrast_phase="portal venous")
    assert describe_series(series) == (
        "CT chest, axial, 1.25 mm, sharp kernel B70f, portal venous, 133 slices of 512x512"
    )


def test_what_is_not_known_is_not_said() -> None:
    series = ct(kernel="", body_part="", thickness_mm=None, spacing_mm=None, kind="slices")
    assert describe_series(series) == "CT, axial, 133 loose slices of 512x512"
    assert describe_series(ct(unit="stored", kernel="ZZ", contrast=False)) == (
        "CT chest, axial, 1.25 mm, kernel ZZ, non-contrast, not in HU, 133 slices of 512x512"
    )


def test_slices_that_leave_gaps_or_overlap_say_how_far_apart_they_are() -> None:
    assert "5 mm every 10 mm" in describe_series(ct(thickness_mm=5, spacing_mm=(10, 0.7, 0.7)))
    assert "1 mm every 0.7 mm" in describe_series(ct(thickness_mm=1, spacing_mm=(0.7, 0.7, 0.7)))


def test_mr_radiographs_and_pictures_have_their_own_words() -> None:
    mr = ct(modality="MR", unit="stored", sequence="FLAIR", kernel="", body_part="BRAIN", slices=1)
    assert describe_series(mr) == "MR head, FLAIR, axial, 1.25 mm, 1 slice of 512x512"
    film = Series(
        ref="", kind="image", modality="DX", unit="display", slices=1, rows=2500, columns=2048,
        body_part="CHEST",
    )  # fmt: skip
    assert describe_series(film) == "radiograph (DX) chest, 2048x2500"
    picture = film.model_copy(update={"modality": "OT", "origin": "picture"})
    assert describe_series(picture) == "picture as displayed, 2048x2500"


def test_every_body_part_that_leaves_loading_has_a_plain_name() -> None:
    assert {part for part in BODY_PARTS if not spoken(part)} == set()


@pytest.mark.parametrize(
    ("kernel", "sharpness"),
    [
        ("STANDARD", "medium"), ("BONEPLUS", "sharp"), ("lung", "sharp"), ("SOFT", "soft"),
        ("B20f", "soft"), ("B30f", "medium"), ("B70f", "sharp"), ("Br49d", "medium"),
        ("Bl57d", "sharp"), ("Qr36", "medium"), ("I50f", "sharp"), ("A", "soft"), ("B", "medium"),
        ("YC", "sharp"), ("L", "sharp"), ("FC01", "soft"), ("FC13", "medium"), ("FC51", "sharp"),
        ("FC30", "sharp"), ("FC86", "sharp"), ("FC68", ""), ("", ""), ("C", ""), ("XYZ", ""),
    ],
)  # fmt: skip
def test_kernels_of_four_vendors_are_known(kernel: str, sharpness: str) -> None:
    assert kernel_sharpness(kernel) == sharpness


@pytest.mark.parametrize(
    "worse",
    [
        ct(kernel="B70f"),
        ct(kernel=""),
        ct(thickness_mm=5.0, spacing_mm=(5, 0.7, 0.7)),
        ct(thickness_mm=0.6),
        ct(plane="coronal"),
        ct(slices=12),
        ct(slices=132),
        ct(unit="stored"),
        ct(spacing_mm=None),
        ct(kind="slices", spacing_mm=None, slices=900),
        ct(kind="image", unit="display", slices=1, spacing_mm=None),
        ct(modality="MR", unit="stored", slices=300),
    ],
)
def test_a_thin_axial_ct_with_a_medium_kernel_goes_before(worse: Series) -> None:
    assert rank_series([worse, ct()])[0] == [1, 0]
    assert rank_series([ct(), worse])[0] == [0, 1]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (ct(kernel="B70f"), ct(thickness_mm=5.0)),  # thickness before kernel
        (ct(thickness_mm=5.0), ct(plane="sagittal")),  # plane before thickness
        (ct(plane="sagittal"), ct(slices=19)),  # number of slices before plane
        (ct(slices=5), ct(unit="stored")),  # unit before number of slices
        (ct(unit="stored"), ct(kind="slices", spacing_mm=None)),  # geometry before all
        (ct(thickness_mm=3.0), ct(thickness_mm=0.8)),
        (ct(thickness_mm=0.9), ct(thickness_mm=3.2)),
        (ct(thickness_mm=0.8), ct(thickness_mm=4.0)),
    ],
)
def test_the_rules_have_an_order(better: Series, worse: Series) -> None:
    assert rank_series([worse, better])[0] == [1, 0]


def test_series_that_differ_in_nothing_keep_their_order() -> None:
    twins = [ct(body_part="HEAD"), ct(body_part="CHEST"), ct(contrast=True)]
    assert rank_series(twins)[0] == [0, 1, 2]
    planes = [ct(modality="MR", unit="stored", plane=p) for p in ("sagittal", "axial")]
    assert rank_series(planes)[0] == [0, 1]


def test_the_reason_names_what_speaks_for_the_first() -> None:
    _, why = rank_series([ct(kernel="B70f"), ct(), ct(slices=5)])
    assert why == (
        "S1 chosen of 3: a CT volume in HU with thin slices (1.25 mm) and a medium kernel (B30f) "
        "fits measuring and looking best"
    )
    _, why = rank_series([ct(id="S4")])
    assert why.startswith("S4 is the only series: CT chest")
    loose = ct(kind="slices", spacing_mm=None)
    assert rank_series([loose, loose])[1].endswith("none of them can be measured")


def test_the_persons_choice_goes_first_and_the_rest_as_ranked() -> None:
    series = [ct(id="S1", slices=5), ct(id="S2"), ct(id="S3", kernel="B70f")]
    assert choose(series, " s3 ") == [2, 1, 0]
    with pytest.raises(UserError, match=r"no series 'S9'; choose one of: S1 \(CT chest.*; S2 \("):
        choose(series, "S9")
