"""The shipped corpus in one file of the cache: opening that takes a sixth of reading its sources.

Its thousands of YAML files are parsed, validated and cut into passages once; the outcome is kept
as JSON with the size and time of every source. A changed source is read again, alone; a change of
the terms or of the code, or a damaged file, means that all of them are.
"""

from __future__ import annotations

import gc
import hashlib
import logging
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from knowledge.entry import Entry, read_entry
from knowledge.index.passages import Chunk, chunks
from knowledge.vocabulary import Term, Vocabulary, read_vocabulary
from knowledge.whole_file import whole_file

_PACKAGE = Path(__file__).parents[1]
_log = logging.getLogger(__name__)


class Compiled(BaseModel):
    """Every entry, term and passage of the shipped corpus, in their order.

    Attributes:
        base: Digest of the sizes and times of the code and the terms.
        sources: Size and time of each entry's file, by its path in the corpus.
        listed: The entries, in the order of `sources`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str
    sources: Mapping[str, str]
    listed: tuple[Entry, ...]
    terms: tuple[Term, ...]
    chunks: tuple[Chunk, ...]

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Every entry by id."""
        return {entry.id: entry for entry in self.listed}

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The finding vocabulary; what two terms may not share was checked when it was read."""
        return Vocabulary(terms={term.id: term for term in self.terms})


def load_compiled(cache_dir: Path, package: Path = _PACKAGE) -> Compiled:
    """The corpus as its sources say it now; what is kept of it spares reading them.

    Args:
        cache_dir: Keeps it as `corpus.json`.
        package: Where the sources stand: `corpus/*/*.yaml`, `terms/*.yaml` and the code, `**/*.py`.

    Raises:
        KnowledgeError: On a source that does not parse or fit.
    """
    path = cache_dir / "corpus.json"
    files = {
        source.relative_to(package / "corpus").as_posix(): source
        for source in sorted((package / "corpus").glob("*/*.yaml"), key=lambda p: p.name)
    }
    base = _digest(_stated(package, [*package.rglob("*.py"), *package.glob("terms/*.yaml")]))
    sources = _stated(package / "corpus", files.values())
    kept = _read(path)
    if kept is not None and kept.base == base and kept.sources == sources:
        return kept
    known: dict[str, Entry] = {}
    if kept is not None and kept.base == base:
        known = {
            name: entry
            for (name, stated), entry in zip(kept.sources.items(), kept.listed, strict=True)
            if sources.get(name) == stated
        }
    listed = tuple(known.get(name) or read_entry(source) for name, source in files.items())
    vocabulary = kept.vocabulary if known and kept else read_vocabulary(package / "terms")
    made = Compiled(
        base=base,
        sources=sources,
        listed=listed,
        terms=tuple(vocabulary.terms.values()),
        chunks=tuple(chunks({entry.id: entry for entry in listed}, vocabulary)),
    )
    try:
        with whole_file(path) as file:
            file.write(made.model_dump_json().encode())
    except OSError as error:  # it only saves time
        _log.info("the compiled corpus is not kept in %s: %s", cache_dir, error.strerror)
    return made


def _read(path: Path) -> Compiled | None:
    is_collecting = gc.isenabled()
    gc.disable()  # a hundred thousand new objects, none of them garbage: looking takes long
    try:
        kept = Compiled.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    finally:
        if is_collecting:
            gc.enable()
    return kept if len(kept.sources) == len(kept.listed) else None


def _stated(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): f"{stat.st_size} {stat.st_mtime_ns}"
        for path in paths
        for stat in (path.stat(),)
    }


def _digest(stated: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(stated.items())).encode()).hexdigest()[:16]
