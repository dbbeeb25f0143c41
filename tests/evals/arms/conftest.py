"""One command line for all arms, over the made-up set, with pictures where a test wants them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.case import Case
from evals.data.dataset import EvalCase
from evals.run import main
from evals.running.ledger import Ledger, Line
from evals.views.show import View
from evals.views.viewer import Viewer
from tests.evals.medpix_shaped import write_medpix_shaped
from tests.gemini_server import KEY, GeminiServer
from tests.tools.vision.vision_server import KEY as VISION_KEY

Play = Callable[..., tuple[int, dict[str, Line]]]
Point = Callable[[GeminiServer], None]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_medpix_shaped(tmp_path / "set")


@pytest.fixture
def play(data: Path, tmp_path: Path, cache_root: Path) -> Play:
    """Run `evals.run` on the set; returns its exit code and the lines by case.

    An arm that searches asks for `cache_dir` too, which is the same folder with the index in it.
    """

    def run(*more: str, out: str = "out") -> tuple[int, dict[str, Line]]:
        argv = ["--data", str(data), "--out", str(tmp_path / out), "--cache-dir", str(cache_root)]
        code = main([*argv, *more])
        with Ledger(tmp_path / out / "results.jsonl") as ledger:
            return code, {line.case: line for line in ledger.lines()}

    return run


@pytest.fixture
def with_pictures(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    """Every view shows the case's pictures too."""

    class Shown(Viewer):
        async def show(self, case: EvalCase, view: View) -> Case:
            told = await super().show(case, view)
            pictures = sorted((data / "images").glob(f"{case.id}_*"))
            seen = Case.load(pictures, settings=self._settings)
            return told.model_copy(update={"series": seen.series})

    monkeypatch.setattr("evals.run.Viewer", Shown)


@pytest.fixture
def gemini(monkeypatch: pytest.MonkeyPatch) -> Point:
    """Point Gemini's real client at a local server."""

    def point(server: GeminiServer) -> None:
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        monkeypatch.setenv("HOOFBEAT_GEMINI_BASE_URL", server.base_url)

    return point


@pytest.fixture
def seeing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the local vision server."""
    monkeypatch.setenv("HOOFBEAT_VISION_API_KEY", VISION_KEY)
