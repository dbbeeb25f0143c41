"""What a sentence says of the terms in it: stated, denied, doubted, asked for, past."""

from __future__ import annotations

import pytest

from knowledge.reading.normalise import Normaliser
from knowledge.vocabulary import Term, Vocabulary, build_vocabulary

EFFUSION = "pleural-effusion"


def _terms(*names: str) -> list[Term]:
    return [
        Term.model_validate(
            {
                "id": name.replace(" ", "-"), "name": name, "modality": ["CT"], "window": "lung",
                "question": f"Is there {name}?", "background": 0.1,
            }
        )
        for name in names
    ]  # fmt: skip


@pytest.fixture(scope="module")
def normaliser(small_vocabulary: Vocabulary) -> Normaliser:
    terms = [*small_vocabulary.terms.values(), *_terms("pneumothorax", "bilateral infiltrates")]
    return Normaliser(build_vocabulary(terms))


def _read(normaliser: Normaliser, text: str) -> list[tuple[str, bool, float]]:
    return [(m.term, m.present, m.certainty) for m in normaliser.mentions(text)]


def _present(normaliser: Normaliser, text: str) -> dict[str, bool]:
    return {m.term: m.present for m in normaliser.mentions(text)}


@pytest.mark.parametrize(
    "text",
    [
        "No pleural effusion.",
        "There is no evidence of pleural effusion.",
        "No signs of pleural effusion.",
        "No significant pleural effusion.",
        "No definite pleural effusion.",
        "No convincing pleural effusion.",
        "No suspicious pleural effusion.",
        "No large pleural effusion.",
        "No findings suggestive of pleural effusion.",
        "No changes consistent with pleural effusion.",
        "Pleural effusion is not seen.",
        "Pleural effusion is absent.",
        "Pleural effusion is no longer seen.",
        "Pleural effusion has been excluded.",
        "Pleural effusion was ruled out on the second study.",
        "The left pleural effusion has completely resolved.",
        "Resolution of the pleural effusion.",
        "Pleural effusion: none.",
        "The scan excluded pleural effusion.",
        "The radiograph does not show pleural effusion.",
        "Clear lungs without pleural effusion",
        "Nor is there a pleural effusion.",
        "The report speaks against pleural effusion.",
        "No cysts were missed and no pleural effusion either.",
        "There isn't any pleural effusion.",
        "I don't see a pleural effusion.",
        "Lung cysts and pleural effusion, both resolved.",
    ],
)
def test_denied_findings_are_absent(normaliser: Normaliser, text: str) -> None:
    assert _read(normaliser, text)[-1] == (EFFUSION, False, 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "No lung cysts, honeycombing or pleural effusion.",
        "No lung cysts, honeycombing, or pleural effusion.",
        "No lung cysts, honeycombing and pleural effusion.",
        "No lung cysts, honeycombing, pleural effusion.",
        "No lung cysts, honeycombing, pleural effusion seen.",
        "No lung cysts, large honeycombing or pleural effusion.",
        "Clear without lung cysts, honeycombing or pleural effusion.",
        "Negative for lung cysts, honeycombing and pleural effusion.",
        "Negative for the following: lung cysts, honeycombing, pleural effusion.",
        "There is no evidence of lung cysts, honeycombing or left pleural effusion.",
        "CT does not show lung cysts, honeycombing or pleural effusion.",
        "Neither lung cysts nor honeycombing nor pleural effusion.",
        "Lung cysts, honeycombing and pleural effusion are not seen.",
        "No lung cysts (or honeycombing) or pleural effusion.",
        "No lung cysts, honeycombing or pleural effusion is seen, the heart is large.",
    ],
)
def test_a_denied_list_is_denied_to_its_end(normaliser: Normaliser, text: str) -> None:
    denied = {"lung-cysts": False, "honeycombing": False, EFFUSION: False}
    assert _present(normaliser, text) == denied


@pytest.mark.parametrize(
    "text",
    [
        "No pneumothorax, large left pleural effusion.",
        "No pneumothorax, small pleural effusion.",
        "No pneumothorax, a moderate pleural effusion.",
        "No pneumothorax, there is a pleural effusion.",
        "No pneumothorax, pleural effusion is present.",
        "No pneumothorax, pleural effusion on the left.",
        "No pneumothorax, new pleural effusion.",
        "No pneumothorax, bilateral pleural effusions.",
        "No pneumothorax, stable pleural effusion, small hiatus hernia.",
        "No pneumothorax, multiple rib fractures and left pleural effusion.",
        "No pneumothorax and a large left pleural effusion.",
        "No pneumothorax and pleural effusion is again seen.",
        "No pneumothorax and right pleural effusion.",
        "No pneumothorax is seen and pleural effusion is small.",
        "No pneumothorax was found, pleural effusion.",
        "No pneumothorax (moderate pleural effusion).",
        "No pneumothorax but a pleural effusion.",
        "No pneumothorax. Pleural effusion.",
        "No pneumothorax, possible pleural effusion.",
        "No pneumothorax whereas pleural effusion persists.",
        "No abnormality besides a pleural effusion.",
        "No abnormality other than pleural effusion.",
        "Pneumothorax has resolved, pleural effusion remains.",
        "Pneumothorax is not seen and pleural effusion is small.",
        "Pneumothorax was excluded, large pleural effusion.",
        "Cough without fever, pleural effusion on left.",
        "Without contrast, pleural effusion.",
        "CT shows no pneumothorax and shows pleural effusion.",
    ],
)
def test_a_denial_ends_where_a_new_statement_begins(normaliser: Normaliser, text: str) -> None:
    found = _present(normaliser, text)
    assert found[EFFUSION]
    assert not found.get("pneumothorax", False)


