from __future__ import annotations

import pytest

from evals.matching.known import Disease, Known, know
from evals.matching.levels import Level, distinct, judge, judge_list
from evals.matching.names import is_denied, keys, words
from evals.truth import Truth


def of_entries(*entries: tuple[str, ...]) -> tuple[Known]:
    return (know(Disease(id=str(at), names=names) for at, names in enumerate(entries)),)


LAM = Truth(
    primary="lymphangioleiomyomatosis",
    synonyms=("LAM", "pulmonary LAM"),
    broader=("cystic lung disease",),
    components=("pneumothorax",),
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Haemangiomas of the liver", "hemangioma of the liver"),
        ("haemangioma of the liver", "Liver hemangioma."),
        ("Oesophageal tumour", "esophageal tumor"),
        ("Paediatric oedema", "pediatric edema"),
        ("fibre", "fiber"),
        ("Localised fibrous tumour", "localized fibrous tumor"),
        ("M&eacute;n&eacute;trier disease", "Ménétrier disease"),
        ("Wegener&#39;s granulomatosis", "Wegener granulomatosis"),
        ("Grave\N{RIGHT SINGLE QUOTATION MARK}s disease", "Graves' disease"),
        ("Ileo-colic intussusception", "Ileocolic intussusception"),
        ("pulmonary metastases", "pulmonary metastasis"),
        ("abscesses", "abscess"),
        ("bladder diverticula", "bladder diverticulum"),
        ("Chiari II malformation", "Chiari 2 malformation"),
        ("2nd branchial cleft cyst", "Second branchial cleft cyst"),
        ("Posterior reversible encephalopathy syndrome (PRES)",
         "posterior reversible encephalopathy syndrome"),
        ("HHT (hereditary haemorrhagic telangiectasia)", "hereditary hemorrhagic telangiectasia"),
        ("Probable sarcoidosis", "sarcoidosis"),
    ],
)  # fmt: skip
def test_the_same_words_in_another_spelling_are_the_same_name(one: str, other: str) -> None:
    assert judge(one, Truth(primary=other)) is Level.L0
    assert judge(other, Truth(primary=one)) is Level.L0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Chiari I malformation", "Chiari II malformation"),
        ("Autosomal recessive polycystic kidney disease (ARPKD)",
         "Autosomal dominant polycystic kidney disease (ADPKD)"),
        ("ARPKD", "ADPKD"),
        ("Right aortic arch with aberrant left subclavian artery",
         "Left aortic arch with aberrant right subclavian artery"),
        ("Type A aortic dissection", "Type B aortic dissection"),
        ("Haemophilia A", "Haemophilia"),
        ("Histiocytosis X", "Histiocytosis 10"),
        ("Ossifying fibroma", "Non-ossifying fibroma"),
        ("Sarcoidosis vs lymphoma", "Sarcoidosis"),
        ("Disease", "Hodgkin disease"),
        ("Endometritis", "Endometriosis"),
    ],
)  # fmt: skip
def test_look_alikes_are_different(one: str, other: str) -> None:
    assert judge(one, Truth(primary=other)) is Level.DIFFERENT
    assert judge(other, Truth(primary=one)) is Level.DIFFERENT


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("Lymphangioleiomyomatosis.", Level.L0),
        ("LAM", Level.L1),
        ("Cystic lung diseases", Level.L3),
        ("Pneumothorax", Level.L4),
        ("emphysema", Level.DIFFERENT),
        ("no lymphangioleiomyomatosis", Level.DIFFERENT),
        ("LAM unlikely", Level.DIFFERENT),
        ("", Level.DIFFERENT),
        ("?", Level.DIFFERENT),
    ],
)
def test_each_level_is_given_for_its_own_kind_of_name(name: str, level: Level) -> None:
    assert judge(name, LAM) is level


@pytest.mark.parametrize(
    "name",
    ["no X", "No evidence of X", "X unlikely", "X ruled out", "X is excluded", "Without X"],
)
def test_a_denied_diagnosis_never_matches_even_when_curated(name: str) -> None:
    assert is_denied(name)
    assert judge(name, Truth(primary="X", synonyms=(name,))) is Level.DIFFERENT


def test_names_that_merely_begin_like_a_denial_are_no_denial() -> None:
    assert not is_denied("Non-Hodgkin lymphoma")
    assert not is_denied("Nocardiosis")
    assert not is_denied("Notochordal cell tumour")


def test_knowledge_base_synonyms_are_right_only_when_they_are_passed_in() -> None:
    truth = Truth(primary="marble lung")
    synonyms = of_entries(("marble lung", "stone lung of Smith"))
    assert judge("Stone lung of Smith", truth) is Level.DIFFERENT
    assert judge("Stone lung of Smith", truth, synonyms) is Level.L1


def test_a_name_that_two_entries_share_stands_for_neither() -> None:
    synonyms = of_entries(("alpha disease", "AD"), ("beta disease", "AD"))
    assert judge("AD", Truth(primary="alpha disease"), synonyms) is Level.DIFFERENT
    assert judge("AD", Truth(primary="beta disease"), synonyms) is Level.DIFFERENT
    assert judge("alpha disease", Truth(primary="beta disease"), synonyms) is Level.DIFFERENT


def test_items_that_mean_the_same_collapse_before_ranks_are_counted() -> None:
    synonyms = of_entries(("sarcoidosis", "Schaumann granuloma"))
    names = ["Sarcoidosis", "sarcoidosis.", "Schaumann's granuloma", "LAM"]
    assert distinct(names) == [0, 2, 3]
    assert distinct(names, synonyms) == [0, 3]
    assert judge_list(names, LAM).rank == 3
    assert judge_list(names, LAM, synonyms).rank == 2


def test_a_denied_item_takes_up_a_rank_and_does_not_hide_the_affirmed_one() -> None:
    judged = judge_list(["LAM unlikely", "LAM"], LAM)
    assert judged.levels == (Level.DIFFERENT, Level.L1)
    assert judged.rank == 2


def test_a_direct_parent_counts_beside_the_primary_rank_and_not_in_it() -> None:
    judged = judge_list(["emphysema", "cystic lung disease", "pneumothorax", "LAM"], LAM)
    assert judged.levels == (Level.DIFFERENT, Level.L3, Level.L4, Level.L1)
    assert (judged.rank, judged.rank_broader) == (4, 2)


def test_no_right_item_has_no_rank() -> None:
    assert judge_list(["emphysema"], LAM).rank is None
    assert judge_list([], LAM).rank is None


def test_articles_go_and_the_letter_a_stays() -> None:
    assert words("The coarctation of an aorta") == ("coarctation", "of", "aorta")
    assert words("Type A dissection") == ("type", "a", "dissection")
    assert words("Rupture of a tendon") == ("rupture", "of", "tendon")


def test_an_inverted_name_keeps_both_readings() -> None:
    assert keys("Carcinoma of the lung") == {"carcinomaoflung", "lungcarcinoma"}
    assert keys("Carcinoma of the lung with effusion") == {"carcinomaoflungwitheffusion"}
