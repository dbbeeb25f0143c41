"""A knowledge base of two invented diseases, told apart by one finding each."""

from __future__ import annotations

from pathlib import Path

from knowledge.search.retrieve import KnowledgeBase
from knowledge.vocabulary import load_vocabulary
from tests.knowledge.conftest import entry

_LISTED = {"lung-cysts": 0.1, "honeycombing": 0.1}
_CYSTS = entry("cyst-disease", _LISTED | {"thin-walled-cysts": 0.9}, synonyms=["zebra sickness"])
_PAVING = entry("paving-disease", _LISTED | {"crazy-paving": 0.9})


def two_entries(folder: Path) -> KnowledgeBase:
    """Cyst disease (or zebra sickness) and paving disease, indexed in the folder."""
    entries = {each.id: each for each in (_CYSTS, _PAVING)}
    return KnowledgeBase(folder, entries=entries, vocabulary=load_vocabulary())
