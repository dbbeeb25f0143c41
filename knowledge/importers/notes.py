"""A folder of the user's own notes: Markdown, one disease a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from knowledge.importers.log import ImportLog, Upstream
from knowledge.importers.prose import codes, listed, passages, slug
from knowledge.search.imported import ImportedDisease
from knowledge.yaml_source import KnowledgeError, Loader

_SUFFIXES = frozenset({".md", ".markdown"})
_KEYS = ("synonyms", "codes", "licence", "license")
_LARGEST_BYTES = 8 << 20
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"[*`]+|^\s*>\s?", re.MULTILINE)


def read_notes(path: Path, log: ImportLog) -> Iterator[ImportedDisease]:
    """A disease a file: its first heading is the name, what follows its text, by headings.

    Raises:
        KnowledgeError: If there is no Markdown file.
    """
    files = note_files(path)
    if not files:
        raise KnowledgeError(f"{path} holds no Markdown file ({', '.join(sorted(_SUFFIXES))})")
    source = slug(path.stem if path.is_file() else path.resolve().name) or "notes"
    log.upstream = Upstream(name=source, title=path.resolve().name, url="", licence="")
    root = path if path.is_dir() else path.parent
    for file in files:
        place = str(file.relative_to(root))
        if file.stat().st_size > _LARGEST_BYTES:
            log.skip("file larger than 8 MiB", place)
            continue
        try:
            text = file.read_text("utf-8-sig")
            head, body = _front_matter(text)
        except UnicodeDecodeError:
            log.skip("file is not UTF-8", place)
            continue
        except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
            mark = getattr(error, "problem_mark", None)
            log.skip("front matter is no YAML", f"{place} line {mark.line + 2 if mark else '?'}")
            continue
        if not isinstance(head, dict):
            log.skip("front matter is no list of keys", place)
            continue
        disease = _disease(head, body, source, place, log)
        if disease is not None:
            yield disease


def note_files(path: Path) -> list[Path]:
    """The Markdown files of a folder and its folders, none of them hidden; or the file itself."""
    if path.is_file():
        return [path] if path.suffix.lower() in _SUFFIXES else []
    return sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in _SUFFIXES
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )


def _disease(
    head: dict[str, Any], body: str, source: str, place: str, log: ImportLog
) -> ImportedDisease | None:
    for key in head:
        if key not in _KEYS:
            log.skip("key of the front matter that is not used", f"{place} {key!r}")
    good, bad = codes(head.get("codes"))
    for code in bad:
        log.skip("code that is not SCHEME:number", f"{place} {code!r}")
    name, texts = "", list[str]()
    for heading, text in _sections(body):
        if not name:
            name = heading
        elif heading and heading != name:
            text = f"{heading}: {text}" if text else heading
        texts.extend(passages(text))
    if not slug(name):
        log.skip("note without a heading", place)
        return None
    return ImportedDisease(
        id=f"{source}-{slug(name)}",
        name=name,
        synonyms=tuple(s for s in listed(head.get("synonyms")) if s != name),
        codes=good,
        texts=tuple(texts),
        licence=str(head.get("licence") or head.get("license") or ""),
    )


def _front_matter(text: str) -> tuple[object, str]:
    """The YAML between two lines of ---, {} where there is none, and the rest."""
    lines = text.splitlines(keepends=True)
    if lines and lines[0].strip() == "---":
        for at, line in enumerate(lines[1:], start=1):
            if line.strip() in {"---", "..."}:
                loaded = yaml.load("".join(lines[1:at]), Loader=Loader)  # noqa: S506
                return loaded or {}, "".join(lines[at + 1 :])
    return {}, text


def _sections(body: str) -> Iterator[tuple[str, str]]:
    """Each heading with the text below it; the first may be empty. A # in code is no heading."""
    heading, lines, fence = "", list[str](), ""
    for line in body.splitlines():
        if match := _FENCE.match(line):
            fence = "" if fence == match.group(1) else fence or match.group(1)
            continue
        found = None if fence else _HEADING.match(line)
        if found:
            yield heading, _plain("\n".join(lines))
            heading, lines = _plain(found.group(1)), []
        else:
            lines.append(line)
    yield heading, _plain("\n".join(lines))


def _plain(text: str) -> str:
    return _MARKS.sub("", _LINK.sub(r"\1", _IMAGE.sub("", text))).strip()
