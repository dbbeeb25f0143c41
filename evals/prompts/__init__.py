"""The prompts of the arms that ask a model outright: one file each, read as they stand."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from string import Template


@cache
def prompt(name: str) -> str:
    """The text of evals/prompts/<name>.md."""
    return files(__name__).joinpath(f"{name}.md").read_text("utf-8").strip()


def filled(name: str, **values: object) -> str:
    """A prompt with its `$values`; a missing one raises KeyError."""
    return Template(prompt(name)).substitute(values)


def prompt_hash(name: str) -> str:
    """The first 12 hexadecimal digits of the prompt's SHA-256."""
    return hashlib.sha256(prompt(name).encode()).hexdigest()[:12]
