"""Wordings in any order and with words between, and what must not be read together."""

from __future__ import annotations

import pytest

from knowledge.reading.families import key
from knowledge.reading.normalise import Mention, Normaliser, normalise
from knowledge.vocabulary import Term, Vocabulary, build_vocabulary
from knowledge.words import fold

# Name; synonyms; region; parent.
_TERMS = (
    ("thalamic T2 hyperintensity", (), ("head",), None),
    ("mamillary body enhancement", (), ("head",), None),
    ("thin-walled lung cysts", (), ("chest",), None),
    ("renal cysts", ("renal cyst",), ("abdomen",), None),
    ("hepatic cysts", ("liver cyst",), ("abdomen",), None),
    ("hepatic mass", ("liver mass",), ("abdomen",), None),
    ("calcified hepatic mass", (), ("abdomen",), "hepatic mass"),
    ("renal stones", (), ("abdomen",), None),
    ("gallstones", ("gallbladder stones",), ("abdomen",), None),
    ("gallbladder wall thickening", (), ("abdomen",), None),
    ("pancreatic atrophy", (), ("abdomen",), None),
    ("pancreatic duct dilatation", (), ("abdomen",), None),
    ("tracheal narrowing", (), ("chest",), None),
    ("pleural nodule", (), ("chest",), None),
    ("pleural effusion", (), ("chest",), None),
    ("pneumothorax", ("pleural air",), ("chest",), None),
    ("several nodules", (), ("chest",), None),
    ("diffuse swelling", (), (), None),
    ("fracture", (), ("limb",), None),
    ("joint dislocation", ("fracture dislocation",), ("limb",), None),
    ("hyperdense artery sign", ("hyperdense middle cerebral artery sign",), ("head",), None),
    ("hepatic masses without fat", (), ("abdomen",), None),
)


def _vocabulary() -> Vocabulary:
    return build_vocabulary(
        Term.model_validate(
            {
                "id": _id(name), "name": name, "synonyms": synonyms, "region": region,
                "parent": parent and _id(parent), "modality": ["CT"], "window": "soft tissue",
                "question": f"Is there {name}?", "background": 0.1,
            }
        )
        for name, synonyms, region, parent in _TERMS
    )  # fmt: skip


def _id(name: str) -> str:
    return name.casefold().replace(" ", "-")


@pytest.fixture(scope="module")
def normaliser() -> Normaliser:
    return Normaliser(_vocabulary())


def _read(normaliser: Normaliser, text: str) -> dict[str, bool]:
    return {m.term: m.present for m in normaliser.mentions(text)}


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("T2 hyperintensity within both thalami.", ["thalamic-t2-hyperintensity"]),
        ("High T2 signal in the thalamus.", ["thalamic-t2-hyperintensity"]),
        ("The thalami are bright on T2.", ["thalamic-t2-hyperintensity"]),
        ("Enhancement of the mammillary bodies.", ["mamillary-body-enhancement"]),
        ("Cysts, thin-walled and round, in both lungs.", ["thin-walled-lung-cysts"]),
        ("Renal and hepatic cysts.", ["renal-cysts", "hepatic-cysts"]),
        ("Cysts in the liver and kidneys.", ["renal-cysts", "hepatic-cysts"]),
        ("Masses of the liver.", ["hepatic-mass"]),
        ("Hyperdense left MCA.", ["hyperdense-artery-sign"]),
    ],
)
def test_words_of_a_wording_are_found_in_any_order_and_form(
    normaliser: Normaliser, text: str, terms: list[str]
) -> None:
    assert sorted(_read(normaliser, text)) == sorted(terms)


@pytest.mark.parametrize(
    "text",
    [
        "Nodule and pleural effusion.",
        "Lung nodule with a pleural effusion.",
        "Nodule abutting the pleura.",
        "Nodule without pleural thickening.",
        "Pleura normal, nodule in the thyroid.",
        "Pleural fluid and a small round ill-defined peripheral nodule.",
    ],
)
def test_words_of_two_findings_are_not_read_together(normaliser: Normaliser, text: str) -> None:
    assert "pleural-nodule" not in _read(normaliser, text)


def test_a_word_that_belongs_to_the_next_noun_is_no_head(normaliser: Normaliser) -> None:
    assert _read(normaliser, "Consolidation of the pleural base with an air bronchogram.") == {}


def test_words_too_far_apart_are_not_read_together(normaliser: Normaliser) -> None:
    text = "Cysts of every size shape density contour and distribution replacing either kidney."
    assert _read(normaliser, text) == {}


