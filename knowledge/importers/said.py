"""What `python -m knowledge import` and `sources` say, as lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from knowledge.importers.log import ImportLog
from knowledge.importers.run import Wanted, import_source
from knowledge.index.embed import Encoder
from knowledge.search.imported import source_path
from knowledge.search.joining import CorpusNames
from knowledge.search.sources import Source, read_manifests


def say_import(
    wanted: Wanted,
    folder: Path,
    corpus: CorpusNames,
    encoder: Encoder | None = None,
) -> Iterator[str]:
    """Import, then say what came in, what joined the corpus and what was left out, and why.

    Raises:
        KnowledgeError: As import_source.
    """
    made, log = import_source(wanted, folder, encoder)
    source = Source(source_path(folder, made.name))
    source.join(corpus)
    joined = source.joined
    added = len(joined.names) + len(joined.acronyms)
    yield f"{made.name}: {made.title}, {made.version}; licence: {made.licence}"
    yield (
        f"imported {made.diseases:,} diseases and {made.synonyms:,} synonyms"
        f"{', with vectors' if made.encoder else ''}; joined {len(joined.entries):,} to entries of "
        f"the corpus, which gives these {added:,} more names"
    )
    yield from _skipped("skipped", log)
    yield from _skipped("not given to an entry", ImportLog(skipped=Counter(joined.skipped)))


def say_sources(folder: Path) -> Iterator[str]:
    """Each source with its size, version, licence and input.

    Raises:
        KnowledgeError: On a source that cannot be read.
    """
    found = read_manifests(folder)
    for one in found:
        yield f"{one.name}: {one.title}, {one.version}"
        yield (
            f"  {one.diseases:,} diseases, {one.synonyms:,} synonyms"
            f"{', vectors' if one.encoder else ''}; {one.kind}, {one.imported_at[:10]}, "
            f"SHA-256 {one.sha256[:12]}"
        )
        yield f"  licence: {one.licence}{f'; {one.url}' if one.url else ''}"
    yield f"{len(found)} in {folder}"


def _skipped(what: str, log: ImportLog) -> Iterator[str]:
    if lines := log.lines():
        yield f"{what} {sum(log.skipped.values()):,}:"
        yield from (f"  {line}" for line in lines)
