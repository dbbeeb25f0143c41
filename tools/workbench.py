"""What the tools work with: pixels, eyes and knowledge, passed in once and shared."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from knowledge.ranking.evidence import Ranking
from knowledge.search.retrieve import KnowledgeBase
from tools.errors import ToolFailure
from tools.findings import Finding
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore
from tools.vision.base import VisionModel
from tools.weigh import weigh

if TYPE_CHECKING:
    from tools.imaging.measure import LungMeasurement

ShownIn = Literal["as-asked", "medgemma", "note-rgb", "as-displayed"]

_KEPT_MEASUREMENTS = 64  # numbers, no pixels
_KEPT_RANKINGS = 4  # some 2 MB each: one turn weighs the same evidence several times


@dataclass(frozen=True, kw_only=True, slots=True)
class Workbench:
    """The resources of a run; `vision` is None when only measurement has eyes.

    Attributes:
        dicom_store: As of make_look; "" when the vision model gets pictures.
        roots: Folders below which a path in a message may be read.
        use_knowledge: Whether entries are searched and weighed; the vocabulary serves either way.
        windows: What the vision model is shown of series in HU; see `shown_window`.
    """

    store: ArtifactStore
    knowledge: KnowledgeBase
    vision: VisionModel | None = None
    dicom_store: str = ""
    roots: tuple[Path, ...] = ()
    use_knowledge: bool = True
    windows: ShownIn = "as-asked"
    _lungs: OrderedDict[Series, LungMeasurement] = field(default_factory=OrderedDict, repr=False)
    _rankings: OrderedDict[str, Ranking] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def lungs_of(self, series: Series) -> LungMeasurement:
        """The lungs of a series, measured once and kept for a while.

        Raises:
            CannotMeasure: When an honest measurement is not possible.
        """
        from tools.imaging.measure import measure_lungs

        # The same images may be another case's series, under another id.
        known_by = series.model_copy(update={"id": "", "limits": ()})
        with self._lock:
            measured = self._lungs.get(known_by)
        if measured is None:
            measured = measure_lungs(self.store.get(series.ref), series=series)
        with self._lock:
            self._lungs[known_by] = measured
            self._lungs.move_to_end(known_by)
            while len(self._lungs) > _KEPT_MEASUREMENTS:
                self._lungs.popitem(last=False)
        return replace(measured, series=series.id)

    def weigh(self, findings: Sequence[Finding], case: Mapping[str, Any]) -> Ranking:
        """The posterior over all entries (tools.weigh), kept for the next one who asks the same."""
        told = repr((case, [f.model_dump_json() for f in findings]))
        known_by = hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()
        with self._lock:
            ranking = self._rankings.get(known_by)
        if ranking is None:
            ranking = weigh(findings, self.knowledge, case)
        with self._lock:
            self._rankings[known_by] = ranking
            self._rankings.move_to_end(known_by)
            while len(self._rankings) > _KEPT_RANKINGS:
                self._rankings.popitem(last=False)
        return ranking


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