def test_a_wording_that_names_no_organ_must_stand_close(normaliser: Normaliser) -> None:
    assert _read(normaliser, "Diffuse soft swelling.") == {"diffuse-swelling": True}
    assert _read(normaliser, "Diffuse painful reddish warm swelling.") == {}


def test_an_organ_holds_until_the_next_one(normaliser: Normaliser) -> None:
    assert _read(normaliser, "Pancreas atrophic with a dilated duct.") == {
        "pancreatic-atrophy": True, "pancreatic-duct-dilatation": True
    }  # fmt: skip
    text = "Gallbladder distended, stones, wall thickened; kidney with stones."
    assert list(_read(normaliser, text)) == [
        "gallstones", "gallbladder-wall-thickening", "renal-stones"
    ]  # fmt: skip


def test_an_organ_holds_past_a_semicolon_but_not_past_the_sentence(normaliser: Normaliser) -> None:
    assert "gallstones" in _read(normaliser, "Gallbladder distended; stones.")
    assert _read(normaliser, "Gallbladder distended. Stones.") == {}


def test_a_normal_organ_has_no_finding_but_a_denied_one(normaliser: Normaliser) -> None:
    assert _read(normaliser, "Gallbladder normal, stones in the duct.") == {}
    assert _read(normaliser, "Gallbladder normal, no stones.") == {"gallstones": False}


def test_the_more_specific_of_two_terms_is_kept(normaliser: Normaliser) -> None:
    assert list(_read(normaliser, "Mass of the liver, calcified.")) == ["calcified-hepatic-mass"]
    assert list(_read(normaliser, "Liver mass with calcification.")) == ["calcified-hepatic-mass"]


def test_a_denial_behind_the_organ_reaches_the_finding(normaliser: Normaliser) -> None:
    assert _read(normaliser, "The trachea is not narrowed.") == {"tracheal-narrowing": False}
    assert _read(normaliser, "The trachea is narrowed.") == {"tracheal-narrowing": True}


def test_a_wording_with_a_denial_is_only_read_word_for_word(normaliser: Normaliser) -> None:
    assert "hepatic-masses-without-fat" not in _read(normaliser, "Fat without hepatic masses.")
    assert "hepatic-masses-without-fat" in _read(normaliser, "Hepatic masses without fat.")


def test_a_phrase_does_not_cross_a_comma(normaliser: Normaliser) -> None:
    assert _read(normaliser, "No fracture, dislocation of the joint.") == {
        "fracture": False, "joint-dislocation": False
    }  # fmt: skip


def test_a_wording_of_another_region_than_the_organ_is_left_out(normaliser: Normaliser) -> None:
    assert "several-nodules" in _read(normaliser, "Many nodules.")
    assert _read(normaliser, "Many nodules of the kidney.") == {}


def test_start_and_end_hold_matched_words_alone(normaliser: Normaliser) -> None:
    text = "Enhancement, metastatic perhaps, of the mamillary bodies."
    (mention,) = normaliser.mentions(text)
    assert text[mention.start : mention.end] == "Enhancement"


def test_the_same_text_gives_the_same_mentions_in_the_same_order(normaliser: Normaliser) -> None:
    text = "Renal and hepatic cysts, pancreas atrophic, masses of the liver."
    assert normaliser.mentions(text) == Normaliser(_vocabulary()).mentions(text)


def test_normalise_reads_with_the_shipped_vocabulary_or_a_given_one() -> None:
    (mention,) = normalise("T2 hyperintensity in both thalami", _vocabulary())
    assert isinstance(mention, Mention)
    assert (mention.term, mention.side) == ("thalamic-t2-hyperintensity", "bilateral")
    shipped = normalise("No pleural effusion.")
    assert [(m.term, m.present) for m in shipped] == [("pleural-effusion", False)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("renal", "kidney"), ("thalami", "thalamic"), ("hepatic", "liver"), ("masses", "mass"),
        ("dilated", "dilatation"), ("vertebrae", "vertebral"), ("diffusely", "diffuse"),
        ("oesophagus", "esophageal"), ("adenopathy", "lymphadenopathy"),
    ],
)  # fmt: skip
def test_forms_of_a_word_have_one_key(one: str, other: str) -> None:
    assert key(fold(one)) == key(fold(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("cyst", "cystic"), ("nodule", "nodular"), ("mass", "lesion"), ("cervix", "cervical"),
     ("innumerable", "multiple"), ("anomaly", "anomalous")],
)  # fmt: skip
def test_words_a_radiologist_chooses_between_have_two_keys(one: str, other: str) -> None:
    assert key(fold(one)) != key(fold(other))
