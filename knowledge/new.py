"""`python -m knowledge new NAME`: the template of an entry; the check refuses it until filled."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import get_args

from knowledge.check import CORPUS
from knowledge.checks.codes import Reference
from knowledge.checks.links import system_folder
from knowledge.checks.reading import entry_paths, read_all
from knowledge.entry import Entry, System
from knowledge.importers.prose import slug as plain_slug
from knowledge.whole_file import whole_file
from knowledge.words import forms
from knowledge.yaml_source import KnowledgeError

TEMPLATE = Path(__file__).parent / "entry_template.yaml"
_NEAR = 0.8  # difflib's ratio, from which a name is shown as near
_MOST_NEAR = 5


def write_template(name: str, system: str, into: Path | None, reference: Reference | None) -> str:
    """Write the template of a new entry.

    Args:
        name: The usual name of the disease.
        system: A system of the schema, or its folder's name.
        into: The folder to write to; the system's folder of the corpus when None.
        reference: Where codes of exactly this name are looked up.

    Returns:
        What was written and what to look at, to be shown.

    Raises:
        KnowledgeError: When the name or the file is there already, the system is none, or there
            is no checkout to write to.
    """
    known = {system_folder(one): one for one in get_args(System)}
    folder = system_folder(system.strip().casefold())
    if folder not in known:
        raise KnowledgeError(
            f"{system!r} is no system; give one of {', '.join(sorted(known.values()))}"
        )
    entries = read_all(entry_paths([CORPUS])).entries  # a half-filled file is no obstacle
    _refuse_known(name, entries)
    target = (into or _checkout_corpus() / folder) / f"{slug(name)}.yaml"
    if target.exists():
        raise KnowledgeError(f"{target} is there already; fill that one, or move it away")
    _write(target, _filled(name, known[folder], reference))
    lines = [f"wrote {target}", f"fill every TODO, then: python -m knowledge check {target}"]
    lines.extend(f"near: {near}" for near in _near_names(name, entries))
    return "\n".join(lines)


def slug(name: str) -> str:
    """The id of a name: lower case, no accents, words joined by hyphens.

    Raises:
        KnowledgeError: When the name holds no letter or digit.
    """
    made = plain_slug(name.replace("'", ""))
    if not made:
        raise KnowledgeError(f"{name!r} holds no letter to make an id of; give the English name")
    return made


def _refuse_known(name: str, entries: Mapping[str, Entry]) -> None:
    for entry in entries.values():
        for theirs in (entry.name, *entry.synonyms, *entry.ambiguous):
            if forms(theirs) == forms(name) or slug(name) == entry.id:
                raise KnowledgeError(
                    f"{name!r} is already there as {entry.name!r} "
                    f"({system_folder(entry.system)}/{entry.id}.yaml); mend that entry"
                )


def _near_names(name: str, entries: Mapping[str, Entry]) -> list[str]:
    """Entries whose name or synonym is nearly this one, or holds all of its words."""
    wanted = " ".join(forms(name))
    owners = {
        " ".join(forms(theirs)): entry
        for entry in entries.values()
        for theirs in (entry.name, *entry.synonyms, *entry.ambiguous, *entry.narrower)
    }
    close = difflib.get_close_matches(wanted, owners, n=_MOST_NEAR, cutoff=_NEAR)
    words = set(forms(name))
    close += [words_of for words_of in owners if words <= set(words_of.split())][:_MOST_NEAR]
    found = {owners[one].id: owners[one] for one in close}
    return [
        f"{entry.name} ({system_folder(entry.system)}/{entry.id}.yaml)" for entry in found.values()
    ]


def _checkout_corpus() -> Path:
    if not (CORPUS.parent.parent / "pyproject.toml").is_file():
        raise KnowledgeError(
            "this is an installed package, whose corpus is not to be edited; "
            "give --into FOLDER, or run in a checkout"
        )
    return CORPUS


def _filled(name: str, system: str, reference: Reference | None) -> str:
    found = {
        key: code
        for key, kind in (("orpha", "ORPHA"), ("mondo", "MONDO"))
        if reference is not None and (code := reference.of_name(name, kind))
    }
    codes = ", ".join(f"{key}: {code}" for key, code in found.items())
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(
        id=slug(name),
        name=" ".join(name.split()),
        quoted_name=json.dumps(" ".join(name.split()), ensure_ascii=False),
        system=system,
        codes=f"codes: {{{codes}}}",
    )


def _write(target: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with whole_file(target, 0o644) as file:
        file.write(text.encode())
