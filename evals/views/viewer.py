"""The viewer: makes the input of an arm from a case, and is the only one that does."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

from agent.case import Case
from agent.settings import Settings
from evals.data.dataset import Dataset, EvalCase
from evals.statistics.clusters import clusters
from evals.views.show import IMAGE_VIEWS, View, show
from tools.errors import UserError
from tools.imaging.store import ArtifactStore


class Viewer:
    """Shows cases of one data set in any view; the images of a case are prepared once."""

    def __init__(self, dataset: Dataset, folder: Path, settings: Settings) -> None:
        """Make it.

        Args:
            dataset: All its cases, since a view may borrow another case's images.
            folder: The run's, where pictures are kept as an arm sees them.
            settings: Where pixels are kept for the agent.
        """
        self._dataset = dataset
        self._folder = folder
        self._settings = settings
        self._loaded: dict[tuple[str, str], Future[Case]] = {}
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="pictures")

    async def show(self, case: EvalCase, view: View) -> Case:
        """What an arm is handed.

        Raises:
            UserError: When an image of the case cannot be read, or it has none in a view with
                images: `exclusions` says so before a run begins.
        """
        shown = show(case, view)
        if view not in IMAGE_VIEWS:
            return shown
        source = self.donor(case) if view == "V2x" else case
        if source is None or not _has_images(source):
            raise UserError(f"case {case.id!r} cannot be shown in {view}: {_why_not(view)}")
        loaded = await self._load(source, case)
        found: dict[str, object] = {
            "series": loaded.series,
            "chosen": loaded.chosen,
            "limits": loaded.limits,
        }
        if view != "V2x":  # a header's age and sex are of the images' patient
            age_years = shown.age_years
            found["age_years"] = loaded.age_years if age_years is None else age_years
            found["sex"] = shown.sex or loaded.sex
        return shown.model_copy(update=found)

    def exclusions(self, cases: Sequence[EvalCase], views: Sequence[View]) -> Mapping[str, str]:
        """Case id to why it cannot be shown in all the views; such a case is left out of all.

        Every view of a run has the same cases, so that views can be compared case by case.
        """
        found: dict[str, str] = {}
        for case in cases:
            for view in views:
                source = self.donor(case) if view == "V2x" else case
                if view in IMAGE_VIEWS and (source is None or not _has_images(source)):
                    found.setdefault(case.id, f"{_why_not(view)}, for view {view}")
        return found

    def donor(self, case: EvalCase) -> EvalCase | None:
        """The case whose images V2x shows in place of a case's own; None when there is none.

        It is of another patient and another diagnosis, of the same region and modality where there
        is one, and always the same one.
        """
        mine = self._clusters[case.id]
        others = [
            other
            for other in self._dataset.cases
            if _has_images(other)
            and self._clusters[other.id] != mine
            and bool(other.study) == bool(case.study)
        ]
        return min(
            others, key=lambda other: (*_unlikeness(case, other), _lot(case, other)), default=None
        )

    @cached_property
    def _clusters(self) -> Mapping[str, int]:
        return clusters([(c.id, c.patient, c.truth.primary) for c in self._dataset.cases])

    async def _load(self, source: EvalCase, case: EvalCase) -> Case:
        """The images of a source, asked what a case asks; loaded once for all views and arms."""
        key = (source.id, case.id)
        if key not in self._loaded:
            self._loaded[key] = self._threads.submit(self._read, source, case)
        return await asyncio.shield(asyncio.wrap_future(self._loaded[key]))

    def _read(self, source: EvalCase, case: EvalCase) -> Case:
        from evals.views.pictures import cleaned, keep_pictures  # scipy's filters: not for text

        words = show(case, "V1")
        with cleaned(source.pictures) as pictures:
            loaded = Case.load(
                [*pictures, *source.study],
                settings=self._settings,
                history=words.history,
                region=words.region,
                modality=words.modality,
            )
        keep_pictures(loaded, ArtifactStore(self._settings.artifact_dir), self._folder)
        return loaded


def _has_images(case: EvalCase) -> bool:
    return bool(case.pictures or case.study)


def _why_not(view: View) -> str:
    return "no other case has images to borrow" if view == "V2x" else "it has no images"


def _unlikeness(case: EvalCase, other: EvalCase) -> tuple[bool, bool]:
    return case.region != other.region, case.modality != other.modality


def _lot(case: EvalCase, other: EvalCase) -> bytes:
    """In no order that the ids, the diagnoses or the data set have."""
    return hashlib.sha256(f"{case.id} {other.id}".encode()).digest()
