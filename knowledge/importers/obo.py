"""OBO 1.4 files, one stanza at a time.

Mondo's file has about 400,000 lines; what is needed of it are tag-value lines, quoted strings and
scopes. The packages that read OBO load whole ontologies into graphs of objects, so this reads the
few constructs itself (https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from knowledge.yaml_source import KnowledgeError

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(.*)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPACES = {"n": "\n", "t": "\t", "W": " "}
_QUALIFIERS = re.compile(r"(?<!\\)\{(?:[^{}\"\\]|\\.|\"(?:[^\"\\]|\\.)*\")*\}\s*(?:![^\"]*)?$")
_COMMENT = re.compile(r"\s+(?<!\\)!\s.*$")


@dataclass(slots=True)
class Stanza:
    """One stanza, or the header: its kind and its lines as written, by tag.

    Attributes:
        kind: "Term", "Typedef"; empty for the header.
        line: Where it starts, from 1.
    """

    kind: str
    line: int
    tags: dict[str, list[str]] = field(default_factory=dict)

    def first(self, tag: str) -> str:
        """The first value of a tag, unescaped, without qualifiers; empty where it has none."""
        values = self.tags.get(tag)
        return unescape(split_qualifiers(values[0])[0]) if values else ""

    @property
    def is_obsolete(self) -> bool:
        """Whether the stanza says so."""
        return self.first("is_obsolete") == "true"


def read_stanzas(path: Path) -> Iterator[Stanza]:
    """The header and then every stanza, in the order of the file.

    Raises:
        KnowledgeError: If there is no such file, or it is not UTF-8, does not open with OBO's
            header, or holds a line that is no tag, no stanza and no comment.
    """
    if not path.is_file():
        raise KnowledgeError(f"{path} is no file; give the .obo file itself")
    current = Stanza("", 1)
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, raw in enumerate(file, start=1):
                line = raw.strip()
                if not line or line.startswith("!"):
                    continue
                if line.startswith("[") and line.endswith("]"):
                    yield _header_checked(current, path)
                    current = Stanza(line[1:-1], number)
                    continue
                tag, colon, value = line.partition(":")
                if not colon or " " in tag:
                    raise KnowledgeError(
                        f"{path.name}, line {number}: {line[:60]!r} is no OBO line; a line is "
                        "`tag: value`, `[Term]` or a comment. Give upstream's .obo file unaltered."
                    )
                current.tags.setdefault(tag, []).append(value.strip())
    except UnicodeDecodeError as error:
        raise KnowledgeError(f"{path.name} is not UTF-8 text ({error.reason})") from error
    yield _header_checked(current, path)


def quoted(value: str) -> tuple[str, str]:
    """The quoted text at the start of a value, unescaped, and what follows it."""
    match = _QUOTED.match(value)
    return (unescape(match.group(1)), match.group(2)) if match else ("", value)


def split_qualifiers(value: str) -> tuple[str, str]:
    """A value without its trailing {qualifiers} and !comment, and the qualifiers as written."""
    match = _QUALIFIERS.search(value)
    bare = value[: match.start()] if match else value
    return _COMMENT.sub("", bare).strip(), match.group(0) if match else ""


def unescape(text: str) -> str:
    r"""OBO's backslash escapes undone: \n, \t, \W and any other character as itself."""
    return _ESCAPE.sub(lambda m: _SPACES.get(m.group(1), m.group(1)), text)


def _header_checked(stanza: Stanza, path: Path) -> Stanza:
    if not stanza.kind and "format-version" not in stanza.tags:
        raise KnowledgeError(
            f"{path.name} is no OBO file: its header has no format-version; "
            "OWL and JSON are other formats, download the .obo"
        )
    return stanza
