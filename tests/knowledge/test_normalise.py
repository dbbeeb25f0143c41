"""From prose to terms: what is named, denied, doubted, and on which side."""

from __future__ import annotations

import pytest

from knowledge.normalise import Normaliser, Prose, merge
from knowledge.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def normaliser(small_vocabulary: Vocabulary) -> Normaliser:
    return Normaliser(small_vocabulary)


def _read(normaliser: Normaliser, text: str) -> list[tuple[str, bool, float, str]]:
    return [(m.term, m.present, m.certainty, m.side) for m in normaliser.mentions(text)]


def test_the_longest_phrase_wins(normaliser: Normaliser) -> None:
    assert _read(normaliser, "Thin-walled cysts.") == [("thin-walled-cysts", True, 1.0, "")]


def test_plural_hyphen_case_and_synonym_are_the_same_term(normaliser: Normaliser) -> None:
    text = "PLEURAL EFFUSIONS and thin walled cystic air-spaces"
    assert [m.term for m in normaliser.mentions(text)] == ["pleural-effusion", "thin-walled-cysts"]


@pytest.mark.parametrize(
    "text",
    [
        "No pleural effusion.",
        "There is no evidence of pleural effusion.",
        "No lung cysts, honeycombing or pleural effusion.",
        "Pleural effusion is not seen.",
        "Clear lungs without pleural effusion",
    ],
)
def test_denied_findings_are_absent(normaliser: Normaliser, text: str) -> None:
    assert ("pleural-effusion", False) in [m[:2] for m in _read(normaliser, text)]


@pytest.mark.parametrize(
    "text",
    [
        "No honeycombing but a pleural effusion.",
        "No honeycombing. Pleural effusion.",
        "No change in the pleural effusion.",
    ],
)
def test_a_denial_ends_with_its_clause(normaliser: Normaliser, text: str) -> None:
    assert ("pleural-effusion", True) in [m[:2] for m in _read(normaliser, text)]


def test_doubt_lowers_certainty(normaliser: Normaliser) -> None:
    assert _read(normaliser, "Questionable crazy-paving.") == [("crazy-paving", True, 0.6, "")]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Left pleural effusion", "left"),
        ("Pleural effusion on the right", "right"),
        ("Bilateral pleural effusions", "bilateral"),
        ("Pleural effusion in the left and right chest", "bilateral"),
    ],
)
def test_the_side_is_read(normaliser: Normaliser, text: str, side: str) -> None:
    assert _read(normaliser, text)[0][3] == side


def test_offsets_point_at_the_phrase(normaliser: Normaliser) -> None:
    text = "Normal heart.\nSmall pleural effusion."
    (mention,) = normaliser.mentions(text)
    assert text[mention.start : mention.end] == "pleural effusion"


def test_a_stated_presence_outweighs_a_denial_elsewhere(normaliser: Normaliser) -> None:
    mentions = normaliser.mentions("Pleural effusion. Later, no pleural effusion.")
    assert merge(mentions)["pleural-effusion"].present


def test_prose_tells_stated_from_denied_from_absent() -> None:
    prose = Prose("Denies tuberous sclerosis. Former smoker.")
    assert prose.states("tuberous sclerosis") is False
    assert prose.states("smoker") is True
    assert prose.states("asthma") is None
