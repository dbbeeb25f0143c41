from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from knowledge.vocabulary import Term
from tools.errors import ToolFailure
from tools.imaging.raster import slice_views
from tools.imaging.volume import Volume
from tools.imaging.windows import View
from tools.look import Answer, Shown, ask_finding, extract_findings, finding_from_answer
from tools.vision.base import Capabilities, VisionPrompt
from tools.vision.transformers_model import TransformersVision


class Scripted:
    """A VisionModel that answers from a list and keeps what it was asked."""

    identity = "scripted"

    def __init__(
        self,
        *replies: str,
        images: int = 85,
        guided: bool = False,
        probabilities: bool = True,
        p_yes: float | None = None,
    ) -> None:
        self.capabilities = Capabilities(
            images_per_prompt=images, guided_json=guided, log_probabilities=probabilities
        )
        self.replies = list(replies)
        self.prompts: list[VisionPrompt] = []
        self.schemas: list[Mapping[str, Any] | None] = []
        self.p_yes = p_yes

    def generate(
        self, prompt: VisionPrompt, *, schema: Mapping[str, Any] | None, max_new_tokens: int
    ) -> str:
        self.prompts.append(prompt)
        self.schemas.append(schema)
        return self.replies.pop(0)

    def yes_probability(self, prompt: VisionPrompt) -> float | None:
        self.prompts.append(prompt)
        return self.p_yes


def line(term: str, **given: object) -> dict[str, object]:
    usual = {"present": True, "certainty": "high", "side": "none", "slices": [1]}
    return {"term": term, **usual, **given}


def reply(*lines: Mapping[str, object]) -> str:
    return json.dumps({"findings": lines})


EMPTY = reply()


@pytest.mark.parametrize("window", ["lung", "soft tissue", "bone", "medgemma"])
def test_a_real_model_gives_valid_findings_in_every_window(
    window: str, vision: TransformersVision, chest: Volume, terms: Sequence[Term]
) -> None:
    views = slice_views(chest, "S2", window, (2, 4, 6))
    seen = extract_findings(vision, views, terms, is_volume=True, max_findings=4)
    assert 1 <= len(seen.findings) + seen.dropped <= 4
    assert seen.findings
    assert (seen.shown.slices, seen.shown.left_out) == ((2, 4, 6), 0)
    names = {term.id: term.name for term in terms}
    for finding in seen.findings:
        assert finding.id == ""
        assert finding.name == names[finding.term]
        assert (finding.source, finding.series, finding.window) == ("vision", "S2", window)
        assert finding.backend == "transformers tiny-gemma (local folder)"
        assert set(finding.slices) <= {2, 4, 6}
        assert finding.certainty in {0.55, 0.65, 0.8}


def test_a_real_model_lists_findings_of_a_single_image(
    vision: TransformersVision, terms: Sequence[Term]
) -> None:
    radiograph = View(
        pixels=np.arange(48, dtype=np.uint8).reshape(6, 8),
        window="as displayed",
        level_hu=None,
        width_hu=None,
        series="S1",
        slices=(1,),
    )
    seen = extract_findings(vision, (radiograph,), terms, is_volume=False, max_findings=3)
    assert all(f.slices == ((1,) if f.present else ()) for f in seen.findings)


