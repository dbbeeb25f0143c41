from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from knowledge.vocabulary import Term
from tests.tools.vision.scripted import Scripted, line, listing, looks_at, never, yes
from tools.errors import ToolFailure
from tools.extract import Extraction, extract_findings
from tools.imaging.raster import slice_views
from tools.imaging.volume import Volume
from tools.imaging.windows import View
from tools.shown import Look
from tools.vision.base import Reply, VisionModel
from tools.vision.transformers_model import TransformersVision

EMPTY = listing()


@pytest.fixture(scope="session")
def lung(lung_views: tuple[View, ...], terms: tuple[Term, ...]) -> Look:
    """Slices 2, 4 and 6 of a chest CT in the lung window, and three findings to look for."""
    return Look(views=lung_views, terms=terms, is_volume=True, modality="CT", body_part="CHEST")


def extract(vision: VisionModel, look: Look, **given: int) -> Extraction:
    (extraction,) = extract_findings(vision, [look], is_disease=never, **given)
    return extraction


def test_a_real_model_gives_valid_findings_in_every_window_of_one_call(
    vision: TransformersVision, chest: Volume, terms: tuple[Term, ...]
) -> None:
    windows = ("lung", "soft tissue", "bone", "medgemma")
    extracted = extract_findings(
        vision, looks_at(chest, terms, *windows), is_disease=never, max_findings=2
    )
    assert tuple(one.shown.window for one in extracted) == windows
    names = {term.id: term.name for term in terms}
    for one in extracted:
        assert (one.failure, one.repaired, one.asked) == ("", False, "list")
        assert 1 <= len(one.findings) + one.dropped <= 2 + 3
        assert (one.shown.slices, one.shown.left_out) == ((2, 4, 6), 0)
        for finding in one.findings:
            assert finding.id == ""
            assert finding.name == names[finding.term]
            assert (finding.source, finding.series) == ("vision", "S2")
            assert finding.window == one.shown.window
            assert finding.backend == vision.identity
            assert set(finding.slices) <= {2, 4, 6}
            assert finding.certainty in {0.55, 0.65, 0.8}
        assert len(one.other) <= 3
        assert all(len(text) <= 60 for text in one.other)


def test_a_real_model_lists_findings_of_a_single_image(
    vision: TransformersVision, terms: tuple[Term, ...]
) -> None:
    radiograph = View(
        pixels=np.arange(48, dtype=np.uint8).reshape(6, 8),
        window="as displayed",
        level_hu=None,
        width_hu=None,
        series="S1",
        slices=(1,),
    )
    look = Look(views=(radiograph,), terms=terms, is_volume=False, modality="DX")
    seen = extract(vision, look, max_findings=2)
    assert all(f.slices == ((1,) if f.present else ()) for f in seen.findings)


def test_slice_numbers_of_the_reply_become_slice_numbers_of_the_series(lung: Look) -> None:
    said = listing(
        line("lung-cysts", slices=[3, 1, 9], side="both", place="upper zone"),
        line("pleural-effusion", present=False, certainty="low", slices=[2], side="left"),
    )
    cysts, effusion = extract(Scripted(said), lung).findings
    # The views are slices 2, 4 and 6; there is no ninth, and an absent finding is on no slice.
    assert (cysts.slices, cysts.side, cysts.certainty) == ((2, 6), "bilateral", 0.8)
    assert (cysts.place, cysts.sightings) == ("upper zone", ())
    assert (effusion.present, effusion.slices, effusion.certainty) == (False, (), 0.55)


def test_an_absent_finding_says_which_slices_were_searched(lung: Look) -> None:
    (effusion,) = extract(Scripted(listing(line("lung-cysts", present=False))), lung).findings
    (sighting,) = effusion.sightings
    assert (sighting.window, sighting.slices, sighting.present) == ("lung", (2, 4, 6), False)


def test_a_present_finding_without_a_slice_was_seen_among_all_that_were_shown(lung: Look) -> None:
    said = listing(line("lung-cysts", slices=[]), line("pleural-effusion", slices=[7]))
    cysts, effusion = extract(Scripted(said), lung).findings
    assert cysts.slices == effusion.slices == (2, 4, 6)


@pytest.mark.parametrize(
    "bad",
    [
        "The lungs are clear.",
        EMPTY[:-2],
        '{"findings": [], "diagnosis": "lymphangioleiomyomatosis"}',
        listing(line("lung-cysts", certainty="sure")),
        listing(line("lung-cysts", present="yes")),
        f"Here it is: {EMPTY}",
    ],
)
def test_a_reply_of_another_form_gets_one_repair_turn(bad: str, lung: Look) -> None:
    vision = Scripted(bad, f"```json\n{listing(line('lung-cysts'))}\n```")
    seen = extract(vision, lung)
    assert [f.term for f in seen.findings] == ["lung-cysts"]
    assert seen.repaired
    first, repair = (request.prompt.question for request in vision.requests)
    assert bad in repair
    assert first in repair
    with pytest.raises(ToolFailure, match="twice gave no readable list"):
        extract(Scripted(bad, bad), lung)


def test_only_the_windows_that_need_it_are_asked_again(
    chest: Volume, terms: tuple[Term, ...]
) -> None:
    good = listing(line("lung-cysts"))
    vision = Scripted(good, "unreadable", good, good)
    looks = looks_at(chest, terms, "lung", "bone", "angio")
    extracted = extract_findings(vision, looks, is_disease=never)
    assert [one.repaired for one in extracted] == [False, True, False]
    assert [r.prompt.views[0].window for r in vision.requests] == ["lung", "bone", "angio", "bone"]


