"""Search over a real embedded Chroma: findings, names, words, filters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from knowledge.entry import Entry
from knowledge.search.retrieve import KnowledgeBase
from knowledge.vocabulary import Vocabulary
from knowledge.yaml_source import KnowledgeError


@pytest.fixture(scope="module")
def base(
    cache_dir: Path, small_entries: Mapping[str, Entry], small_vocabulary: Vocabulary
) -> KnowledgeBase:
    return KnowledgeBase(cache_dir, entries=small_entries, vocabulary=small_vocabulary)


def test_a_disease_is_found_by_its_findings_and_by_its_name(base: KnowledgeBase) -> None:
    assert base.search("crazy paving on CT")[0].disease_id == "paving-disease"
    named = base.search("fluid disease")[0]
    assert named.disease_id == "fluid-disease"
    assert any(reason.startswith("name") for reason in named.why)


def test_filters_keep_everything_else_out(base: KnowledgeBase) -> None:
    found = base.search("crazy paving", disease_ids=["cyst-disease"], per_disease=3)
    assert {p.disease_id for p in found} == {"cyst-disease"}
    assert base.search("   ") == []


def test_filters_hold_for_every_ranking(base: KnowledgeBase) -> None:
    asked = "paving disease with crazy paving"
    for given in ({"system": "thorax"}, {"modality": "CT"}, {"rarity": "rare"}, {"window": "lung"}):
        assert base.search(asked, **given)[0].disease_id == "paving-disease"  # type: ignore[arg-type]
    other = base.search(asked, disease_ids=["fluid-disease"], modality="CT", per_disease=3)
    assert {p.disease_id for p in other} == {"fluid-disease"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"system": "neuro"}, r"no passage has the system 'neuro'; there are thorax"),
        ({"modality": "MRI"}, r"modality 'MRI'; there are CT"),
        ({"rarity": "odd"}, r"rarity 'odd'; there are rare"),
        ({"window": "bone"}, r"window 'bone'; there are lung"),
        ({"disease_ids": ["lam"]}, r"no entry 'lam'"),
    ],
)
def test_a_filter_value_that_nothing_has_is_an_error(
    base: KnowledgeBase, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(KnowledgeError, match=told):
        base.search("crazy paving", **given)


def test_a_finding_leads_to_the_entries_that_show_it_often(base: KnowledgeBase) -> None:
    first = base.search("cystic spaces: thin walled cystic air spaces")[0]
    assert first.disease_id == "cyst-disease"
    assert "finding: thin-walled cysts" in first.why
    assert first.source == "knowledge/cyst-disease/imaging-ct"
    assert (first.facet, first.modality) == ("imaging", "CT")


def test_a_denied_finding_does_not_lead_to_its_entries(base: KnowledgeBase) -> None:
    found = base.search("No pleural effusion. Crazy paving.", limit=3)
    why = {p.disease_id: p.why for p in found}
    assert "finding: crazy paving" in why["paving-disease"]
    assert not any("pleural effusion" in reason for reason in why["fluid-disease"])


def test_a_limit_and_one_passage_a_disease_are_kept(base: KnowledgeBase) -> None:
    found = base.search("disease", limit=2)
    assert len(found) == 2
    assert len({p.disease_id for p in found}) == 2


def test_fewer_than_one_passage_is_refused(base: KnowledgeBase) -> None:
    with pytest.raises(KnowledgeError, match="at least 1 passage, got -1"):
        base.search("crazy paving", limit=-1)


def test_a_query_with_half_a_character_is_searched(base: KnowledgeBase) -> None:
    assert base.search("crazy \udcff paving")[0].disease_id == "paving-disease"