def test_slice_numbers_of_the_reply_become_slice_numbers_of_the_series(
    lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    said = reply(
        line("lung-cysts", slices=[3, 1, 9], side="both"),
        line("pleural-effusion", present=False, certainty="low", slices=[2], side="left"),
    )
    cysts, effusion = extract_findings(Scripted(said), lung_views, terms, is_volume=True).findings
    # The views are slices 2, 4 and 6; there is no ninth, and an absent finding is on no slice.
    assert (cysts.slices, cysts.side, cysts.certainty) == ((2, 6), "bilateral", 0.8)
    assert (effusion.present, effusion.slices, effusion.certainty) == (False, (), 0.55)


def test_a_present_finding_without_a_slice_was_seen_among_all_that_were_shown(
    lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    said = reply(line("lung-cysts", slices=[]), line("pleural-effusion", slices=[7]))
    cysts, effusion = extract_findings(Scripted(said), lung_views, terms, is_volume=True).findings
    assert cysts.slices == effusion.slices == (2, 4, 6)


def test_names_outside_the_closed_list_are_dropped_and_counted(
    lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    said = reply(line("tuberculosis"), line("Lung Cysts"), line("lytic-bone-lesion"))
    seen = extract_findings(Scripted(said), lung_views, terms, is_volume=True)
    assert [f.term for f in seen.findings] == ["lung-cysts", "lytic-bone-lesion"]
    assert seen.dropped == 1


def test_of_two_lines_that_contradict_each_other_the_more_certain_stays(
    lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    said = reply(
        line("lung-cysts", certainty="moderate"),
        line("lung-cysts", certainty="high", present=False),
        line("lung-cysts", certainty="low"),
        line("pleural-effusion", certainty="low"),
        line("pleural-effusion", certainty="low", present=False),
    )
    seen = extract_findings(Scripted(said), lung_views, terms, is_volume=True)
    # Equal certainty both ways says nothing, so neither line on the effusion is kept.
    assert [(f.term, f.present) for f in seen.findings] == [("lung-cysts", False)]
    assert seen.dropped == 4


def test_lines_beyond_the_limit_are_dropped_and_counted(
    lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    said = reply(*(line(term.id) for term in terms))
    seen = extract_findings(Scripted(said), lung_views, terms, is_volume=True, max_findings=2)
    assert (len(seen.findings), seen.dropped) == (2, 1)


@pytest.mark.parametrize(
    "bad",
    [
        "The lungs are clear.",
        EMPTY[:-2],
        '{"findings": [], "diagnosis": "lymphangioleiomyomatosis"}',
        reply(line("lung-cysts", certainty="sure")),
        reply(line("lung-cysts", present="yes")),
        f"Here it is: {EMPTY}",
    ],
)
def test_a_reply_of_another_form_gets_one_repair_turn(
    bad: str, lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    vision = Scripted(bad, f"```json\n{reply(line('lung-cysts'))}\n```")
    seen = extract_findings(vision, lung_views, terms, is_volume=True)
    assert [f.term for f in seen.findings] == ["lung-cysts"]
    assert bad in vision.prompts[1].question
    assert vision.prompts[0].question in vision.prompts[1].question
    with pytest.raises(ToolFailure, match="twice gave no readable list"):
        extract_findings(Scripted(bad, bad), lung_views, terms, is_volume=True)


def test_the_prompt_forbids_a_diagnosis_and_the_schema_cannot_express_one(
    lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    vision = Scripted(EMPTY, guided=True)
    extract_findings(vision, lung_views, terms, is_volume=True)
    assert "Never name a disease or a diagnosis" in vision.prompts[0].instruction
    assert "Never name a disease or a diagnosis" in vision.prompts[0].question
    schema = vision.schemas[0]
    assert schema is not None
    entry = schema["properties"]["findings"]["items"]
    assert entry["properties"]["term"] == {"enum": [term.id for term in terms]}
    assert entry["properties"]["slices"]["items"] == {"enum": [1, 2, 3]}
    # No property of the schema takes free text.
    assert '"string"' not in json.dumps(schema)


def test_more_views_than_the_backend_takes_are_thinned_and_counted(
    chest: Volume, terms: Sequence[Term]
) -> None:
    views = slice_views(chest, "S1", "lung", (1, 2, 3, 4, 5, 6))
    vision = Scripted(reply(line("lung-cysts", slices=[1])), images=3)
    seen = extract_findings(vision, views, terms, is_volume=True)
    # round(i / 3 * 5) for i in 1..3 is 2, 3, 5, counted from zero.
    assert seen.shown.slices == (3, 4, 6)
    assert seen.shown.left_out == 3
    assert seen.findings[0].slices == (3,)
    assert len(vision.prompts[0].views) == 3


def test_a_window_without_vocabulary_is_the_planners_to_change(
    lung_views: tuple[View, ...],
) -> None:
    with pytest.raises(ToolFailure, match="ask for another window"):
        extract_findings(Scripted(EMPTY), lung_views, (), is_volume=True)


def test_views_of_two_windows_in_one_prompt_are_a_bug(chest: Volume, terms: Sequence[Term]) -> None:
    views = (*slice_views(chest, "S1", "lung", (1,)), *slice_views(chest, "S1", "bone", (1,)))
    for wrong in ((), views):
        with pytest.raises(ValueError, match="one series in one window"):
            extract_findings(Scripted(EMPTY), wrong, terms, is_volume=True)


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
    vision = Scripted(p_yes=p_yes)
    answer = ask_finding(vision, lung_views, terms[0], is_volume=True)
    assert answer.question == "Do you see lung cysts?"
    assert vision.prompts[0].question.endswith("Do you see lung cysts?")
    finding = finding_from_answer(answer)
    assert finding.present is present
    assert finding.certainty == pytest.approx(certainty)
    assert (finding.slices, finding.value) == (slices, f"p(yes) {p_yes:.2f}")


def test_no_answer_sends_the_planner_to_another_window(
    vision: TransformersVision, lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    answer = ask_finding(vision, lung_views, terms[0], is_volume=True)
    assert answer == Answer(
        term=terms[0],
        question="Do you see lung cysts?",
        p_yes=None,
        shown=Shown(
            series="S1",
            window="lung",
            slices=(2, 4, 6),
            left_out=0,
            backend="transformers tiny-gemma (local folder)",
        ),
    )
    with pytest.raises(ToolFailure, match=r"could not answer .* try another window"):
        finding_from_answer(answer)


def test_a_backend_without_probabilities_is_not_asked(
    lung_views: tuple[View, ...], terms: Sequence[Term]
) -> None:
    with pytest.raises(ToolFailure, match="extract findings from the window instead"):
        ask_finding(Scripted(probabilities=False), lung_views, terms[0], is_volume=True)
