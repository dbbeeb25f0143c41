from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from knowledge.vocabulary import load_vocabulary
from tests.tools.vision.scripted import Scripted, line, listing, never, yes
from tools.errors import ToolFailure
from tools.vision.base import ClosedQuestion, Request, VisionPrompt, YesNo
from tools.vision.selfcheck import SelfCheck, check_vision
from tools.vision.transformers_model import TransformersVision

SMALL = (4, 64, 64)


def check(vision: Scripted, *windows: str) -> SelfCheck:
    return check_vision(vision, load_vocabulary(), is_disease=never, windows=windows, shape=SMALL)


_BONE = next(
    t.id for t in load_vocabulary().for_window("bone", "CT", {"chest"}) if t.kind == "finding"
)


def test_what_is_invented_is_counted_by_study_and_window() -> None:
    def say(request: Request) -> str:
        window = request.prompt.views[0].window
        is_black = not any(view.pixels.any() for view in request.prompt.views)
        present = window == "lung" and not is_black
        term = "ground-glass-opacity" if window == "lung" else _BONE
        return listing(line(term, present=present))

    answers = [yes(p) for p in [0.9] * 5 + [None] * 2 + [0.1] * 9]
    found = check(Scripted(say, answers=answers), "lung", "bone")
    assert [(r.study, r.window, len(r.present), r.absent) for r in found.invented] == [
        ("healthy phantom", "lung", 1, 0),
        ("its slices shuffled", "lung", 1, 0),
        ("black pictures", "lung", 0, 1),
        ("healthy phantom", "bone", 0, 1),
        ("its slices shuffled", "bone", 0, 1),
        ("black pictures", "bone", 0, 1),
    ]
    assert (found.yes, found.unanswered, found.questions, found.repaired) == (5, 2, 16, 0)
    lines = found.lines()
    assert "healthy phantom, lung window: 1 of 24 findings invented (ground-glass-opacity)" in lines
    assert f"black pictures, bone window: 0 of {found.terms['bone']} findings invented" in lines
    assert (
        "closed questions on black pictures: yes to 5 of 16, 2 answered neither yes nor no" in lines
    )


def test_the_studies_are_a_phantom_its_slices_in_another_order_and_black() -> None:
    vision = Scripted(lambda request: listing(), answers=[yes(0.1)] * 16)
    check(vision, "lung")
    healthy, shuffled, black = (
        [view.pixels for view in request.prompt.views] for request in vision.requests
    )
    order = [next(n for n, v in enumerate(healthy) if np.array_equal(v, w)) for w in shuffled]
    assert sorted(order) == [0, 1, 2, 3]
    assert order != [0, 1, 2, 3]
    assert all(picture.any() for picture in healthy)
    assert not any(picture.any() for picture in black)
    asked, questions = vision.asked[0]
    assert not any(view.pixels.any() for view in asked.views)
    assert len(questions) == 16


def test_repairs_and_failures_are_counted() -> None:
    vision = Scripted(
        listing(line("ground-glass-opacity")),
        "no list",
        ToolFailure("no answer"),
        listing(line("ground-glass-opacity", present=False)),
        answers=[yes(0.2)] * 16,
    )
    found = check(vision, "lung")
    assert [row.failure for row in found.invented] == ["", "", "no answer"]
    assert found.repaired == 1
    assert "black pictures, lung window: no list (no answer)" in found.lines()
    assert found.lines()[-1] == (
        "lists that needed a repair turn: 1 of 3, lists that failed: 1 of 3"
    )


def test_a_model_that_fails_throughout_is_reported_and_not_taken_for_a_careful_one() -> None:
    class Silent(Scripted):
        def answer(
            self, prompt: VisionPrompt, questions: Sequence[ClosedQuestion]
        ) -> tuple[YesNo, ...]:
            raise ToolFailure("no probabilities")

    found = check(Silent(lambda request: ToolFailure("no answer")), "lung")
    assert [row.failure for row in found.invented] == ["no answer"] * 3
    assert "closed questions on black pictures: none answered (no probabilities)" in found.lines()


def test_a_window_without_terms_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no CT finding for the window 'subdural'"):
        check(Scripted(), "subdural")


def test_a_real_model_can_be_checked(vision: TransformersVision) -> None:
    found = check_vision(
        vision, load_vocabulary(), is_disease=never, windows=("bone",), shape=SMALL
    )
    assert len(found.invented) == 3
    assert found.backend == vision.identity
    assert found.yes + found.unanswered <= found.questions == 16
