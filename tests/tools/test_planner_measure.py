"""The planner's rulers: lungs, regions and distances, and where nothing may be measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.tools.desk import RADIOGRAPH, UNKNOWN, Desk, DeskWith, radiograph, ramp
from tests.tools.imaging.chest_shapes import flipped, make_chest
from tests.tools.imaging.phantom_volumes import as_volume, phantom
from tools.errors import ToolFailure
from tools.imaging.phantom_lesions import Lesion


@pytest.fixture
def desk(bare: DeskWith) -> Desk:
    """A desk without eyes, with the ramp as series S1."""
    return bare().with_series(ramp())


def test_lungs_are_measured_without_eyes(bare: DeskWith) -> None:
    read = bare().with_series(make_chest().volume).call("measure")
    assert read["series"] == "S1"
    # Two ellipsoids of 75 x 60 x 45 mm at -860 HU.
    assert read["both"]["volume_l"] == pytest.approx(1.70, abs=0.03)
    assert read["left"]["mean_hu"] == read["right"]["mean_hu"] == -860
    assert {f["source"] for f in read["findings"]} == {"measurement"}
    assert not any(f["present"] for f in read["findings"])


def test_a_lesion_of_a_phantom_becomes_findings_of_its_side(bare: DeskWith) -> None:
    sick = bare().with_series(as_volume(phantom(Lesion.HYPERLUCENT_LUNG)))
    found = {f["term"]: f for f in sick.call("measure", what="lungs")["findings"]}
    assert found["unilateral-hyperlucent-lung"]["present"]
    assert found["unilateral-hyperlucent-lung"]["side"] == "left"
    assert not found["high-attenuation-lung"]["present"]


def test_a_region_is_a_ball_around_a_point_counted_from_one(desk: Desk) -> None:
    read = desk.call("measure", what="region", points=[[10, 40, 20]], diameter_mm=12)
    assert read["mean_hu"] == 120  # 10 x 10 + 20
    assert read["points"] == [[10, 40, 20]]
    assert read["volume_ml"] == pytest.approx(0.905, rel=0.03)  # pi / 6 x 1.2 cm cubed
    # Within 6 mm: 3 slices and 6 columns to either side, not both at once.
    assert (read["min_hu"], read["max_hu"]) == (90, 150)
    small = desk.call("measure", what="region", points=[[10, 40, 20]])  # 10 mm unless said
    assert small["volume_ml"] == pytest.approx(0.524, rel=0.04)


def test_points_are_those_of_the_series_as_stored_not_of_the_picture(bare: DeskWith) -> None:
    prone = bare().with_series(flipped(ramp(), (1, 2)))
    read = prone.call("measure", what="region", points=[[10, 40, 20]], diameter_mm=12)
    assert read["mean_hu"] == 121  # column 20 from the other end is column 21


def test_a_distance_goes_through_the_spacing(desk: Desk) -> None:
    # 3 slices of 2 mm and 16 rows of 0.5 mm: 6 and 8 make 10.
    read = desk.call("measure", what="distance", points=[[1, 1, 1], [4, 17, 1]])
    assert read == {"series": "S1", "points": [[1, 1, 1], [4, 17, 1]], "distance_mm": 10.0}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"what": "region"}, r"needs 1 point as \[slice, row, column\], got \[\]"),
        ({"what": "distance", "points": [[1, 1, 1]]}, r"needs 2 points as .*got \[\[1, 1, 1\]\]"),
        ({"what": "region", "points": [[1, 1]]}, r"needs 1 point as \[slice, row, column\]"),
        (
            {"what": "region", "points": [[21, 40, 20]]},
            r"\(21, 40, 20\) lies outside the volume; the volume has slices 1 to 20, rows 1 to 80",
        ),
        ({"what": "distance", "points": [[1, 1, 1], [1, 0, 1]]}, r"\(1, 0, 1\) lies outside"),
        ({"what": "region", "points": [[1, 40, 20]]}, "over the edge.*slices; move it in or make"),
        (
            {"what": "region", "points": [[10, 40, 20]], "diameter_mm": 1},
            "holds 3 voxels; make it hold at least 9",
        ),
        (
            {"points": [[1, 1, 1]]},
            "lungs are measured as a whole; leave out points, or ask for the",
        ),
        ({"what": "lungs"}, "the lungs cannot be measured: .*look at the slices instead"),
        ({"what": "region", "point": [1, 1, 1]}, "measure has no argument 'point'; it takes what,"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_what_can(
    arguments: dict[str, Any], said: str, desk: Desk
) -> None:
    with pytest.raises(ToolFailure, match=said):
        desk.call("measure", **arguments)


_WAYS: tuple[dict[str, Any], ...] = (
    {"what": "lungs"},
    {"what": "region", "points": [[1, 40, 20]]},
    {"what": "distance", "points": [[1, 1, 1], [1, 2, 2]]},
)


@pytest.mark.parametrize("arguments", _WAYS)
def test_without_spacing_nothing_is_measured(arguments: dict[str, Any], bare: DeskWith) -> None:
    loose = bare().with_series(replace(ramp(), **UNKNOWN))
    with pytest.raises(ToolFailure, match="spacing of the slices is not known; look at the slices"):
        loose.call("measure", **arguments)


@pytest.mark.parametrize("arguments", _WAYS)
@pytest.mark.parametrize(
    ("series", "said"),
    [
        (RADIOGRAPH, "S1 cannot be measured: it is one picture, whose scale.*; look at it, ask"),
        ({"kind": "slices"}, "S1 cannot be measured: its slices have no geometry.*; look at it"),
    ],
)
def test_a_screenshot_and_loose_slices_are_not_measured(
    series: dict[str, Any], said: str, arguments: dict[str, Any], bare: DeskWith
) -> None:
    picture = bare().with_series(radiograph(), **series)
    with pytest.raises(ToolFailure, match=said):
        picture.call("measure", **arguments)


def test_hu_are_not_read_from_mr_but_distances_are(bare: DeskWith) -> None:
    stored = replace(ramp(), voxels=ramp().voxels.astype(np.float32), unit="stored")
    head = bare().with_series(stored, modality="MR", unit="stored")
    for arguments in _WAYS[:2]:
        with pytest.raises(ToolFailure, match="the series is not in HU; look at the slices"):
            head.call("measure", **arguments)
    assert head.call("measure", **_WAYS[2])["distance_mm"] == 1.1  # 0.5 and 1 mm


def test_an_unknown_entry_is_not_searched(desk: Desk) -> None:
    with pytest.raises(ToolFailure, match="no entry 'xyzzy'; search without disease_ids"):
        desk.call("search_knowledge", query="cysts", disease_ids=["xyzzy"])
