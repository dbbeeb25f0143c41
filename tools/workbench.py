"""What the tools work with: pixels, eyes and knowledge, passed in once and shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.retrieve import KnowledgeBase
from tools.errors import ToolFailure
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore
from tools.vision.base import VisionModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Workbench:
    """The resources of a run; `vision` is None when only measurement has eyes."""

    store: ArtifactStore
    knowledge: KnowledgeBase
    vision: VisionModel | None = None


def pick_series(series: Sequence[Series], wanted: str) -> Series:
    """The series of an id, or the first one when no id is given.

    Raises:
        ToolFailure: When there is none, or none of that id; says which there are.
    """
    if not series:
        raise ToolFailure("the case has no images; work with the findings supplied in text")
    if not wanted:
        return series[0]
    for one in series:
        if one.id == wanted:
            return one
    raise ToolFailure(f"no series {wanted!r}; there are {', '.join(s.id for s in series)}")