@pytest.mark.parametrize(
    "text",
    [
        "Pleural effusion is not increased.",
        "Pleural effusion is not changed.",
        "Pleural effusion is not significantly larger.",
        "Pleural effusion has not resolved.",
        "Pleural effusion has nearly resolved.",
        "Partial resolution of the pleural effusion.",
        "No change in the pleural effusion.",
        "No significant interval change in pleural effusion.",
        "No increase in the pleural effusion.",
        "Not only a pleural effusion.",
        "Pleural effusion, not seen on the prior study.",
        "Prior pleural effusion has increased.",
        "Compared with the prior radiograph, pleural effusion.",
        "Pleural effusion unchanged since 2015.",
        "Findings consistent with pleural effusion.",
        "Three-day history of cough with pleural effusion.",
        "History of asthma, pleural effusion on the left.",
        "History of asthma with a new pleural effusion.",
        "Her mother had asthma, there is a pleural effusion.",
        "A 34-year-old mother with pleural effusion.",
        "The father reports cough, pleural effusion on the left.",
        "Rule out pneumothorax, large left pleural effusion on the radiograph.",
        "Fever and pleural effusion on the left, what is the diagnosis?",
        "Pleural effusion is unlikely to be malignant.",
    ],
)
def test_what_only_looks_like_a_denial_is_a_finding(normaliser: Normaliser, text: str) -> None:
    assert _read(normaliser, text) == [(EFFUSION, True, 1.0)]


@pytest.mark.parametrize(
    "text",
    [
        "No new pleural effusion.",
        "Without any new pleural effusion.",
        "Pleural effusion is unlikely.",
        "Possibly no pleural effusion.",
    ],
)
def test_a_weak_denial_is_absent_with_doubt(normaliser: Normaliser, text: str) -> None:
    assert _read(normaliser, text) == [(EFFUSION, False, 0.6)]


@pytest.mark.parametrize(
    "text",
    [
        "Questionable pleural effusion.",
        "Possible small pleural effusion.",
        "Probable pleural effusion.",
        "Concern for pleural effusion.",
        "Opacity suspicious for pleural effusion.",
        "Opacity that may represent pleural effusion.",
        "Opacity likely due to pleural effusion.",
        "Opacity suggestive of pleural effusion.",
        "Cannot exclude pleural effusion.",
        "The study does not exclude pleural effusion.",
        "Pleural effusion cannot be excluded.",
        "Pleural effusion has not been ruled out.",
        "Pleural effusion is suspected.",
        "Pleural effusion is not clearly seen.",
        "Pleural effusion vs. thickening.",
        "Pleural effusion (?) at the base.",
        "Minimal if any pleural effusion.",
        "Pleural effusion is less likely than thickening.",
        "No pneumothorax, suspected pleural effusion.",
    ],
)
def test_doubt_lowers_certainty(normaliser: Normaliser, text: str) -> None:
    assert (EFFUSION, True, 0.6) in _read(normaliser, text)


def test_a_term_that_begins_like_a_statement_ends_a_denial(normaliser: Normaliser) -> None:
    found = _present(normaliser, "No pneumothorax, bilateral infiltrates.")
    assert found == {"pneumothorax": False, "bilateral-infiltrates": True}


def test_doubt_stays_with_what_it_qualifies(normaliser: Normaliser) -> None:
    text = "Possible honeycombing, pleural effusion, likely reactive."
    assert _read(normaliser, text) == [
        ("honeycombing", True, 0.6),
        (EFFUSION, True, 1.0),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Is there a pleural effusion?",
        "Dyspnea, pleural effusion ?",
        "Could this be honeycombing, could it be pleural effusion?",
        "?pleural effusion",
        "? pleural effusion",
        "Fever for two days, ?honeycombing or pleural effusion.",
        "Evaluate for pleural effusion.",
        "Please assess for lung cysts, honeycombing or pleural effusion.",
        "Look for pleural effusion.",
        "Check for pleural effusion.",
        "Rule out pleural effusion.",
        "R/O pleural effusion",
        "Exclude lung cysts and pleural effusion.",
        "Query pleural effusion.",
        "Question of pleural effusion.",
        "Clinical question: pleural effusion.",
        "Concern about pleural effusion.",
        "CT to see whether pleural effusion has developed.",
        "Screening for pleural effusion.",
    ],
)
def test_questions_and_requests_are_no_findings(normaliser: Normaliser, text: str) -> None:
    assert normaliser.mentions(text) == []


def test_a_request_leaves_the_next_sentence_alone(normaliser: Normaliser) -> None:
    text = "Is there a pneumothorax? Pleural effusion. Rule out honeycombing. Lung cysts."
    assert list(_present(normaliser, text)) == [EFFUSION, "lung-cysts"]


@pytest.mark.parametrize(
    "text",
    [
        "Mother has pleural effusion.",
        "Her father had lung cysts and pleural effusion.",
        "Brother with pleural effusion.",
        "Pleural effusion in her older sister.",
        "Family history of pleural effusion.",
        "Family history:\nlung cysts, pleural effusion",
        "History of pleural effusion.",
        "No history of pleural effusion.",
        "H/o lung cysts and pleural effusion.",
        "History of asthma and large pleural effusion.",
        "S/p pleural effusion.",
        "Status post pleural effusion.",
        "Previous left pleural effusion.",
        "Prior pleural effusion.",
        "Pleural effusion on the left in 2010.",
        "Pleural effusion three years ago.",
        "Past medical history: pleural effusion.",
    ],
)
def test_relatives_and_the_past_are_no_findings(normaliser: Normaliser, text: str) -> None:
    assert normaliser.mentions(text) == []
