"""The layout: imports point one way, files stay small, nothing names a machine."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Each folder may import itself and what stands to its right.
ORDER = ("evals", "agent", "tools", "knowledge")
KNOWLEDGE = ("checks", "importers", "search", "ranking", "index", "reading")


def _sources(*folders: str) -> list[Path]:
    return sorted(p for f in folders for p in (ROOT / f).rglob("*.py"))


def _imported(source: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("folder", ORDER)
def test_imports_point_one_way(folder: str) -> None:
    forbidden = {*ORDER[: ORDER.index(folder)], "tests", "benchmarks"}
    wrong = {
        str(source.relative_to(ROOT)): sorted(_imported(source) & forbidden)
        for source in _sources(folder)
        if _imported(source) & forbidden
    }
    assert wrong == {}


@pytest.mark.parametrize("folder", KNOWLEDGE)
def test_imports_within_the_knowledge_base_point_one_way(folder: str) -> None:
    forbidden = tuple(f"knowledge.{left}." for left in KNOWLEDGE[: KNOWLEDGE.index(folder)])
    wrong = {
        str(source.relative_to(ROOT)): node.module
        for source in _sources(f"knowledge/{folder}")
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(forbidden)
    }
    assert wrong == {}


def test_no_code_file_is_longer_than_300_lines() -> None:
    long = {
        str(source.relative_to(ROOT)): lines
        for source in (*_sources(*ORDER, "tests", "benchmarks"), ROOT / "bootstrap.py")
        if (lines := len(source.read_text("utf-8").splitlines())) > 300
    }
    assert long == {}


def test_no_case_of_the_evaluation_stands_in_the_project() -> None:
    tracked = subprocess.run(
        ["git", "grep", "-lE", "MPX[0-9]{4}", "--", ".", ":!tests/test_layout.py"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert tracked.stdout == ""


def test_importing_agent_loads_no_model_library() -> None:
    heavy = ("torch", "transformers", "chromadb", "sentence_transformers", "google.genai")
    code = (
        "import sys, agent; agent.build_agent, agent.Case, agent.Settings, agent.diagnose;"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
