"""The planner's eyes: what a look shows, what a question asks, and what either refuses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_gemma import build_tiny_gemma
from tests.tools.desk import RADIOGRAPH, UNKNOWN, DeskWith, radiograph, ramp
from tests.tools.vision.parrot import teach
from tests.tools.vision.scripted import Scripted, line, listing, yes
from tools.errors import ToolFailure
from tools.imaging.volume import Volume
from tools.vision.base import ClosedQuestion, VisionPrompt, YesNo
from tools.vision.transformers_model import TransformersVision

NOTHING = listing(line("pleural-effusion", present=False))


@pytest.fixture
def desk(bare: DeskWith) -> DeskWith:
    """A desk with the ramp as series S1, and those eyes."""
    return lambda vision=None: bare(vision).with_series(ramp())


def _shown(vision: Scripted) -> list[tuple[str, Sequence[Any]]]:
    """Window and slices, or cuts, of each request."""
    prompts = [request.prompt for request in vision.requests]
    return [(p.views[0].window, [v.cut or v.slices for v in p.views]) for p in prompts]


def test_several_windows_are_looked_at_in_one_call_each_with_its_own_list(desk: DeskWith) -> None:
    vision = Scripted(
        listing(line("lung-cysts", slices=[2], side="both")), listing(line("pleural-effusion"))
    )
    read = desk(vision).call("look", windows=["lung", "soft tissue", "lung"], slices=[3, 9])
    assert _shown(vision) == [("lung", [(3,), (9,)]), ("soft tissue", [(3,), (9,)])]
    questions = [request.prompt.question for request in vision.requests]
    assert ["lung-cysts (" in q for q in questions] == [True, False]
    assert ["pleural-effusion (" in q for q in questions] == [False, True]
    lung, soft = read["looked"]
    assert lung == {"window": "lung"}
    assert soft.pop("terms_not_asked") > 0  # the soft tissues of a body whose part is not known
    assert soft == {"window": "soft tissue"}
    found = [(f["term"], f["window"], f["slices"], f.get("side")) for f in read["findings"]]
    assert found == [
        ("lung-cysts", "lung", [9], "bilateral"),
        ("pleural-effusion", "soft tissue", [3], None),
    ]


def test_what_two_windows_see_is_one_finding_and_what_they_dispute_is_named(
    desk: DeskWith,
) -> None:
    seen, gone = listing(line("lung-cysts")), listing(line("lung-cysts", present=False))
    read = desk(Scripted(seen, seen)).call("look", windows=["lung", "medgemma"], slices=[3])
    assert len(read["findings"]) == 1
    assert read["conflicts"] == []
    read = desk(Scripted(seen, gone)).call("look", windows=["lung", "medgemma"], slices=[3])
    assert [f["present"] for f in read["findings"]] == [True, False]
    (conflict,) = read["conflicts"]
    assert "present in the lung window" in conflict
    assert "absent in the medgemma window" in conflict


def test_a_window_that_fails_is_said_and_the_others_stand(desk: DeskWith) -> None:
    vision = Scripted(ToolFailure("busy; look later"), listing(line("lytic-bone-lesion")))
    read = desk(vision).call("look", windows=["lung", "bone"])
    assert read["looked"][0] == {"window": "lung", "failure": "busy; look later"}
    assert [f["term"] for f in read["findings"]] == ["lytic-bone-lesion"]
    with pytest.raises(ToolFailure, match=r"^busy; look later$"):
        desk(Scripted(ToolFailure("busy; look later"))).call("look", windows=["lung"])


def test_slices_beyond_what_the_eyes_take_are_said_to_be_left_out(desk: DeskWith) -> None:
    vision = Scripted(NOTHING, images_per_prompt=4)
    read = desk(vision).call("look", windows=["soft tissue"])
    (looked,) = read["looked"]
    assert looked["slices_left_out"] == 12


def test_planes_and_projections_reach_the_eyes(desk: DeskWith) -> None:
    vision = Scripted(NOTHING, NOTHING)
    desk(vision).call("look", windows=["soft tissue"], plane="coronal", slices=[1, 80])
    desk(vision).call("look", windows=["soft tissue"], projection="maximum", slices=[10])
    # 5 mm to either side of slice 10 are two slices of 2 mm.
    assert _shown(vision) == [("soft tissue", [1, 80]), ("soft tissue", [(8, 9, 10, 11, 12)])]
    cut, slab = (request.prompt for request in vision.requests)
    assert (cut.is_volume, slab.is_volume) == (False, True)
    assert "2 coronal CT picture(s)" in cut.instruction
    assert "maximum intensity projections" in slab.instruction


def test_the_series_asked_for_is_shown(desk: DeskWith) -> None:
    vision = Scripted(NOTHING)
    both = desk(vision).with_series(replace(ramp(), voxels=ramp().voxels[:3]))
    read = both.call("look", windows=["bone"], series="S2")
    assert read["series"] == "S2"
    assert _shown(vision) == [("bone", [(1,), (2,), (3,)])]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"windows": []}, "no window was named; name one or more of lung, soft tissue"),
        ({"windows": ["lungs"]}, "'lungs' cannot be shown: series S1 is in HU; ask for one of: lu"),
        ({"windows": ["lung", "as displayed"]}, "'as displayed' cannot be shown"),
        ({"windows": ["lung"], "series": "S9"}, "no series 'S9'; there are S1"),
        ({"windows": ["lung"], "slices": [21]}, r"slices 1 to 20, got \[21\]; ask for"),
        ({"windows": ["lung"], "plane": "axial"}, "are axial: ask for single slices"),
        ({"windows": ["lung"], "plane": "coronal", "slices": [81]}, "rows 1 to 80, got 81"),
        ({"windows": ["lung"], "plane": "coronal", "projection": "mean"}, "has no projection"),
        ({"windows": ["lung"], "slice": [3]}, "look has no argument 'slice'; it takes windows, se"),
    ],
)
def test_a_look_that_cannot_be_is_refused_before_anything_is_shown(
    arguments: dict[str, Any], said: str, desk: DeskWith
) -> None:
    vision = Scripted()
    with pytest.raises(ToolFailure, match=said):
        desk(vision).call("look", **arguments)
    assert vision.requests == []


def test_a_screenshot_has_no_hu_window_and_is_shown_as_displayed(bare: DeskWith) -> None:
    vision = Scripted(NOTHING)
    picture = bare(vision).with_series(radiograph(), **RADIOGRAPH)
    with pytest.raises(ToolFailure, match=r"'lung' cannot.*not in HU; ask for one of: as displ"):
        picture.call("look", windows=["lung"])
    picture.call("look", windows=["as displayed"])
    assert _shown(vision) == [("as displayed", [(1,)])]


@pytest.mark.parametrize(
    ("volume", "arguments", "said"),
    [
        (replace(ramp(), **UNKNOWN), {"plane": "sagittal"}, "geometry is unknown; ask for singl"),
        (replace(ramp(), **UNKNOWN), {"projection": "maximum"}, "spacing of series S1 unknown: a"),
        (replace(ramp(), voxels=ramp().voxels[:1]), {"projection": "maximum"}, "holds one slice"),
    ],
)
def test_no_plane_and_no_projection_is_made_up(
    volume: Volume, arguments: dict[str, Any], said: str, bare: DeskWith
) -> None:
    one = bare(Scripted()).with_series(volume)
    with pytest.raises(ToolFailure, match=said):
        one.call("look", windows=["lung"], **arguments)


@pytest.mark.parametrize(
    ("tool", "arguments"), [("look", {"windows": ["lung"]}), ("ask", {"terms": ["lung-cysts"]})]
)
def test_without_eyes_a_look_says_what_to_do_instead(
    tool: str, arguments: dict[str, Any], desk: DeskWith
) -> None:
    blind = desk()
    with pytest.raises(ToolFailure, match="no vision model is configured: call measure for a CT"):
        blind.call(tool, **arguments)
    assert blind.call("measure", what="distance", points=[[1, 1, 1], [1, 1, 2]])


def test_terms_are_asked_where_they_are_best_seen_and_answers_are_findings(desk: DeskWith) -> None:
    vision = Scripted(answers=[yes(0.9), yes(0.2), yes(0.5)])
    terms = ["lung-cysts", "crazy-paving", "lung-cysts", "pleural-effusion"]
    read = desk(vision).call("ask", terms=terms, slices=[4])
    asked = [(prompt.views[0].window, len(questions)) for prompt, questions in vision.asked]
    assert asked == [("lung", 2), ("soft tissue", 1)]
    assert {prompt.views[0].slices for prompt, _ in vision.asked} == {(4,)}
    found = {f["term"]: (f["present"], f["certainty"]) for f in read["findings"]}
    assert found == {
        "lung-cysts": (True, 0.9),
        "crazy-paving": (False, 0.8),
        "pleural-effusion": (True, 0.5),
    }
    assert [(a["window"], a["p_yes"]) for a in read["answers"]] == [
        ("lung", 0.9), ("lung", 0.2), ("soft tissue", 0.5)
    ]  # fmt: skip


def test_an_answer_that_is_neither_yes_nor_no_is_said_and_is_no_finding(desk: DeskWith) -> None:
    vision = Scripted(answers=[yes(None), yes(0.9)])
    read = desk(vision).call("ask", terms=["lung-cysts", "crazy-paving"])
    assert [f["term"] for f in read["findings"]] == ["crazy-paving"]
    assert [a["p_yes"] for a in read["answers"]] == [None, 0.9]
    with pytest.raises(ToolFailure, match="neither yes nor no; try other slices"):
        desk(Scripted(answers=[yes(None)])).call("ask", terms=["lung-cysts"])


class _NoLung(Scripted):
    """Answers in every window but lung."""

    def answer(self, prompt: VisionPrompt, questions: Sequence[ClosedQuestion]) -> Any:
        if prompt.views[0].window == "lung":
            raise ToolFailure("busy; ask later")
        return super().answer(prompt, questions)


def test_a_window_that_is_not_answered_does_not_lose_the_others(desk: DeskWith) -> None:
    half = desk(_NoLung(answers=[yes(0.9)]))
    read = half.call("ask", terms=["lung-cysts", "pleural-effusion"])
    assert [f["term"] for f in read["findings"]] == ["pleural-effusion"]
    assert read["answers"][0] == {"window": "lung", "failure": "busy; ask later"}
    with pytest.raises(ToolFailure, match=r"^busy; ask later$"):
        half.call("ask", terms=["lung-cysts"])


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ([], "no term was named; take term ids from next_question"),
        (["lung cysts"], "'lung cysts' is no finding term; perhaps 'lung-cysts'"),
        (["lung-cysts", "xyzzy"], "'xyzzy' is no finding term; take a term id from next_question"),
    ],
)
def test_unknown_terms_are_refused_with_the_nearest(
    terms: list[str], said: str, desk: DeskWith
) -> None:
    vision = Scripted()
    with pytest.raises(ToolFailure, match=said):
        desk(vision).call("ask", terms=terms)
    assert vision.asked == []


_BOX = '```json\n[{"box_2d": [500, 100, 600, 300], "label": "it"}]\n```'


@pytest.mark.parametrize("p_yes", [0.9, 0.1])
def test_what_is_present_on_a_radiograph_gets_its_box(p_yes: float, bare: DeskWith) -> None:
    vision = Scripted(_BOX, answers=[yes(p_yes)], localises=True)
    film = bare(vision).with_series(radiograph(), **RADIOGRAPH)
    (found,) = film.call("ask", terms=["pleural-effusion"])["findings"]
    # Rows 500..600 of 1000 are 100..120 of the square of 200, less the 50 above the radiograph.
    assert found.get("box_px") == ([20, 50, 60, 70] if p_yes > 0.5 else None)
    assert len(vision.requests) == int(p_yes > 0.5)


def test_an_answer_stands_without_its_box(bare: DeskWith) -> None:
    answers: list[YesNo] = [yes(0.9), yes(0.8)]
    vision = Scripted(ToolFailure("busy"), _BOX, answers=answers, localises=True)
    film = bare(vision).with_series(radiograph(), **RADIOGRAPH)
    read = film.call("ask", terms=["pleural-effusion", "consolidation"])
    assert ["box_px" in f for f in read["findings"]] == [False, True]
    assert [a.get("no_box") for a in read["answers"]] == ["busy", None]


@pytest.mark.slow
def test_a_real_model_answers_through_the_tool(tmp_path: Path, desk: DeskWith) -> None:
    plain = build_tiny_gemma(tmp_path / "tiny", words=("yes", "no"))
    says_yes = os.fspath(teach(plain, tmp_path / "parrot", "yes<end_of_turn>"))
    real = desk(TransformersVision(says_yes, dtype="float32"))
    (found,) = real.call("ask", terms=["lytic-bone-lesion"], slices=[3])["findings"]
    assert (found["present"], found["window"], found["slices"]) == (True, "bone", [3])
    assert found["certainty"] > 0.9
