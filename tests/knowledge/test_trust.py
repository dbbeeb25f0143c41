"""The trust table: by source and kind of finding, one file over another, a hash of the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from knowledge.entry import Entry
from knowledge.ranking.evidence import Observation
from knowledge.ranking.questions import Questions
from knowledge.ranking.rank import Ranker
from knowledge.ranking.trust import Trust, default_trust, load_trust
from knowledge.vocabulary import Vocabulary
from knowledge.yaml_source import KnowledgeError

_ROW = "- {source: vision, kind: %s, sensitivity: %s, specificity: %s, basis: labels, why: own}\n"
_DOCS = Path(__file__).parents[2] / "docs" / "trust.md"


def test_a_distribution_goes_before_the_modality_and_any_stands_for_what_has_no_row() -> None:
    table = default_trust()
    assert table.of("vision", "MR", "distribution") == table.rows["vision", "distribution"]
    assert table.of("vision", "MR") == table.rows["vision", "MR"]
    assert table.of("vision") == table.rows["vision", "any"]
    assert table.of("report", "CT", "distribution") == table.rows["report", "any"]


def test_the_page_tells_every_row() -> None:
    told = _DOCS.read_text("utf-8")
    for (source, kind), trust in default_trust().rows.items():
        assert f"| {source} | {kind} | {trust.sensitivity:.2f} | {trust.specificity:.2f} |" in told


def test_rows_of_a_file_stand_in_place_of_the_shipped_ones(tmp_path: Path) -> None:
    path = tmp_path / "trust.yaml"
    path.write_text(_ROW % ("CT", 0.9, 0.8), "utf-8")
    table = load_trust(path)
    assert table.of("vision", "CT") == (0.9, 0.8)
    assert table.of("vision", "XR") == default_trust().of("vision", "XR")
    assert table.digest != default_trust().digest
    shipped = default_trust().of("vision", "CT")
    path.write_text(_ROW % ("CT", *shipped), "utf-8")
    assert load_trust(path).digest == default_trust().digest


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (_ROW % ("CT", 0.9, 0.05), "add up to less than 1"),
        (_ROW % ("CT", 1.0, 0.9), "less than 1"),
        (_ROW % ("lung", 0.9, 0.9), "0.kind"),
        (_ROW % ("CT", 0.9, 0.9) * 2, "two rows for vision CT"),
        ("vision: [", "line 2"),
    ],
)
def test_a_table_that_cannot_be_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "trust.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(KnowledgeError, match=fault):
        load_trust(path)


def test_the_ranking_weighs_a_finding_by_its_modality(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    table = default_trust().with_rows({("vision", "CT"): Trust(0.9, 0.95)})
    ranker = Ranker(small_entries, small_vocabulary, table)

    def share(modality: str) -> float:
        seen = Observation(
            id="F1", term="crazy-paving", present=True, certainty=1.0, source="vision",
            modality=modality,
        )  # fmt: skip
        (paving,) = (r for r in ranker.rank([seen]).ranked if r.disease_id == "paving-disease")
        return paving.probability

    assert share("CT") > 1.5 * share("")


def test_the_next_question_reckons_with_the_answerer_by_modality(
    small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> None:
    questions = Questions(small_entries, small_vocabulary)

    def trust(modality: str, kind: str) -> Trust:
        return Trust(0.9, 0.9) if (modality, kind) == ("CT", "finding") else Trust(0.5, 0.5)

    shares = Ranker(small_entries, small_vocabulary).rank([]).probabilities
    assert questions.best(shares, trust=trust, modalities=["CT"])[0].gain == pytest.approx(
        questions.best(shares, trust=Trust(0.9, 0.9), modalities=["CT"])[0].gain
    )
    assert all(q.gain < 1e-9 for q in questions.best(shares, trust=trust))
