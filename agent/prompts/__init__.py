"""Prompts are files: loaded verbatim, filled with string.Template, named by hash in reports."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from string import Template


@cache
def prompt(name: str) -> str:
    """The text of agent/prompts/<name>.md."""
    return (files("agent") / "prompts" / f"{name}.md").read_text("utf-8")


def planner_prompt(*, use_knowledge: bool) -> str:
    """The name of the planner's prompt: with the knowledge base's tools, or without them."""
    return "planner" if use_knowledge else "planner_no_knowledge"


def filled(name: str, **values: str) -> str:
    """A prompt with its values; a missing one raises KeyError."""
    return Template(prompt(name)).substitute(values)


def prompt_hash(name: str) -> str:
    """The first 12 hexadecimal digits of the prompt's SHA-256."""
    return hashlib.sha256(prompt(name).encode()).hexdigest()[:12]
