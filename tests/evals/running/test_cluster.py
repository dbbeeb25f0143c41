"""A Ray cluster of three nodes in this machine's processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from agent.case import Case
from agent.settings import Settings
from evals.arms.arm import Arm, Choice, Named, Prediction
from evals.arms.table import ARMS
from evals.data.medpix import load_medpix
from evals.run import main
from evals.running.cluster import Recipe, Worker
from evals.running.ledger import Ledger, Line, read_lines
from tests.evals.many import write_many
from tests.evals.running.test_ledger import figures_of
from tools.errors import UserError

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow
_MIB = 2**20
SECRET = "a-key-that-no-log-may-hold"


class ThreeNodes:
    """A head and two more nodes, one CPU each; one of the two can be killed."""

    def __init__(self) -> None:
        cluster: Any = import_module("ray.cluster_utils").Cluster
        node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 * _MIB}
        self._cluster = cluster(
            initialize_head=True, head_node_args={**node, "include_dashboard": False}
        )
        self._others = [self._cluster.add_node(**node) for _ in range(2)]
        self.address: str = self._cluster.address
        self.logs = Path(self._cluster.head_node.get_session_dir_path())

    def kill_one(self) -> None:
        self._cluster.remove_node(self._others.pop(), allow_graceful=False)

    def close(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def nodes() -> Iterator[ThreeNodes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Workers import the project, as they would where it is installed.
        patch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
        cluster = ThreeNodes()
        try:
            yield cluster
        finally:
            cluster.close()


def thinking(choice: Choice) -> Arm:
    """An arm that tells by its reply which process answers, once three workers are there."""
    here = choice.settings.cache_dir / "processes"
    here.mkdir(parents=True, exist_ok=True)
    (here / str(os.getpid())).touch()

    async def predict(case: Case, seed: int) -> Prediction:
        await asyncio.sleep(0.05)
        async with asyncio.timeout(120):
            while len(list(here.iterdir())) < 4:  # the driver builds the arm too
                await asyncio.sleep(0.05)
        names = ("sarcoidosis", "LAM") if len(case.history) % 2 else ("LAM", "sarcoidosis")
        return Prediction(
            diagnoses=tuple(Named(name=name) for name in names), reply=str(os.getpid())
        )

    return Arm(predict=predict, config={})


def without_a_key(choice: Choice) -> Arm:
    async def predict(case: Case, seed: int) -> Prediction:
        raise UserError("no key: set GEMINI_API_KEY")

    return Arm(predict=predict, config={})


def test_a_worker_with_other_code_is_refused(tmp_path: Path) -> None:
    recipe = Recipe(
        makers={},
        choice=Choice(settings=Settings(cache_dir=tmp_path)),
        dataset=load_medpix(write_many(tmp_path / "set", 7), "all", None),
        out=tmp_path,
        timeout_s=1,
        source="other",
        calls_per_minute=0,
        places=1,
    )
    with pytest.raises(UserError, match="install the same version on all of them"):
        asyncio.run(Worker().set_up(recipe))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "no-address"])
def test_a_cluster_that_is_not_there_is_told_soon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    data = write_many(tmp_path / "set", 7)
    argv = ["--data", str(data), "--arm", "prior", "--out", str(tmp_path / "out")]
    assert main([*argv, "--ray", address]) == 2
    assert f"error: no Ray cluster lets us in at '{address}'" in capsys.readouterr().err


def test_a_node_killed_in_the_middle_loses_nothing(
    nodes: ThreeNodes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    data = write_many(tmp_path / "set", 60)
    argv = ["--data", str(data), "--split", "all", "--view", "V3", "--arm", "thinking", "prior"]
    arms = {**ARMS, "thinking": thinking}

    argv += ["--cache-dir", str(tmp_path / "cache")]
    append = Ledger.append
    answering: set[str] = set()

    def counting(ledger: Ledger, line: Line) -> None:
        append(ledger, line)
        if line.arm == "thinking" and len(answering) < 3:
            answering.add(line.reply)
            if len(answering) == 3:
                nodes.kill_one()

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", counting)
        assert main([*argv, "--out", str(tmp_path / "ray"), "--ray", nodes.address], arms) == 0
    printed = capsys.readouterr()
    assert "a worker of the cluster is lost" in printed.err
    on_ray = figures_of(printed.out)
    assert main([*argv, "--out", str(tmp_path / "here")], arms) == 0
    assert on_ray == figures_of(capsys.readouterr().out)

    lines = list(read_lines(tmp_path / "ray" / "results.jsonl"))
    assert len(lines) == len({line.key for line in lines}) == 120
    workers = {line.reply for line in lines if line.arm == "thinking"}
    assert len(workers) == 3
    assert str(os.getpid()) not in workers
    logs = [path for path in nodes.logs.rglob("*") if path.is_file()]
    assert logs
    assert not [path for path in logs if SECRET.encode() in path.read_bytes()]


def test_what_the_person_can_mend_is_told_from_a_worker_as_from_here(
    nodes: ThreeNodes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_many(tmp_path / "set", 7)
    argv = ["--data", str(data), "--arm", "x", "--out", str(tmp_path / "out")]
    assert main([*argv, "--ray", nodes.address], {"x": without_a_key}) == 2
    assert "error: no key: set GEMINI_API_KEY\n" in capsys.readouterr().err
