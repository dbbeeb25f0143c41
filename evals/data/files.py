"""Hashes of a data set's files, taken when somebody asks: text alone costs nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


class FileHashes(Mapping[str, str]):
    """SHA-256 of each file by its path below the folder, hashed once and when first looked at."""

    def __init__(self, folder: Path, paths: Iterable[Path]) -> None:
        """Make it.

        Args:
            folder: The data set's.
            paths: Files below it, and folders that stand for all files below them.
        """
        files = {
            file
            for path in paths
            for file in (path.rglob("*") if path.is_dir() else (path,))
            if file.is_file()
        }
        self._paths = {
            Path(os.path.relpath(file, folder)).as_posix(): file for file in sorted(files)
        }
        self._known: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """The hash, hexadecimal."""
        if name not in self._known:
            with self._paths[name].open("rb") as file:
                self._known[name] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        """The paths in order."""
        return iter(self._paths)

    def __len__(self) -> int:
        """How many files there are."""
        return len(self._paths)


def sha256_of_all(text_sha256: str, files: Mapping[str, str]) -> str:
    """One hash for a data set's text and its files together."""
    digest = hashlib.sha256(text_sha256.encode())
    for name, sha256 in files.items():
        digest.update(f"\n{sha256}  {name}".encode())
    return digest.hexdigest()
