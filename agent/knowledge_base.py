"""The knowledge base that the settings name."""

from __future__ import annotations

from agent.settings import Settings
from knowledge.search.retrieve import KnowledgeBase


def open_knowledge(settings: Settings) -> KnowledgeBase:
    """Corpus, imported sources and index; the index itself opens on the first search."""
    return KnowledgeBase(
        settings.open_cache(),
        model=settings.embedding_model,
        server=settings.chroma_server,
        sources_dir=settings.sources_dir,
    )
