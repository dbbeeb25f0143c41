"""Batch mode on a stage: one arm over the four cases of dev, and what it recorded."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from agent.case import Case
from agent.settings import Settings
from evals.arms.arm import Choice
from evals.arms.planner_alone import planner_alone_arm, planner_alone_images_arm
from evals.data.dataset import EvalCase
from evals.data.medpix import load_medpix
from evals.matching.levels import judge_list
from evals.running.batch import run_batch
from evals.running.execute import Bench, Work
from evals.running.ledger import Line
from evals.views.show import View
from evals.views.viewer import Viewer
from tests.evals.medpix_shaped import write_medpix_shaped
from tests.gemini_batch_server import GeminiBatchServer
from tests.gemini_server import KEY, Json, text

USAGE = {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100}


def said(*names: str, **more: Any) -> Json:
    lines = [{"name": name, "probability": 0.5 / (n + 1)} for n, name in enumerate(names)]
    answer = text(json.dumps({"diagnoses": lines}), **more)
    return {**answer, "usageMetadata": USAGE, "modelVersion": "gemini-2.5-flash-001"}


def knows_lam(body: Json) -> Json:
    return {"response": said("LAM") if "collapsed lung" in str(body) else said("sarcoidosis")}


class Pictured(Viewer):
    async def show(self, case: EvalCase, view: View) -> Case:
        told = await super().show(case, view)
        pictures = sorted((self._folder.parent / "set" / "images").glob(f"{case.id}_*"))
        seen = Case.load(pictures, settings=self._settings)
        return told.model_copy(update={"series": seen.series})


class Stage:
    """A bench with one arm over the four cases of dev, and what it recorded."""

    def __init__(self, folder: Path, settings: Settings, *, pictures: bool = False) -> None:
        self.folder = folder / "run"
        self.lines: list[Line] = []
        self.dataset = load_medpix(write_medpix_shaped(folder / "set"), "dev", None)
        self.settings = settings.model_copy(
            update={
                "planner": "gemini:gemini-2.5-flash",
                "gemini_api_key": SecretStr(KEY),
                "pixels_may_leave": pictures,
            }
        )
        self._pictures = pictures

    def bench(self, base_url: str) -> Bench:
        settings = self.settings.model_copy(update={"gemini_base_url": base_url})
        make = planner_alone_images_arm if self._pictures else planner_alone_arm
        arm = make(Choice(settings=settings))
        assert arm.single_turn is not None
        arm.single_turn.planner.backoff_s = 0.002  # type: ignore[attr-defined]
        viewer = (Pictured if self._pictures else Viewer)(self.dataset, self.folder, settings)
        return Bench(
            arms={"asked": arm}, viewer=viewer, scorers={"curated": judge_list}, timeout_s=30
        )

    def work(self) -> list[Work]:
        done = {line.case for line in self.lines}
        return [
            Work(case=case, view="V1", arm="asked", seed=0, config="c")
            for case in self.dataset.cases
            if case.id not in done
        ]

    def run(self, server: GeminiBatchServer, **more: Any) -> None:
        asyncio.run(self.begin(server, **more))

    async def begin(self, server: GeminiBatchServer, **more: Any) -> None:
        bench, record = self.bench(server.base_url), self.lines.append
        await run_batch(self.work(), bench, record, self.folder, poll_s=0.002, **more)

    @property
    def book(self) -> list[Json]:
        read: list[Json] = json.loads((self.folder / "batches.json").read_text())
        return read

    def outcomes(self) -> dict[str, tuple[str, str]]:
        return {line.case: (line.status, line.error.partition(" ")[0]) for line in self.lines}
