"""The HTML page: self-contained, escaped, and whole or not there."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from agent import Case, Settings, UserError, diagnose
from agent.demo import DEMO_CASES, demo_case
from agent.page import render_page, show
from agent.report import Report
from agent.run import Agent
from tools.imaging.store import ArtifactStore


@pytest.fixture(scope="module")
def report(
    settings: Settings, offline_agent: Agent, tmp_path_factory: pytest.TempPathFactory
) -> Report:
    case = demo_case("cystic-lung", tmp_path_factory.mktemp("ct"), settings)
    return diagnose(case, agent=offline_agent)


@pytest.fixture(scope="module")
def page(report: Report, settings: Settings) -> str:
    store = ArtifactStore(settings.artifact_dir)
    return render_page(report, [show(s, store, report) for s in report.case.series])


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.ids.add(str(values["id"]))
        for key in ("href", "src"):
            if values.get(key):
                self.targets.add(str(values[key]))


def test_nothing_is_loaded_from_outside(page: str) -> None:
    links = _Links()
    links.feed(page)
    assert all(t.startswith(("#", "data:image/jpeg;base64,")) for t in links.targets)
    assert not re.search(r"<script|@import|url\(", page)


def test_every_link_inside_the_page_has_its_target(page: str) -> None:
    links = _Links()
    links.feed(page)
    assert {t[1:] for t in links.targets if t.startswith("#")} <= links.ids


def test_each_window_shows_slices_and_their_findings(page: str) -> None:
    for title in ("Lung window (level -600", "Soft tissue window (level 50", "Bone window"):
        assert title in page
    assert re.search(r"<figcaption>\d+/110 +F1", page)


def test_what_a_reader_must_know_stands_on_the_page(page: str, report: Report) -> None:
    for words in (
        "Not for clinical use", "Other", "What this cannot show", "no language model took part",
        DEMO_CASES["cystic-lung"].history, report.versions["encoder"], "Lymphangioleiomyomatosis",
    ):  # fmt: skip
        assert words in page


def test_words_from_outside_are_escaped(offline_agent: Agent) -> None:
    hostile = Case(history="<script>alert(1)</script> CT: crazy paving.")
    page = render_page(diagnose(hostile, agent=offline_agent), [])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_an_abstention_says_why(offline_agent: Agent) -> None:
    page = render_page(diagnose(Case(), agent=offline_agent), [])
    assert "No differential" in page


def test_a_page_that_cannot_be_written_leaves_nothing(
    report: Report, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="cannot write"):
        report.save_html(tmp_path / "no" / "page.html", settings)
    assert list(tmp_path.iterdir()) == []
