"""What a check finds, and the corpus that it looks at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from knowledge.entry import Entry
from knowledge.vocabulary import Vocabulary

Level = Literal["fault", "flag", "note"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong, or worth a look.

    Attributes:
        level: A fault fails the check; a flag does with --strict; a note is listed with --verbose.
        files: Where it stands, the file to mend first.
        key: The key in that file, dotted.
        text: What is there, what is accepted and what to do.
    """

    level: Level
    files: tuple[Path, ...]
    key: str
    text: str

    def __str__(self) -> str:
        """Folder and file, key, text."""
        where = "/".join(self.files[0].parts[-2:])
        return f"{where}: {self.key}: {self.text}" if self.key else f"{where}: {self.text}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    """Entries that fit the schema, and where each stands.

    Attributes:
        files: The file of each entry, by id.
        broken: The ids whose files do not fit; links to them are not faults of their own.
        asked: The ids that the check is asked about; the others are there to be compared with.
    """

    entries: Mapping[str, Entry]
    files: Mapping[str, Path]
    asked: Collection[str]
    vocabulary: Vocabulary
    broken: Collection[str] = ()

    def problem(self, level: Level, ids: tuple[str, ...], key: str, text: str) -> Problem:
        """A problem of these entries; the first that was asked about is named."""
        ordered = sorted(ids, key=lambda one: one not in self.asked)
        return Problem(
            level=level, files=tuple(self.files[one] for one in ordered), key=key, text=text
        )
