"""An imported source: one SQLite file of diseases, names and passages, made once and then read.

SQLite because a source may hold twenty thousand diseases: names and words are looked up on disk
(FTS5, which Chroma needs of the same library), so opening one costs nothing until it is asked.
One file, because a file is swapped by one rename: a reader sees the old source or the new one.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from knowledge.words import tokens
from knowledge.yaml_source import KnowledgeError

if TYPE_CHECKING:
    from knowledge.index.embed import Encoder

FORMAT = 1
SUFFIX = ".sqlite"
PART_PREFIX = "importing-"
_EMBEDDED_AT_ONCE = 512
_LONGEST_ACRONYM = 8  # characters; OMIM writes whole names in capitals
_SCHEMA = """
CREATE TABLE manifest (json TEXT NOT NULL);
CREATE TABLE disease (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, codes TEXT NOT NULL, licence TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE code (code TEXT NOT NULL, disease TEXT NOT NULL);
CREATE TABLE name (
    words TEXT NOT NULL, disease TEXT NOT NULL, is_main INTEGER NOT NULL,
    is_acronym INTEGER NOT NULL
);
CREATE TABLE passage (
    number INTEGER PRIMARY KEY, disease TEXT NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL,
    is_bare INTEGER NOT NULL
);
CREATE TABLE vector (number INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE VIRTUAL TABLE passage_words USING fts5(words, content='', tokenize='unicode61');
"""
_SHARED = (
    "FROM name WHERE is_main = 0 AND words IN "
    "(SELECT words FROM name GROUP BY words HAVING COUNT(DISTINCT disease) > 1)"
)
_INDEXES = (
    "CREATE INDEX name_words ON name (words); CREATE INDEX name_disease ON name (disease);"
    "CREATE INDEX code_code ON code (code); CREATE INDEX passage_disease ON passage (disease);"
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImportedDisease(_Part):
    """A disease as a source outside the corpus has it: names, codes and prose, no findings.

    Attributes:
        id: Of the source, "orpha-538" or "doid-3319".
        synonyms: Exact ones only.
        codes: "ORPHA:538", "MONDO:0011705", "OMIM:606690": the same disease elsewhere.
        texts: Prose, each one passage; may be empty.
        licence: Where it is another than that of the source.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    name: str = Field(min_length=1)
    synonyms: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    licence: str = ""


class SourceManifest(_Part):
    """What a source was made from and what came of it.

    Attributes:
        name: Under which it is listed, replaced and removed.
        kind: The importer: orphanet, mondo, hpo, csv, markdown.
        title, url: The upstream.
        version: As the upstream states it, else the date of the file.
        sha256: Of the input; of names and contents where it was a folder.
        skipped: What was left out, by reason.
        encoder: What made the vectors; empty where there are none.
    """

    name: str
    kind: str
    title: str
    url: str
    licence: str
    version: str
    sha256: str
    importer: int = FORMAT
    imported_at: str
    diseases: int
    synonyms: int
    passages: int
    skipped: Mapping[str, int]
    encoder: str = ""


class SourceWriter:
    """Writes a source beside its place; `finish` renames it there, anything else leaves nothing."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._place = source_path(folder, name)
        handle, part = tempfile.mkstemp(dir=folder, prefix=PART_PREFIX, suffix=SUFFIX)
        os.close(handle)
        self._part = Path(part)
        self._base = sqlite3.connect(self._part, isolation_level=None)
        self._base.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        self._base.execute("BEGIN")
        self.diseases = 0
        self.passages = 0

    def __enter__(self) -> SourceWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._base.close()
        self._part.unlink(missing_ok=True)

    def add(self, disease: ImportedDisease) -> bool:
        """Take one disease in; False where the source already holds one of that id."""
        row = (disease.id, disease.name, json.dumps(disease.codes), disease.licence)
        if not self._base.execute("INSERT OR IGNORE INTO disease VALUES (?,?,?,?)", row).rowcount:
            return False
        self.diseases += 1
        codes = [(code, disease.id) for code in dict.fromkeys(disease.codes)]
        self._base.executemany("INSERT INTO code VALUES (?,?)", codes)
        names: dict[str, tuple[str, str, int, int]] = {}
        for written in (disease.name, *disease.synonyms):
            words = _folded(written)
            if words:
                row_of_name = (words, disease.id, int(not names), _is_acronym(written, words))
                names.setdefault(words, row_of_name)
        self._base.executemany("INSERT INTO name VALUES (?,?,?,?)", names.values())
        also = f" ({', '.join(disease.synonyms)})" if disease.synonyms else ""
        for part, text in enumerate(disease.texts or ("",)):
            whole = " ".join(f"{disease.name}{'' if part else also}. {text}".split())
            self.passages += 1
            row_of_text = (self.passages, disease.id, part, whole, int(not text))
            self._base.execute("INSERT INTO passage VALUES (?,?,?,?,?)", row_of_text)
            self._base.execute(
                "INSERT INTO passage_words (rowid, words) VALUES (?,?)",
                (self.passages, _folded(whole)),
            )
        return True

    def drop_shared_synonyms(self) -> int:
        """Take out every synonym that another disease of the source bears too; how many."""
        found: int = self._base.execute(f"SELECT COUNT(*) {_SHARED}").fetchone()[0]
        self._base.execute(f"DELETE {_SHARED}")
        return found

    @property
    def synonyms(self) -> int:
        """Synonyms held, the names left out."""
        found: int = self._base.execute("SELECT COUNT(*) FROM name WHERE NOT is_main").fetchone()[0]
        return found

    def embed(self, encoder: Encoder) -> None:
        """Give every passage its vector."""
        for first in range(1, self.passages + 1, _EMBEDDED_AT_ONCE):
            rows = self._base.execute(
                "SELECT number, text FROM passage WHERE number >= ? ORDER BY number LIMIT ?",
                (first, _EMBEDDED_AT_ONCE),
            ).fetchall()
            vectors = encoder.encode_documents([text for _, text in rows]).astype("<f4")
            self._base.executemany(
                "INSERT INTO vector VALUES (?,?)",
                ((n, v.tobytes()) for (n, _), v in zip(rows, vectors, strict=True)),
            )

    def finish(self, manifest: SourceManifest) -> None:
        """Put the source in its place, over one of the same name."""
        self._base.execute("INSERT INTO manifest VALUES (?)", (manifest.model_dump_json(),))
        self._base.execute("COMMIT")
        self._base.executescript(f"PRAGMA user_version = {FORMAT};" + _INDEXES)
        self._base.close()
        with self._part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(self._part, self._place)


def source_path(folder: Path, name: str) -> Path:
    """Where a source of this name lies."""
    return folder / f"{name}{SUFFIX}"


def open_source(path: Path) -> sqlite3.Connection:
    """Open a finished source for reading, from any thread.

    Raises:
        KnowledgeError: If it is no source, or one of another version of the importers.
    """
    base = None
    mend = f"import it again, or `python -m knowledge remove {path.stem}`"
    try:
        # Immutable: a finished file is replaced, never written.
        base = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        (version,) = base.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        if base is not None:
            base.close()
        raise KnowledgeError(f"source {path.name} cannot be read ({error}); {mend}") from error
    if version != FORMAT:
        base.close()
        raise KnowledgeError(
            f"source {path.name} has format {version}, this version reads {FORMAT}; {mend}"
        )
    return base


def read_manifest(base: sqlite3.Connection) -> SourceManifest:
    """The manifest of an open source."""
    (text,) = base.execute("SELECT json FROM manifest").fetchone()
    return SourceManifest.model_validate_json(text)


def read_vectors(base: sqlite3.Connection) -> np.ndarray:
    """(passages, dimensions) float32 in the order of the passages; no rows where none were made."""
    rows: Iterable[tuple[bytes]] = base.execute("SELECT data FROM vector ORDER BY number")
    found = [np.frombuffer(data, dtype="<f4") for (data,) in rows]
    return np.stack(found) if found else np.zeros((0, 0), dtype=np.float32)


def _folded(text: str) -> str:
    """A text in folded words; not through `forms`, whose cache would hold every text read."""
    return " ".join(token.form for token in tokens(text))


def _is_acronym(written: str, words: str) -> int:
    """Whether a name is one short word with capitals or digits in it: "GSL", "aHUS", "SCA3".

    Folded, it is too easily a word of something else.
    """
    within = any(c.isupper() or c.isdigit() for c in written[1:])
    return int(" " not in words and len(words) <= _LONGEST_ACRONYM and (within or len(words) <= 3))
