"""A tool's arguments, refused where unknown, and its answer: compact JSON and an artifact."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, create_model, model_validator

from tools.errors import ToolFailure

Answer = tuple[str, dict[str, Any]]


def planner_tool(function: Callable[..., Answer]) -> BaseTool:
    """A function as a tool that takes its own arguments and no others.

    LangChain drops an unknown argument without a word: a planner that misspells `slices` would take
    what it gets for the slices it asked for. Here the call raises ToolFailure with what is taken.
    """
    tool = StructuredTool.from_function(function, response_format="content_and_artifact")
    schema = cast("type[BaseModel]", tool.args_schema)

    def known(given: Any) -> Any:
        unknown = sorted(set(given) - set(schema.model_fields))
        if unknown:
            raise ToolFailure(
                f"{tool.name} has no argument {unknown[0]!r}; it takes "
                f"{', '.join(tool.args) or 'none'}"
            )
        return given

    strict = create_model(
        tool.name,
        __base__=schema,
        __doc__=schema.__doc__,
        __validators__={"known": model_validator(mode="before")(known)},  # type: ignore[dict-item]
    )
    return tool.model_copy(update={"args_schema": strict})


def answer_with(found: dict[str, Any]) -> Answer:
    """The content and the artifact of a tool's message."""
    return render(found), found


def render(found: Mapping[str, Any]) -> str:
    """An outcome as the planner reads it: compact JSON, empty keys left out."""
    shown: dict[str, Any] = dict(found["note"])
    if found["findings"]:
        shown["findings"] = [_short(f) for f in found["findings"]]
    if found["passages"]:
        shown["passages"] = [
            {k: p[k] for k in ("id", "disease_id", "disease", "facet", "text") if p.get(k)}
            for p in found["passages"]
        ]
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def _short(finding: Mapping[str, Any]) -> dict[str, Any]:
    keys = (
        "id",
        "term",
        "present",
        "certainty",
        "source",
        "side",
        "place",
        "window",
        "slices",
        "value",
        "box_px",
    )
    return {k: finding[k] for k in keys if finding.get(k) not in ("", (), [], None)}
