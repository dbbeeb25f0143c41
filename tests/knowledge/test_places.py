"""Where a sentence puts its findings: places of the gazetteer and sides that are inherited."""

from __future__ import annotations

import pytest

from knowledge.reading.normalise import Normaliser
from knowledge.vocabulary import Vocabulary

EFFUSION = "pleural-effusion"


@pytest.fixture(scope="module")
def normaliser(small_vocabulary: Vocabulary) -> Normaliser:
    return Normaliser(small_vocabulary)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Honeycombing in the left lower lobe.", "lower lobe"),
        ("Left lower lobe honeycombing.", "lower lobe"),
        ("Honeycombing in the LLL.", "lower lobe"),
        ("Honeycombing of the lateral segments of the middle lobe.",
         "lateral segment of middle lobe"),
        ("Honeycombing, 3 cm, right costophrenic angle.", "costophrenic angle"),
        ("Honeycombing at L4/5.", "L4/5"),
        ("L5-S1: honeycombing.", "L5-S1"),
        ("Honeycombing at 2 o'clock.", "2 o'clock"),
        ("Honeycombing next to the gallbladder fossa.", "gallbladder fossa"),
        ("Honeycombing of the distal left radius.", "distal radius"),
        ("Honeycombing in both femoral heads.", "femoral head"),
        ("Honeycombing in the posterior horn of the medial meniscus.",
         "posterior horn of medial meniscus"),
        ("Honeycombing of both knees.", "knee"),
        ("Honeycombing on T2 and on the lateral view.", ""),
        ("Honeycombing in a young patient.", ""),
        ("Thumb-shaped honeycombing.", ""),
        ("Honeycombing.", ""),
    ],
)  # fmt: skip
def test_the_place_is_that_of_the_clause(normaliser: Normaliser, text: str, place: str) -> None:
    (mention,) = normaliser.mentions(text)
    assert mention.place == place


def test_each_finding_has_the_place_of_its_own_clause(normaliser: Normaliser) -> None:
    text = "Honeycombing in the lower lobes, crazy paving in the lingula and pleural effusion."
    found = {m.term: m.place for m in normaliser.mentions(text)}
    assert found == {"honeycombing": "lower lobe", "crazy-paving": "lingula", EFFUSION: ""}


def test_a_heading_places_all_that_follows(normaliser: Normaliser) -> None:
    text = "Both upper lobes: honeycombing, crazy paving."
    found = [(m.term, m.side, m.place) for m in normaliser.mentions(text)]
    assert found == [
        ("honeycombing", "bilateral", "upper lobe"), ("crazy-paving", "bilateral", "upper lobe")
    ]  # fmt: skip


def test_a_place_that_the_term_names_is_left_out(normaliser: Normaliser) -> None:
    (mention,) = normaliser.mentions("Effusion of the left pleural space.")
    assert (mention.term, mention.side, mention.place) == (EFFUSION, "left", "")


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("Honeycombing of the left lung with crazy paving and pleural effusion.",
         ["left", "left", "left"]),
        ("Right honeycombing with left pleural effusion.", ["right", "left"]),
        ("The right lung shows honeycombing, crazy paving.", ["right", "right"]),
        ("The right lung shows honeycombing, but crazy paving.", ["right", ""]),
        ("Tiny L pleural effusion.", ["left"]),
        ("Pleural effusion (r/o empyema).", [""]),
        ("Honeycombing, patchy, in the left lung.", ["left"]),
        ("Honeycombing on the right; pleural effusion there.", ["right", "right"]),
        ("No pleural effusion on either side.", ["bilateral"]),
    ],
)  # fmt: skip
def test_a_side_holds_for_what_goes_with_the_finding(
    normaliser: Normaliser, text: str, sides: list[str]
) -> None:
    assert [m.side for m in normaliser.mentions(text)] == sides


@pytest.mark.parametrize(
    "text",
    [
        "With such exposure pleural effusion would be expected.",
        "Had there been a pleural effusion, drainage would follow.",
        "Dense tissue, which may obscure pleural effusion.",
    ],
)
def test_what_would_or_might_be_seen_is_no_finding(normaliser: Normaliser, text: str) -> None:
    assert normaliser.mentions(text) == []
