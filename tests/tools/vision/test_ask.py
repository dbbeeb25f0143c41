from __future__ import annotations

from collections.abc import Sequence

import pytest

from knowledge.vocabulary import Term
from tests.tools.vision.scripted import Scripted, yes
from tools.ask import Answer, ask_finding, ask_findings, finding_from_answer
from tools.errors import ToolFailure
from tools.imaging.windows import View
from tools.shown import Shown
from tools.vision.transformers_model import TransformersVision


@pytest.mark.parametrize(
    ("p_yes", "present", "certainty", "slices"),
    [(0.9, True, 0.9, (2, 4, 6)), (0.5, True, 0.5, (2, 4, 6)), (0.2, False, 0.8, ())],
)
def test_an_answer_becomes_a_finding_at_even_odds(
    p_yes: float,
    present: bool,
    certainty: float,
    slices: tuple[int, ...],
    lung_views: tuple[View, ...],
    terms: Sequence[Term],
) -> None:
    vision = Scripted(answers=[yes(p_yes)])
    answer = ask_finding(vision, lung_views, terms[0], is_volume=True, modality="CT")
    assert answer.question == "Do you see lung cysts?"
    (prompt, (question,)) = vision.asked[0]
    assert question.text.endswith("Do you see lung cysts?")
    assert question.finding == "lung cysts"
    assert "3 CT slices" in prompt.instruction
    finding = finding_from_answer(answer)
    assert finding.present is present
    assert finding.certainty == pytest.approx(certainty)
    assert (finding.slices, finding.value) == (slices, f"p(yes) {p_yes:.2f}")


def test_many_terms_are_asked_in_one_call(
    lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    vision = Scripted(answers=[yes(0.9), yes(0.1), yes(None)])
    answers = ask_findings(vision, lung_views, terms, is_volume=True)
    assert [(a.term.id, a.p_yes) for a in answers] == [
        ("lung-cysts", 0.9),
        ("pleural-effusion", 0.1),
        ("lytic-bone-lesion", None),
    ]
    assert len(vision.asked) == 1


def test_the_real_model_answers_many_questions_as_it_answers_each_alone(
    tiny_gemma_with_words: object, lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    vision = TransformersVision(
        str(tiny_gemma_with_words), dtype="float32", minimum_yes_no_mass=0.0
    )
    together = ask_findings(vision, lung_views, terms, is_volume=True)
    for answer in together:
        alone = ask_finding(vision, lung_views, answer.term, is_volume=True)
        assert alone.p_yes is not None
        assert answer.p_yes == pytest.approx(alone.p_yes, abs=1e-4)
        assert answer.how == "log-probabilities"


def test_samples_are_said_and_their_agreement_is_no_certainty(
    lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    vision = Scripted(answers=[yes(1.0, how="samples", samples=5)])
    finding = finding_from_answer(ask_finding(vision, lung_views, terms[0], is_volume=True))
    assert finding.value == "p(yes) 1.00 (5 samples)"
    assert finding.certainty == pytest.approx(6 / 7)  # (5 + 1) / (5 + 2)


def test_a_cached_answer_is_said_to_be_one(
    lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    answer = ask_finding(
        Scripted(answers=[yes(0.9, is_cached=True)]), lung_views, terms[0], is_volume=True
    )
    assert answer.cached
    finding = finding_from_answer(answer)
    assert finding.value == "p(yes) 0.90, cached"
    (sighting,) = finding.sightings
    assert (sighting.cached, sighting.certainty, sighting.slices) == (True, 0.9, (2, 4, 6))


def test_no_answer_sends_the_planner_to_another_window(
    vision: TransformersVision, lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    answer = ask_finding(vision, lung_views, terms[0], is_volume=True)
    assert answer == Answer(
        term=terms[0],
        question="Do you see lung cysts?",
        p_yes=None,
        how="log-probabilities",
        shown=Shown(
            series="S1", window="lung", slices=(2, 4, 6), left_out=0, backend=vision.identity
        ),
    )
    with pytest.raises(ToolFailure, match=r"could not answer .* try another window"):
        finding_from_answer(answer)
