"""The knowledge base that the settings name."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

from agent.settings import Settings
from knowledge.ranking.trust import default_trust, load_trust
from knowledge.search.retrieve import KnowledgeBase
from knowledge.search.sources import source_files
from knowledge.yaml_source import KnowledgeError
from tools.errors import UserError

_open: WeakValueDictionary[Hashable, KnowledgeBase] = WeakValueDictionary()
_opening = Lock()


def open_knowledge(settings: Settings) -> KnowledgeBase:
    """Corpus, imported sources and index; the index itself opens on the first search.

    It takes seconds to get ready, so the agents of a process whose settings name the same share
    one, for as long as any of them holds it. What is imported meanwhile makes another.

    Raises:
        UserError: When the trust table cannot be read.
    """
    try:
        trust = load_trust(settings.trust_file) if settings.trust_file else default_trust()
    except KnowledgeError as error:
        raise UserError(f"setting trust_file: {error}") from error
    cache_dir = settings.open_cache()
    model, server, sources = (
        settings.embedding_model, settings.chroma_server, settings.sources_dir
    )  # fmt: skip
    known_by = (cache_dir, model, server, sources, _imported(sources), trust.digest)
    with _opening:
        knowledge = _open.get(known_by)
        if knowledge is None:
            knowledge = KnowledgeBase(
                cache_dir, model=model, server=server, sources_dir=sources, trust=trust
            )
            _open[known_by] = knowledge
        return knowledge


def _imported(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of what is imported: a source is replaced whole."""
    return tuple(
        (path.name, stat.st_size, stat.st_mtime_ns)
        for path in source_files(folder)
        for stat in (path.stat(),)
    )
