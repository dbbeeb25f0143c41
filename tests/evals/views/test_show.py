from __future__ import annotations

from pathlib import Path

import pytest

from evals.data.dataset import EvalCase
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
    v0, v1, v3 = (show(case, view) for view in ("V0", "V1", "V3"))
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


@pytest.mark.parametrize(
    "written",
    ["Crohn's disease", "Crohn\u2019s disease", "Crohn's-disease", "crohn\u02bcs\ndisease"],
)
def test_another_apostrophe_or_dash_gives_nothing_away(written: str) -> None:
    assert mask_text(f"Known {written}.", Truth(primary="Crohn's disease")) == "Known [...]."
    assert (
        mask_text(f"Known {written}.", Truth(primary="Crohn\u2019s\u2013disease")) == "Known [...]."
    )


def test_a_mask_without_a_word_masks_nothing() -> None:
    assert mask_text("Cough - for weeks.", Truth(primary="N/A", mask=("---", ""))) == (
        "Cough - for weeks."
    )


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


def test_a_name_of_the_knowledge_base_is_masked_as_a_whole_word() -> None:
    truth = Truth(primary="x", mask_words=("LAM",))
    assert mask_text("LAM, lamellar", truth) == "[...], lamellar"


def test_what_identifies_a_patient_is_scrubbed_from_the_words() -> None:
    case = EvalCase(
        id="1",
        patient="1",
        history="Patient name: John Smith, MRN 1234567. Cough.",
        truth=Truth(primary="x"),
    )
    shown = show(case, "V1").history
    assert "Smith" not in shown
    assert "1234567" not in shown
    assert "Cough" in shown


def test_the_words_of_an_image_view_are_those_of_the_view_without_images(tmp_path: Path) -> None:
    case = load_medpix(write_medpix_shaped(tmp_path / "set"), "dev", None).cases[0]
    assert show(case, "V2") == show(case, "V2x") == show(case, "V1")
    assert show(case, "V4") == show(case, "V3")
