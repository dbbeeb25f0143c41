"""A tool's answer: compact JSON for the planner, and the outcome as its artifact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Answer = tuple[str, dict[str, Any]]


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