def test_the_prompt_forbids_a_diagnosis_and_the_schema_cannot_express_one(lung: Look) -> None:
    vision = Scripted(listing(line("lung-cysts")), guided_json=True)
    extract(vision, lung)
    (request,) = vision.requests
    assert "Never name a disease or a diagnosis" in request.prompt.instruction
    assert "Never name a disease or a diagnosis" in request.prompt.question
    assert request.schema is not None
    properties = request.schema["properties"]
    entry = properties["findings"]["items"]["properties"]
    assert entry["term"] == {"enum": [term.id for term in lung.terms]}
    assert entry["slices"]["items"] == {"enum": [1, 2, 3]}
    assert "upper zone" in entry["place"]["enum"]
    # The only free text is kept apart, and bounded.
    assert json.dumps(request.schema).count('"string"') == 1
    assert properties["other"]["items"]["maxLength"] == 60
    assert properties["other"]["maxItems"] == 3


def test_a_backend_that_cannot_be_guided_gets_no_schema(lung: Look) -> None:
    vision = Scripted(EMPTY, guided_json=False)
    extract(vision, lung)
    assert vision.requests[0].schema is None


def test_more_views_than_the_backend_takes_are_thinned_and_counted(
    chest: Volume, terms: tuple[Term, ...]
) -> None:
    views = slice_views(chest, "S1", "lung", (1, 2, 3, 4, 5, 6))
    vision = Scripted(listing(line("lung-cysts", slices=[1])), images_per_prompt=3)
    seen = extract(vision, Look(views=views, terms=terms, is_volume=True))
    # round(i / 3 * 5) for i in 1..3 is 2, 3, 5, counted from zero.
    assert seen.shown.slices == (3, 4, 6)
    assert seen.shown.left_out == 3
    assert seen.findings[0].slices == (3,)
    assert len(vision.requests[0].prompt.views) == 3


def test_a_backend_that_takes_no_volumes_gets_pictures_without_slice_numbers(lung: Look) -> None:
    vision = Scripted(listing(line("lung-cysts", slices=[1])), volumes=False)
    (cysts,) = extract(vision, lung).findings
    assert not vision.requests[0].prompt.is_volume
    # The reply names a slice, but the pictures had no numbers.
    assert cysts.slices == (2, 4, 6)


def test_a_radiograph_is_introduced_as_one(lung: Look) -> None:
    vision = Scripted(EMPTY)
    extract(vision, replace(lung, is_volume=False, modality="DX", views=lung.views[:1]))
    assert "1 radiograph(s)" in vision.requests[0].prompt.instruction


def test_a_window_without_vocabulary_is_the_planners_to_change(lung: Look) -> None:
    with pytest.raises(ToolFailure, match="ask for another window"):
        extract(Scripted(EMPTY), replace(lung, terms=()))


def test_views_of_two_windows_in_one_look_are_a_bug(chest: Volume, terms: Sequence[Term]) -> None:
    views = (*slice_views(chest, "S1", "lung", (1,)), *slice_views(chest, "S1", "bone", (1,)))
    for wrong in ((), views):
        with pytest.raises(ValueError, match="one series in one window"):
            Look(views=wrong, terms=tuple(terms), is_volume=True)


def test_a_reply_that_was_cut_off_is_a_failure_and_is_not_asked_for_again(lung: Look) -> None:
    vision = Scripted(Reply(text=EMPTY[:9], is_cut_off=True))
    with pytest.raises(ToolFailure, match=r"lung window within 2000 tokens; .* fewer slices"):
        extract(vision, lung)
    assert len(vision.requests) == 1


def test_a_cached_reply_is_said_to_be_one(lung: Look) -> None:
    said = listing(line("lung-cysts", slices=[2]))
    seen = extract(Scripted(Reply(text=said, is_cached=True)), lung)
    assert seen.cached
    (sighting,) = seen.findings[0].sightings
    assert sighting.cached
    assert seen.findings[0].slices == (4,)


def test_what_the_model_says_beside_the_list_is_scrubbed_and_no_finding(lung: Look) -> None:
    said = listing(line("lung-cysts"), other=["pacemaker", "label dated 12/03/2024"])
    seen = extract(Scripted(said), lung)
    assert seen.other == ("pacemaker", "label dated [removed]")
    assert [f.term for f in seen.findings] == ["lung-cysts"]


def test_a_classifier_is_asked_every_term_and_says_so(lung: Look) -> None:
    answers = [yes(p, how="classification") for p in (0.97, 0.3, None)]
    vision = Scripted(answers=answers, generates=False, volumes=False)
    seen = extract(vision, lung)
    assert seen.asked == "questions"
    assert [q.finding for q in vision.asked[0][1]] == [
        "lung cysts",
        "pleural effusion",
        "lytic bone lesion",
    ]
    cysts, effusion = seen.findings
    # 0.97 is not calibrated: it counts as much as "high" of a model that writes.
    assert (cysts.term, cysts.present, cysts.certainty) == ("lung-cysts", True, 0.8)
    assert cysts.value == "p(yes) 0.97 (classification)"
    assert not effusion.present
    assert effusion.certainty == pytest.approx(0.7)
    assert seen.dropped == 1


def test_of_a_classifiers_many_findings_those_present_come_first(lung: Look) -> None:
    answers = [yes(p, how="classification") for p in (0.01, 0.6, 0.02)]
    vision = Scripted(answers=answers, generates=False)
    seen = extract(vision, lung, max_findings=2)
    assert [(f.term, f.present) for f in seen.findings] == [
        ("pleural-effusion", True),
        ("lung-cysts", False),
    ]
    assert seen.dropped == 1
