"""Regions of the body: what a series shows, and what a question is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.imaging.body import regions_named, regions_shown, spoken
from tools.imaging.deidentify import BODY_PARTS
from tools.imaging.files import load_paths
from tools.imaging.phantom import write_phantom
from tools.imaging.phantom_lesions import Lesion


@pytest.mark.parametrize("part", sorted(BODY_PARTS))
def test_every_body_part_that_a_header_may_say_has_words_and_regions(part: str) -> None:
    assert spoken(part)
    assert regions_shown(part)


@pytest.mark.parametrize("part", sorted(BODY_PARTS - {"WHOLEBODY"}))
def test_a_series_shows_what_its_own_name_says(part: str) -> None:
    assert set(regions_named(spoken(part))) <= set(regions_shown(part))


@pytest.mark.parametrize(
    ("part", "words", "shows", "shows_not"),
    [
        ("CHEST", "chest", {"chest", "upper abdomen", "breast", "thoracic spine"}, {"head"}),
        ("BRAIN", "head", {"head"}, {"neck", "chest"}),
        ("ABDOMEN", "abdomen", {"abdomen", "pelvis", "lumbar spine"}, {"chest", "knee"}),
        ("CHESTABDPELVIS", "chest, abdomen and pelvis", {"chest", "pelvis", "hip"}, {"head"}),
        ("HEART", "heart", {"chest", "upper abdomen"}, {"pelvis"}),
        ("HAND", "hand", {"wrist", "hand"}, {"shoulder"}),
        ("TSPINE", "thoracic spine", {"thoracic spine", "spine"}, {"cervical spine"}),
    ],
)
def test_regions_of_a_body_part(
    part: str, words: str, shows: set[str], shows_not: set[str]
) -> None:
    assert spoken(part) == words
    assert shows <= set(regions_shown(part))
    assert shows_not.isdisjoint(regions_shown(part))


def test_the_whole_body_shows_all_from_head_to_foot() -> None:
    whole = regions_shown("WHOLEBODY")
    assert (spoken("WHOLEBODY"), whole[0], whole[-1]) == ("whole body", "head", "foot")
    for part in BODY_PARTS:
        assert regions_shown(part) == tuple(r for r in whole if r in regions_shown(part))


@pytest.mark.parametrize("part", ["", "chest", "TOOTH"])
def test_an_unknown_body_part_shows_nothing_that_could_be_held_against_it(part: str) -> None:
    assert (spoken(part), regions_shown(part)) == ("", ())


@pytest.mark.parametrize("lesion", list(Lesion))
def test_every_phantom_is_a_chest(lesion: Lesion, tmp_path: Path) -> None:
    write_phantom(tmp_path, lesion=lesion, seed=1, shape=(12, 48, 48))
    ((series, _),) = load_paths([tmp_path]).volumes
    assert spoken(series.body_part) == "chest"
    assert set(regions_named("cough; cysts in the lungs?")) <= set(regions_shown(series.body_part))


@pytest.mark.parametrize(
    ("place", "words", "fits", "fits_not"),
    [
        ("chest_ct", "chest", "a lung nodule", "knee pain"),
        ("ge_tilt_uneven_gaps", "head", "headache", "a lung nodule"),
        ("single/gdcm-CR-MONO1-10-chest.dcm", "chest", "pneumonia?", "wrist fracture"),
    ],
)
def test_real_headers_say_their_region(
    place: str, words: str, fits: str, fits_not: str, shared_data: Path
) -> None:
    ((series, _), *_) = load_paths([shared_data / "dicom" / place]).volumes
    shown = set(regions_shown(series.body_part))
    assert spoken(series.body_part) == words
    assert shown & set(regions_named(fits))
    assert not shown & set(regions_named(fits_not))


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("Torn rotator cuff?", ("shoulder",)),
        ("KIDNEYS", ("abdomen",)),
        ("low-back pain", ("lumbar spine",)),
        ("low\u2011back pain", ("lumbar spine",)),  # a non-breaking hyphen
        ("C-spine", ("cervical spine",)),
        ("abdominal\n pain", ("abdomen",)),
        ("knee, chest and head", ("head", "chest", "knee")),
        ("lung or lungs", ("chest",)),
        ("femoral neck", ("hip",)),
        ("neck of the femur and neck", ("neck", "hip")),
        ("head of the pancreas", ("upper abdomen",)),
        ("2 week history of cough", ("chest",)),
        ("?PE, chest", ("chest",)),
    ],
)
def test_a_question_names_regions_from_head_to_foot(text: str, regions: tuple[str, ...]) -> None:
    assert regions_named(text) == regions


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fever and weight loss",
        "harm, shipping, kneeling, charm",  # words that hold arm, hip and knee
        "fell from 10 feet",
        "right-handed; in the face of sepsis; on the other hand",
        "cough, no headache",  # denied: what is asked about stays open
        "status post knee replacement, now cough",
        "h/o lung surgery",
        "chest pain without dyspnea",
        "breast cancer, staging",
        "metastatic melanoma of the arm",
        "known renal failure",
    ],
)
def test_what_leaves_it_open_names_nothing(text: str) -> None:
    assert regions_named(text) == ()
