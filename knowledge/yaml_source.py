"""Reading a YAML file of the knowledge base, with errors that name file and line."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where the wheel carries it


class KnowledgeError(Exception):
    """The knowledge base itself is wrong: a file, a link or a code that a contributor can mend."""


@cache
def _adapter(shape: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(
        cast("Any", shape)
    )  # milliseconds each, and there are more than a thousand files


def read_yaml(source: Path | Traversable, shape: type[T]) -> T:
    """Read and validate one file.

    Raises:
        KnowledgeError: With the file's name, and the line for a syntax error or the key for a
            value that does not fit.
    """
    try:
        loaded = yaml.load(source.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else "?"
        raise KnowledgeError(f"{source.name}, line {line}: {error.problem}") from error
    try:
        valid: T = _adapter(cast("Hashable", shape)).validate_python(loaded)
        return valid
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise KnowledgeError(f"{source.name}: {where}: {first['msg']}{more}") from error
