from __future__ import annotations

from pathlib import Path

import pytest

from evals.data.medpix import clean_text, load_medpix
from evals.data.titles import truth_from_title
from evals.matching.names import words
from evals.truth import Truth
from evals.views.show import VIEWS, View, mask_text, show
from tests.evals.medpix_shaped import LEAK, write_medpix_shaped


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("with_truth", [True, False])
def test_no_mask_no_name_and_no_author_field_reaches_an_arm(
    tmp_path: Path, view: View, *, with_truth: bool
) -> None:
    folder = write_medpix_shaped(tmp_path / "set", with_truth=with_truth)
    for case in load_medpix(folder, "all", None).cases:
        shown = show(case, view).model_dump_json().casefold()
        for mask in case.truth.mask:
            assert clean_text(mask).casefold() not in shown
        said = " ".join(words(shown))
        for name in (case.truth.primary, *case.truth.synonyms):
            assert f" {' '.join(words(name))} " not in f" {said} "
        assert LEAK not in shown
        assert case.id.casefold() not in shown


def test_each_view_shows_what_it_says_and_no_more(tmp_path: Path) -> None:
    case = load_medpix(write_medpix_shaped(tmp_path / "set"), "dev", None).cases[0]
    v0, v1, v3 = (show(case, view) for view in VIEWS)
    assert (v0.history, v0.findings_text) == ("", "")
    assert (v0.age_years, v0.sex, v0.region, v0.modality) == (34.0, "female", "thorax", "CT")
    assert v1.history == (
        '34-year-old woman, second collapsed lung. Her doctor thinks of "[...]".\n'
        "Exam: Reduced breath sounds; known [...] in a sister."
    )
    assert v1.findings_text == ""
    assert v3.history == v1.history
    assert v3.findings_text == (
        "Thin-walled round cysts evenly through both lungs. Right pneumothorax. Typical of [...]."
    )


def test_an_exam_that_is_not_available_leaves_no_trace(tmp_path: Path) -> None:
    case = load_medpix(write_medpix_shaped(tmp_path / "set"), "dev", None).cases[1]
    assert "Exam" not in show(case, "V1").history


def test_the_longest_mask_goes_first_in_any_case_and_inside_words() -> None:
    truth = Truth(primary="lipoma arborescens", mask=("lipoma", "Lipoma arborescens", "oma"))
    masked = mask_text("LIPOMA  arborescens, lipomas and fibroma", truth)
    assert masked == "[...], [...]s and fibr[...]"


def test_a_mask_of_two_letters_leaves_longer_words_alone() -> None:
    truth = Truth(primary="multiple sclerosis", mask=("MS",))
    assert mask_text("Symptoms of MS.", truth) == "Symptoms of [...]."


def test_a_right_name_that_curation_overlooked_is_masked_as_a_whole_word() -> None:
    truth = Truth(primary="silicosis", synonyms=("grit",))
    assert mask_text("Silicosis; a gritty past, grit.", truth) == "[...]; a gritty past, [...]."


def test_the_words_of_a_title_are_masked_and_its_common_words_are_not() -> None:
    truth = truth_from_title("Torsion of the left testis")
    masked = mask_text("Pain in the left testis, torsion likely", truth)
    assert masked == "Pain in the left [...], [...] likely"
