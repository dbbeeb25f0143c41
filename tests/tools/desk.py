"""A bench with a case on it, and a way to call the planner's tools as the graph does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.search.retrieve import KnowledgeBase
from tools import TOOLS, build_tools
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore
from tools.imaging.volume import Volume
from tools.vision.base import VisionModel
from tools.workbench import Workbench

SPACING = (2.0, 0.5, 1.0)


def ramp() -> Volume:
    """20 x 80 x 40 voxels whose HU is 10 x slice + column, both from 1: 40 mm along each axis."""
    slices, _, columns = np.mgrid[1:21, 1:81, 1:41]
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = SPACING
    affine[3, 3] = 1
    hu = (10 * slices + columns).astype(np.int16)
    return Volume(voxels=hu, unit="HU", affine_lps_mm=affine, spacing_mm=SPACING)


def radiograph() -> Volume:
    """100 rows, 200 columns, no scale."""
    grey = np.zeros((1, 100, 200), dtype=np.float32)
    return Volume(voxels=grey, unit="stored", affine_lps_mm=None, spacing_mm=None)


RADIOGRAPH: dict[str, Any] = {"kind": "image", "modality": "DX", "unit": "display"}
UNKNOWN: dict[str, Any] = {"affine_lps_mm": None, "spacing_mm": None}


class Desk:
    """A bench with a case of one series or more, and a way to call its tools."""

    def __init__(
        self,
        store: Path,
        knowledge: KnowledgeBase,
        vision: VisionModel | None = None,
        **bench: Any,
    ) -> None:
        self._bench = Workbench(
            store=ArtifactStore(store), knowledge=knowledge, vision=vision, **bench
        )
        self._tools = {tool.name: tool for tool in build_tools(self._bench)}
        self._series: list[dict[str, Any]] = []
        assert tuple(self._tools) == (TOOLS if self._bench.use_knowledge else TOOLS[:3])

    def with_series(self, volume: Volume, **changes: Any) -> Desk:
        slices, rows, columns = volume.voxels.shape
        fields: dict[str, Any] = {
            "id": f"S{len(self._series) + 1}", "ref": self._bench.store.put(volume),
            "kind": "volume", "modality": "CT", "unit": "HU", "slices": slices, "rows": rows,
            "columns": columns, "spacing_mm": volume.spacing_mm,
        }  # fmt: skip
        self._series.append(Series(**(fields | changes)).model_dump(mode="json"))
        return self

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What the planner reads, after checking that the artifact says the same."""
        state = {"case": {"series": self._series}, "findings": []}
        takes_state = "state" in getattr(self._tools[tool].args_schema, "model_fields", {})
        args = {**arguments, "state": state} if takes_state else arguments
        message = self._tools[tool].invoke(
            {"name": tool, "id": "c1", "type": "tool_call", "args": args}
        )
        read: dict[str, Any] = json.loads(message.content)
        assert len(read.get("findings", ())) == len(message.artifact["findings"])
        return read


DeskWith = Callable[..., Desk]
