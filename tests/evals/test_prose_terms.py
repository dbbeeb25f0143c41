"""The measure of terms read from prose: its counts, and a floor on the build set."""

from __future__ import annotations

import pytest

from evals.prose_terms import SETS, Expected, Sentence, load_sentences, main, score
from knowledge.reading.normalise import Mention, Normaliser
from knowledge.reading.sides import Side
from knowledge.vocabulary import load_vocabulary


def _mention(term: str, *, status: str = "present", side: Side = "", place: str = "") -> Mention:
    return Mention(
        term=term, present=status != "absent", certainty=0.6 if status == "uncertain" else 1.0,
        side=side, place=place, words="", start=0, end=0,
    )  # fmt: skip


def _sentence(*expect: dict[str, object]) -> Sentence:
    return Sentence(text="x", expect=tuple(Expected.model_validate(one) for one in expect))


def test_precision_and_recall_count_pairs_of_term_and_status() -> None:
    sentence = _sentence(
        {"term": "a", "status": "present"},
        {"term": "b", "status": "absent"},
        {"term": "c", "status": "present"},
    )
    said = [_mention("a"), _mention("a"), _mention("b"), _mention("d")]
    result = score([sentence], lambda _: said)
    assert (result.right, result.said) == (1, 3)  # a; b is present, d is not labelled
    assert (result.found, result.labels) == (1, 3)
    assert (result.status, result.named) == (1, 2)
    assert result.f1 == pytest.approx(1 / 3)


def test_an_equally_right_term_counts_as_the_label() -> None:
    sentence = _sentence({"term": "a", "or": ["b"], "status": "uncertain"})
    result = score([sentence], lambda _: [_mention("b", status="uncertain")])
    assert (result.right, result.said, result.found) == (1, 1, 1)


def test_side_and_place_are_judged_on_found_labels_alone() -> None:
    sentence = _sentence(
        {"term": "a", "status": "present", "side": "left", "place": "hepatic lobes"},
        {"term": "b", "status": "present"},
        {"term": "c", "status": "present", "side": "right"},
    )
    said = [_mention("a", side="left", place="lobe of the liver"), _mention("b", side="left")]
    result = score([sentence], lambda _: said)
    assert (result.side, result.place, result.found) == (1, 2, 2)
    assert (result.sided, result.placed) == ([1, 1], [1, 1])


def test_a_sentence_without_findings_costs_precision_when_one_is_said() -> None:
    result = score([_sentence()], lambda _: [_mention("a")])
    assert (result.right, result.said, result.labels) == (0, 1, 0)
    assert result.f1 == 0
    assert result.lines()[0].startswith("precision                 0/1 0.0%")


@pytest.mark.parametrize("name", SETS)
def test_a_set_holds_a_hundred_sentences_labelled_in_the_vocabulary(name: str) -> None:
    assert len(load_sentences(name, load_vocabulary())) == 100


def test_the_sets_share_no_sentence() -> None:
    build, frozen = (load_sentences(name, load_vocabulary()) for name in SETS)
    assert not {one.text for one in build} & {one.text for one in frozen}


def test_the_build_set_stays_above_its_floor() -> None:
    vocabulary = load_vocabulary()
    result = score(load_sentences("build", vocabulary), Normaliser(vocabulary).mentions)
    assert result.right / result.said > 0.85
    assert result.found / result.labels > 0.75
    assert result.status / result.named > 0.95
    assert result.side / result.found > 0.9
    assert result.place / result.found > 0.85


def test_errors_of_the_frozen_set_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--set", "frozen", "--errors"])
    assert "build set alone" in capsys.readouterr().err
