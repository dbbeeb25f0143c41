"""Which pixels a vision model is shown, apart from what it is asked to look for."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.search.retrieve import KnowledgeBase
from tests.tools.desk import RADIOGRAPH, Desk, radiograph, ramp
from tests.tools.vision.scripted import Scripted, line, listing, yes
from tools import TOOLS
from tools.errors import ToolFailure
from tools.imaging.series import Series
from tools.looks import displayed_windows, shown_window
from tools.workbench import ShownIn

_CT = Series(
    id="S1", ref="", kind="volume", modality="CT", unit="HU", slices=4, rows=4, columns=4,
    body_part="CHEST",
)  # fmt: skip
_NOTHING = listing(line("pleural-effusion", present=False))


@pytest.mark.parametrize(
    ("asked", "windows", "shown"),
    [
        ("lung", "as-asked", "lung"),
        ("medgemma", "as-asked", "medgemma"),
        ("lung", "medgemma", "medgemma"),
        ("medgemma", "note-rgb", "note-rgb"),
        ("bone", "as-displayed", "bone"),
        ("medgemma", "as-displayed", "lung"),
        ("sepia", "medgemma", "sepia"),
    ],
)
def test_the_window_whose_pixels_stand_for_the_one_asked_for(
    asked: str, windows: ShownIn, shown: str
) -> None:
    assert shown_window(asked, _CT, windows) == shown


def test_what_is_not_in_hu_is_shown_as_it_is() -> None:
    still = _CT.model_copy(update={"unit": "display", "kind": "image"})
    assert shown_window("as displayed", still, "medgemma") == "as displayed"


def test_a_head_is_displayed_in_the_brain_window_and_a_region_in_words_counts() -> None:
    assert displayed_windows("HEAD") == ("brain",)
    assert displayed_windows("", "thorax") == ("lung", "soft tissue")
    assert displayed_windows("KNEE") == ("soft tissue",)


def test_looks_show_the_composite_and_ask_for_what_their_own_windows_show_best(
    tmp_path: Path, shipped: KnowledgeBase
) -> None:
    vision = Scripted(listing(line("lung-cysts")), _NOTHING, answers=[yes(0.9)])
    desk = Desk(tmp_path, shipped, vision, windows="note-rgb").with_series(ramp())
    read = desk.call("look", windows=["lung", "soft tissue"], slices=[3])
    prompts = [request.prompt for request in vision.requests]
    assert [prompt.views[0].window for prompt in prompts] == ["note-rgb", "note-rgb"]
    assert all(prompt.views[0].pixels.shape[-1] == 3 for prompt in prompts)
    assert "lung window in red, soft tissue in green and bone in blue" in prompts[0].instruction
    assert ["lung-cysts (" in prompt.question for prompt in prompts] == [True, False]
    assert {found["window"] for found in read["findings"]} == {"note-rgb"}
    desk.call("ask", terms=["lung-cysts"], slices=[3])
    assert vision.asked[0][0].views[0].window == "note-rgb"


def test_a_radiograph_is_looked_at_as_displayed_whatever_was_chosen_for_ct(
    tmp_path: Path, shipped: KnowledgeBase
) -> None:
    vision = Scripted(_NOTHING)
    desk = Desk(tmp_path, shipped, vision, windows="medgemma")
    desk.with_series(radiograph(), **RADIOGRAPH).call("look", windows=["as displayed"])
    assert vision.requests[0].prompt.views[0].window == "as displayed"


def test_without_knowledge_only_the_eyes_are_tools(tmp_path: Path, shipped: KnowledgeBase) -> None:
    desk = Desk(tmp_path, shipped, Scripted(), use_knowledge=False).with_series(ramp())
    assert TOOLS[:3] == ("look", "ask", "measure")
    with pytest.raises(ToolFailure, match="take a term id from look's answers"):
        desk.call("ask", terms=["zzz"])
