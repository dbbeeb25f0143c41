from __future__ import annotations

from evals.data.dataset import EvalCase
from evals.data.masks import with_masks
from evals.truth import Truth
from evals.views.show import mask_text
from knowledge.entry import load_entries


def masked(truth: Truth) -> Truth:
    return with_masks([EvalCase(id="1", patient="1", truth=truth)], load_entries())[0].truth


def test_a_truth_without_a_mask_is_masked_by_the_names_of_its_entry_as_whole_words() -> None:
    truth = masked(Truth(primary="lymphangioleiomyomatosis"))
    assert truth.synonyms == ()  # masked with, never scored with
    text = "Known LAM, or lymphangioleiomyomatosis; lamellar scars."
    assert mask_text(text, truth) == "Known [...], or [...]; lamellar scars."


def test_a_curated_mask_stands_as_it_is_also_an_empty_one() -> None:
    assert masked(Truth(primary="lymphangioleiomyomatosis", mask=())).mask_words == ()


def test_a_diagnosis_that_no_entry_bears_is_masked_by_its_own_name() -> None:
    truth = masked(Truth(primary="wobbly knee of the left"))
    assert truth.mask_words == ()
    assert mask_text("A wobbly knee of the left.", truth) == "A [...]."
