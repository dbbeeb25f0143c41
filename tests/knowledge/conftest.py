"""A small knowledge base whose answers can be worked by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from knowledge.entry import Entry
from knowledge.vocabulary import Term, Vocabulary, build_vocabulary

_TERMS: tuple[dict[str, Any], ...] = (
    {"id": "lung-cysts", "name": "lung cysts", "background": 0.05, "window": "lung"},
    {
        "id": "thin-walled-cysts", "name": "thin-walled cysts", "parent": "lung-cysts",
        "background": 0.02, "window": "lung", "synonyms": ["thin walled cystic air spaces"],
    },
    {
        "id": "pleural-effusion", "name": "pleural effusion", "background": 0.15,
        "window": "soft tissue",
    },
    {"id": "crazy-paving", "name": "crazy paving", "background": 0.01, "window": "lung"},
    {"id": "honeycombing", "name": "honeycombing", "background": 0.05, "window": "lung"},
)  # fmt: skip


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the encoder and of small indexes; the shipped corpus has another."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def small_vocabulary() -> Vocabulary:
    return build_vocabulary(
        Term.model_validate({"modality": ["CT"], "question": f"Is there {t['name']}?", **t})
        for t in _TERMS
    )


def entry(entry_id: str, findings: Mapping[str, float], **more: Any) -> Entry:
    """An entry that lists these terms with these frequencies."""
    prose = f"Made-up prose about {entry_id} that is only there to be long enough for the schema. "
    return Entry.model_validate(
        {
            "id": entry_id, "name": entry_id.replace("-", " "), "rarity": "rare",
            "system": "thorax", "sites": ["lung"],
            "demographics": {"age_years": [0, 100], "female_share": 0.5},
            "presentation": prose, "settles": prose, "course": prose, "imaging": prose * 2,
            "summary": prose,
            "findings": [
                {"term": t, "modality": "CT", "window": "lung", "frequency": f}
                for t, f in findings.items()
            ],
            "provenance": {
                "author": "tests", "basis": "made up", "review": "not reviewed by a radiologist",
            },
            **more,
        }
    )  # fmt: skip


@pytest.fixture(scope="session")
def small_entries() -> dict[str, Entry]:
    made = (
        entry(
            "cyst-disease",
            {"thin-walled-cysts": 0.9, "honeycombing": 0.005, "crazy-paving": 0.01},
            clinical_terms=["tuberous sclerosis"],
            demographics={"age_years": [20, 50], "female_share": 0.95},
        ),
        entry(
            "paving-disease", {"crazy-paving": 0.9, "pleural-effusion": 0.1, "honeycombing": 0.05}
        ),
        entry("fluid-disease", {"pleural-effusion": 0.9, "crazy-paving": 0.01, "lung-cysts": 0.05}),
    )
    return {e.id: e for e in made}
