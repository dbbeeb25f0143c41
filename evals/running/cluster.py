"""A Ray cluster as the place where cases run; the lines are scored and written by the driver.

Hoofbeat is installed on the nodes, in the driver's version. A worker process takes one CPU, builds
the arms once, and may be lost at any time: its case goes to another one.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.case import Case
from evals.arms.arm import Choice, MakeArm
from evals.data.dataset import Dataset
from evals.running.execute import Bench, Outcome, Work, line_of, run_one, scores_of
from evals.running.ledger import Line
from evals.running.manifest import source_sha256
from evals.running.rate import Rates
from evals.views.viewer import Viewer
from tools.errors import UserError

if TYPE_CHECKING:
    from evals.running.session import Means

_TRIES = 3  # of a case whose worker died
_PATIENCE_S = 60.0
_IN_PROCESS = ("transformers:", "medsiglip:")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What a worker builds its arms from.

    Attributes:
        source: Hash of the driver's code.
        calls_per_minute: Of the planner, for one worker; 0 is no limit.
        places: Cases at a time in one worker.
    """

    makers: Mapping[str, MakeArm]
    choice: Choice
    dataset: Dataset
    out: Path
    timeout_s: float
    source: str
    calls_per_minute: float
    places: int


class Worker:
    """Runs in a process of the cluster; Ray makes an actor of it."""

    async def set_up(self, recipe: Recipe) -> None:
        """Build the arms; apart from the constructor, whose errors Ray does not hand on.

        Raises:
            UserError: When other code is installed here, or an arm cannot be built.
        """
        if (found := source_sha256()) != recipe.source:
            raise UserError(
                f"a node of the cluster has other code of Hoofbeat ({found[:12]}) than this "
                f"machine ({recipe.source[:12]}): install the same version on all of them"
            )
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(2 * recipe.places + 4))
        rate = recipe.calls_per_minute
        self._rates = Rates({"planner": rate} if rate else {})
        self._bench = Bench(
            arms={name: make(recipe.choice) for name, make in recipe.makers.items()},
            viewer=Viewer(recipe.dataset, recipe.out, recipe.choice.settings),
            scorers={},
            timeout_s=recipe.timeout_s,
        )

    async def do(self, work: Work) -> str:
        """The line in JSON, not scored yet.

        Raises:
            UserError: From an arm.
        """
        await self._rates.turn(self._bench.arms[work.arm].backends)
        return (await run_one(work, self._bench)).model_dump_json()


class Cluster:
    """The workers of a cluster; a lost one is asked for again, for nodes may come back."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._seats: asyncio.Queue[Any] = asyncio.Queue()
        self._alive: set[Any] = set()
        self._growing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Cluster:
        """Connect, and wait for the first worker.

        Raises:
            UserError: When Ray is not installed, the cluster cannot be reached, has no free CPU, or
                the first worker cannot be set up.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            ray: Any = import_module("ray")
        except ImportError as error:
            raise UserError("--ray needs Ray: pip install 'hoofbeat[ray]'") from error
        address = self._means.ray
        here = {"include_dashboard": False} if address == "local" else {}
        quiet = {"log_to_driver": False, "logging_level": logging.WARNING}
        try:
            ray.init(address=address, **quiet, **here)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UserError(
                f"no Ray cluster answers at {address!r}; --ray takes auto, HOST:PORT, "
                "ray://HOST:PORT or local"
            ) from error
        self._ray = ray
        cpus = int(ray.available_resources().get("CPU", 0))
        if not cpus:
            raise UserError("the Ray cluster has no free CPU: wait for one, or add a node")
        self._recipe = _recipe(self._means, cpus)
        self._shared = ray.put(self._recipe)
        gpus = int(_sees_in_process(self._means) and "GPU" in ray.cluster_resources())
        self._class: Any = ray.remote(Worker).options(
            num_cpus=1, num_gpus=gpus, max_concurrency=self._recipe.places
        )
        for _ in range(cpus):
            self._grow()
        first = await self._seat()
        self._seats.put_nowait(first)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let the workers go."""
        for task in self._growing:
            task.cancel()
        self._ray.shutdown()

    async def do(self, work: Work) -> Line:
        """One case on a worker, scored here.

        Raises:
            UserError: From an arm, or when no worker is left.
        """
        from ray.exceptions import RayActorError, RayTaskError

        for _ in range(_TRIES):
            worker = await self._seat()
            try:
                line = Line.model_validate_json(await worker.do.remote(work))
            except RayActorError:
                self._lose(worker)
                continue
            except RayTaskError as error:
                self._seats.put_nowait(worker)
                raise error.cause from error
            self._seats.put_nowait(worker)
            names = [item.name for item in line.predictions]
            scores = scores_of(names, line.truth, self._means.bench.scorers)
            return line.model_copy(update={"scores": scores})
        lost = Outcome(status="UNSCORED", error=f"{_TRIES} workers died of it")
        return line_of(work, Case(), lost, 0.0, self._means.bench)

    async def _seat(self) -> Any:
        """A free place of a worker that is alive."""
        while True:
            try:
                worker = await asyncio.wait_for(self._seats.get(), _PATIENCE_S)
            except TimeoutError:
                if not self._alive:
                    raise UserError(
                        "no worker of the Ray cluster is left; the same command goes on when "
                        "there are nodes again"
                    ) from None
                continue
            if isinstance(worker, Exception):
                raise worker
            if worker in self._alive:
                return worker

    def _grow(self) -> None:
        task = asyncio.create_task(self._add())
        self._growing.add(task)
        task.add_done_callback(self._growing.discard)

    async def _add(self) -> None:
        from ray.exceptions import RayActorError, RayTaskError

        worker = self._class.remote()
        try:
            await worker.set_up.remote(self._shared)
        except RayTaskError as error:
            self._seats.put_nowait(error.cause)
            return
        except RayActorError:  # its node went while it was set up
            self._grow()
            return
        self._alive.add(worker)
        for _ in range(self._recipe.places):
            self._seats.put_nowait(worker)

    def _lose(self, worker: Any) -> None:
        if worker in self._alive:
            self._alive.discard(worker)
            sys.stderr.write("a worker of the cluster is lost; its cases go to another\n")
            self._grow()


def _recipe(means: Means, workers: int) -> Recipe:
    """The cases of arms that wait for a server share a worker; those that compute do not."""
    concurrent = means.pace.concurrent
    waiting = {b for arm in means.bench.arms.values() for b in arm.backends} - {"cpu"}
    places = math.ceil(sum(n for b, n in concurrent.items() if b in waiting) / workers)
    return Recipe(
        makers=means.makers,
        choice=means.choice,
        dataset=means.dataset,
        out=means.out.resolve(),
        timeout_s=means.bench.timeout_s,
        source=means.source,
        calls_per_minute=means.pace.per_minute.get("planner", 0.0) / workers,
        places=max(1, places),
    )


def _sees_in_process(means: Means) -> bool:
    vision = means.choice.settings.vision
    return vision.startswith(_IN_PROCESS) and any(
        "vision" in arm.backends for arm in means.bench.arms.values()
    )
