from __future__ import annotations

import pytest

from evals.data.titles import truth_from_title


@pytest.mark.parametrize(
    ("title", "primary"),
    [
        ("Horseshoe kidney.", "Horseshoe kidney"),
        ("Diagnosis: Horseshoe kidney", "Horseshoe kidney"),
        ("A case of horseshoe kidney", "horseshoe kidney"),
        ("40 y.o. man with silicosis", "silicosis"),
        ("1) Silicosis 2) Rheumatoid arthritis", "Silicosis"),
        ("Silicosis; rheumatoid arthritis", "Silicosis"),
        ("Tibial fracture with haematoma", "Tibial fracture"),
        ("Bowel obstruction secondary to gallstone", "Bowel obstruction"),
        ("Nephroblastoma, Stage III", "Nephroblastoma"),
        ("Lung adenocarcinoma T3N2M0", "Lung adenocarcinoma"),
        ("Silicosis. Confirmed by biopsy.", "Silicosis"),
        ("Pneumonia of P. carinii", "Pneumonia of P. carinii"),
        ("Ewing sarcoma (rib)", "Ewing sarcoma"),
        ("Caplan syndrome, rheumatoid arthritis", "Caplan syndrome"),
        ("Astrocytoma, pilocytic", "pilocytic Astrocytoma"),
        ("Sialadenitis - parotid", "Sialadenitis"),
        ("Non-ossifying fibroma", "Non-ossifying fibroma"),
    ],
)
def test_the_answer_is_the_first_diagnosis_of_a_title(title: str, primary: str) -> None:
    truth = truth_from_title(title)
    assert truth.primary == primary
    assert not truth.curated


def test_a_second_diagnosis_is_a_component_and_no_answer() -> None:
    truth = truth_from_title("Tibial fracture with haematoma")
    assert truth.components == ("haematoma",)
    assert truth.synonyms == ("Tibial fracture with haematoma",)


def test_initials_and_announced_names_in_brackets_are_synonyms_and_remarks_are_not() -> None:
    kidney = truth_from_title("Polycystic kidney disease (a.k.a. Potter type III or PKD)")
    assert {"Potter type III", "PKD"} <= set(kidney.synonyms)
    cell = truth_from_title("Renal carcinoma (clear cell)")
    assert "clear cell" not in cell.synonyms


def test_a_title_of_common_words_names_nothing_and_is_left_out_with_that_reason() -> None:
    truth = truth_from_title("Left")
    assert (truth.scoreable, truth.why_not) == (False, "the title names nothing")


def test_the_whole_title_and_its_telling_words_are_masked() -> None:
    assert truth_from_title("Stage II Wilms tumor").mask == (
        "Stage II Wilms tumor", "Wilms tumor", "Stage", "II", "Wilms", "tumor",
    )  # fmt: skip
