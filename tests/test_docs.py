"""The snippets of README and docs run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.demo import demo_study
from agent.settings import Settings
from knowledge.entry import load_entries
from knowledge.vocabulary import load_vocabulary
from tools.imaging.windows import WINDOWS

ROOT = Path(__file__).parent.parent


def _snippets(document: str) -> list[str]:
    text = (ROOT / document).read_text("utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("document", ["README.md", "docs/embedding.md", "docs/threads.md"])
def test_python_snippets_run_as_written(
    document: str,
    tmp_path: Path,
    cache_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    demo_study("microlithiasis", tmp_path / "study")
    monkeypatch.setenv("HOOFBEAT_CACHE_DIR", str(cache_dir))
    monkeypatch.chdir(tmp_path)
    snippets = _snippets(document)
    assert snippets
    for snippet in snippets:
        exec(compile(snippet, document, "exec"), {"__name__": "__main__"})
        assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("document", ["README.md", "docs/knowledge.md"])
def test_the_counts_of_the_knowledge_base_are_what_the_documents_say(document: str) -> None:
    entries = load_entries().values()
    rare = sum(e.rarity == "rare" for e in entries)
    terms = len(load_vocabulary().terms)
    said = f"{len(entries):,} entries ({rare} rare) and {terms:,} finding terms"
    assert said in (ROOT / document).read_text("utf-8")


def test_every_relative_link_leads_somewhere() -> None:
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8"))
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_every_setting_is_explained() -> None:
    table = (ROOT / "docs/embedding.md").read_text("utf-8").split("## Settings")[1]
    assert [name for name in Settings.model_fields if f"`{name}`" not in table] == []


def test_every_fault_of_the_planners_has_the_test_that_its_row_names() -> None:
    table = (ROOT / "docs/planners.md").read_text("utf-8").split("## What can go wrong")[1]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "test |" not in line]
    tests = "".join(p.read_text("utf-8") for p in (ROOT / "tests/agent").glob("test_*.py"))
    named = [re.findall(r"`(test_\w+)` \|$", row) for row in rows]
    assert rows
    assert [row for row, found in zip(rows, named, strict=True) if len(found) != 1] == []
    assert [name for (name,) in named if f"def {name}(" not in tests] == []


def test_the_windows_are_those_of_the_table() -> None:
    text = (ROOT / "docs/imaging.md").read_text("utf-8")
    names, _, values = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.split("## Windows")[1].split("\n")
        if line.startswith("|")
    )
    told = dict(zip(names, values, strict=True))
    assert told == {w.name: f"{w.level_hu:g}/{w.width_hu:g}" for w in WINDOWS.values()}
