"""The wheel: what is in it, and how it lives beside an application with its own `tools` folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, ROOT],
        check=True,
        capture_output=True,
    )
    (built,) = target.glob("hoofbeat-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked as pip would lay it, without its dependencies."""
    site = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile",
         "--disable-pip-version-check", "--target", site, wheel],
        check=True, capture_output=True,
    )  # fmt: skip
    return site


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An application with a `tools` package of its own."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "tools").mkdir()
    (folder / "tools" / "__init__.py").write_text("HAMMER = 'ours'\n", "utf-8")
    return folder


def _python(host: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": ""}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=host, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_wheel_holds_the_four_packages_their_data_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info" not in n} == {
        "agent", "tools", "knowledge", "evals",
    }  # fmt: skip
    for needed in (
        "agent/report.html.j2", "agent/prompts/planner.md", "agent/py.typed", "tools/py.typed",
        "knowledge/terms/lung.yaml", "knowledge/corpus/thorax/lymphangioleiomyomatosis.yaml",
        "knowledge/vectors.npz", "knowledge/entry_template.yaml",
    ):  # fmt: skip
        assert needed in names


def test_the_installed_command_works_inside_a_host_with_its_own_tools(
    host: Path, installed: Path
) -> None:
    command = installed / "bin" / "hoofbeat"
    done = _python(host, installed, str(command), "diagnose")
    assert done.returncode == 2
    assert "nothing to read" in done.stderr


def test_the_host_keeps_its_own_tools(host: Path, installed: Path) -> None:
    done = _python(host, installed, "-c", "import tools; print(tools.HAMMER)")
    assert done.stdout.strip() == "ours"


def test_a_collision_is_refused_with_a_way_out(host: Path, installed: Path) -> None:
    done = _python(host, installed, "-c", "from agent import diagnose")
    assert done.returncode == 1
    assert "is hidden by another 'tools'" in done.stderr
    assert "docs/embedding.md" in done.stderr
