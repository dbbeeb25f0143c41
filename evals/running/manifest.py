"""The manifest: what a run was made from, so that its figures can be traced and repeated."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tools.errors import UserError

_ROOT = Path(__file__).resolve().parent.parent.parent
_PARTS = ("agent", "tools", "knowledge", "evals")
_SOURCES = frozenset({".py", ".md", ".yaml", ".j2"})
_PACKAGES = (
    "langgraph", "langchain-core", "google-genai", "transformers", "torch", "chromadb", "bm25s",
    "pydantic", "numpy", "scipy",
)  # fmt: skip


class Manifest(BaseModel):
    """One configuration of a run.

    Attributes:
        commit: The git commit, "" without git.
        is_dirty: Whether tracked or new files differ from it; None without git.
        source_sha256: Over the code, prompts and knowledge that ran.
        settings: Of the arm.
        timeout_s: For one case.
        ontologies: SHA-256 of each ontology that the matcher knew, by file name.
        exclusions: Case id to why it is not in the denominator.
        files: SHA-256 of each image by its path in the data set, where a view shows images.
        groups: Patient to the ids of the cases, of patients with more than one.
        reported: Model ids, index manifest and prompt hashes, as far as the arm's answers name
            them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    split: str
    arm: str
    dataset_sha256: str
    files_sha256: str = ""
    truth_sha256: str
    exclusions: dict[str, str]
    commit: str
    is_dirty: bool | None
    source_sha256: str
    settings: dict[str, object]
    packages: dict[str, str]
    timeout_s: float = 600.0
    ontologies: dict[str, str] = {}
    reported: dict[str, str] = {}
    files: dict[str, str] = {}
    groups: dict[str, tuple[str, ...]] = {}

    @property
    def config(self) -> str:
        """Hash of everything an answer and its score depend on; 16 hexadecimal digits."""
        return config_hash(
            self.settings,
            self.arm,
            self.dataset_sha256,
            self.files_sha256,
            self.truth_sha256,
            self.source_sha256,
            self.split,
            str(self.timeout_s),
            *(f"{name} {sha256}" for name, sha256 in sorted(self.ontologies.items())),
        )

    def changes(self, earlier: Manifest) -> list[str]:
        """What makes this another configuration than the earlier one of the same arm."""
        names = (
            "dataset_sha256",
            "files_sha256",
            "truth_sha256",
            "source_sha256",
            "split",
            "timeout_s",
            "ontologies",
        )
        found = [
            name.removesuffix("_sha256")
            for name in names
            if getattr(self, name) != getattr(earlier, name)
        ]
        mine, theirs = (json.loads(_as_json(one.settings)) for one in (self, earlier))
        found += [
            f"setting {name}"
            for name in sorted(mine.keys() | theirs.keys())
            if mine.get(name) != theirs.get(name)
        ]
        return found


_SHAPE = TypeAdapter(dict[str, Manifest])


def config_hash(settings: Mapping[str, object], *parts: str) -> str:
    """Hash of an arm's settings, as JSON values, with whatever else counts."""
    return hashlib.sha256(_as_json([settings, *parts]).encode()).hexdigest()[:16]


def source_sha256(root: Path = _ROOT) -> str:
    """Hash of the project's code, prompts and knowledge as they are on disk, committed or not."""
    digest = hashlib.sha256()
    for part in _PARTS:
        for path in sorted((root / part).rglob("*")):
            if path.suffix in _SOURCES and path.is_file():
                digest.update(
                    f"{path.relative_to(root).as_posix()} {path.stat().st_size}\n".encode()
                )
                digest.update(path.read_bytes())
    return digest.hexdigest()


def git_state(root: Path = _ROOT) -> tuple[str, bool | None]:
    """(commit, whether the tree is dirty); ("", None) without git or before the first commit."""
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return "", None
    return commit, bool(changed)


def package_versions() -> dict[str, str]:
    """The versions of the packages an answer may depend on, those installed."""
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def read_manifests(path: Path) -> dict[str, Manifest]:
    """The configurations in a manifest.json, the first one first; none when there is no file.

    Raises:
        UserError: When the file that is there is no manifest.
    """
    if not path.is_file():
        return {}
    try:
        return _SHAPE.validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(
            f"{path} is no manifest of this version of Hoofbeat; give another --out"
        ) from error


def write_manifests(path: Path, manifests: Mapping[str, Manifest]) -> None:
    """Add or replace these configurations in manifest.json, whole or not at all.

    Raises:
        UserError: When the file that is there is no manifest.
    """
    part = path.with_suffix(".part")
    part.write_bytes(_SHAPE.dump_json({**read_manifests(path), **manifests}, indent=2))
    os.replace(part, path)


def _as_json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _git(root: Path, *arguments: str) -> str:
    # Without optional locks a status never gets in the way of someone working in the tree.
    done = subprocess.run(  # noqa: S603
        ["git", "--no-optional-locks", *arguments],  # noqa: S607
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
