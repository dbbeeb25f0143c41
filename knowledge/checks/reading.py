"""Reading many files at once: every broken one is reported, with every key that does not fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from knowledge.checks.problem import Problem
from knowledge.entry import Entry
from knowledge.yaml_source import KnowledgeError, Loader

_TOP_KEY = re.compile(r"^(\w+):", re.MULTILINE)
_TODO = re.compile(r"\bTODO\b")
_ADVICE = {
    "missing": "is missing; `python -m knowledge new` writes a file with every key",
    "extra_forbidden": "is no key that is known here; mend its spelling or take it out",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The entries of files that fit, their files by id, and what is wrong with the others."""

    entries: dict[str, Entry]
    files: dict[str, Path]
    problems: list[Problem]


def entry_paths(paths: Iterable[Path]) -> list[Path]:
    """The YAML files among and below these files and folders.

    Raises:
        KnowledgeError: When one of them does not exist, or a folder holds no YAML file.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise KnowledgeError(f"{str(path)!r} is neither a file nor a folder; give either")
        files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        if not files:
            raise KnowledgeError(f"{str(path)!r} holds no file that ends in .yaml")
        found.extend(file.resolve() for file in files)
    return list(dict.fromkeys(found))


def read_all(paths: Sequence[Path]) -> Reading:
    """Read every file; a broken one becomes problems, and the others are read all the same."""
    reading = Reading(entries={}, files={}, problems=[])
    for path in paths:
        entry, faults = _read(path)
        if entry is not None and entry.id in reading.entries:
            there = "/".join(reading.files[entry.id].parts[-2:])
            faults.append(("id", f"{entry.id!r} is the id of {there} too; keep one of the two"))
        elif entry is not None:
            reading.entries[entry.id] = entry
            reading.files[entry.id] = path
        reading.problems.extend(
            Problem(level="fault", files=(path,), key=key, text=text) for key, text in faults
        )
    return reading


def _read(path: Path) -> tuple[Entry | None, list[tuple[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8")
        loaded = yaml.load(text, Loader=Loader)  # noqa: S506
    except UnicodeDecodeError as error:
        return None, [("", f"is not UTF-8 ({error.reason}); save it as UTF-8")]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, [(f"line {mark.line + 1 if mark else '?'}", f"{error.problem}; mend the YAML")]
    except yaml.YAMLError as error:
        return None, [("", f"is not YAML ({error}); mend it")]
    faults = [
        (key, f"stands {times} times, and YAML keeps the last only; keep one")
        for key, times in Counter(_TOP_KEY.findall(text)).items()
        if times > 1
    ]
    todo = list(_unfilled(loaded))
    faults.extend((key, "still says TODO; fill it in") for key in todo)
    try:
        entry = Entry.model_validate(loaded)
    except ValidationError as error:
        faults.extend(_misfits(error, set(todo)))
        return None, faults
    if path.name != f"{entry.id}.yaml":
        faults.append(("id", f"is {entry.id!r}; name the file {entry.id}.yaml"))
    return (None if todo else entry), faults


def _unfilled(value: object, at: str = "") -> Iterator[str]:
    if isinstance(value, str) and _TODO.search(value):
        yield at
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _unfilled(inner, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unfilled(inner, f"{at}.{index}")


def _misfits(error: ValidationError, known: set[str]) -> Iterator[tuple[str, str]]:
    for one in error.errors():
        key = ".".join(str(part) for part in one["loc"])
        if any(todo == key or todo.startswith(f"{key}.") for todo in known):
            continue
        got = one["input"]
        came = f", got {got!r}" if isinstance(got, str | int | float) and len(str(got)) < 60 else ""
        yield key or "top level", _ADVICE.get(one["type"], f"{one['msg']}{came}")
