"""The prompts of the tools: one file each, read as they stand."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from string import Template


def render(name: str, /, **values: object) -> str:
    """The prompt of that name with its `$values` filled in.

    Args:
        name: File name without `.md`.
        values: One for every placeholder of the file.

    Raises:
        FileNotFoundError: When there is no such prompt.
        KeyError: When a value is missing.
    """
    return Template(_read(name)).substitute(values).strip()


def prompt_hashes() -> dict[str, str]:
    """SHA-256 of every prompt file by name, as runs record them."""
    names = sorted(
        path.name.removesuffix(".md")
        for path in files(__name__).iterdir()
        if path.name.endswith(".md")
    )
    return {name: hashlib.sha256(_read(name).encode()).hexdigest() for name in names}


@cache
def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
