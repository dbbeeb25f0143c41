"""The prose of an entry, sorted by modality."""

from __future__ import annotations

from knowledge.index.facets import imaging_texts
from knowledge.vocabulary import Vocabulary
from tests.knowledge.conftest import entry

_PROSE = (
    "CT: thin-walled cysts in every zone. T2 shows bright fluid. Radiograph: hyperinflation; "
    "Ultrasound: nothing. The size is 2 to 20 mm. FDG PET: cold. Lung window: round walls."
)


def _texts(vocabulary: Vocabulary) -> dict[str, str]:
    made = entry(
        "cyst-disease",
        {"thin-walled-cysts": 0.9, "honeycombing": 0.06, "crazy-paving": 0.01},
        imaging=_PROSE,
    )  # fmt: skip
    return {str(k): v for k, v in imaging_texts(made, vocabulary).items()}


def test_each_modality_has_its_own_sentences_and_the_first_the_common_ones(
    small_vocabulary: Vocabulary,
) -> None:
    texts = _texts(small_vocabulary)
    assert list(texts) == ["CT", "MR", "XR", "US", "NM"]
    said = {
        "CT": "thin-walled cysts in every zone", "MR": "bright fluid", "XR": "hyperinflation",
        "US": "nothing", "NM": "cold",
    }  # fmt: skip
    for modality, words in said.items():
        assert [m for m, text in texts.items() if words in text] == [modality]
        assert texts[modality].startswith("cyst disease")
    assert [m for m, text in texts.items() if "2 to 20 mm" in text] == ["CT"]
    assert "Lung window: round walls." in texts["CT"]


def test_findings_stand_in_their_modality_with_how_often(small_vocabulary: Vocabulary) -> None:
    texts = _texts(small_vocabulary)
    assert "Very frequent: thin-walled cysts. Occasional: honeycombing." in texts["CT"]
    assert "crazy paving" not in texts["CT"]
    assert "frequent" not in texts["MR"]
