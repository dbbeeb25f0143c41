"""After a run on identified files no name, number or date of the patient is written anywhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver

from agent import Case, Report, Settings, diagnose
from agent.__main__ import main
from agent.arrival import prepared
from agent.graph import build_graph
from agent.planner.offline import OfflinePlanner
from agent.run import Agent, start
from tests.agent.identified import (
    FINDINGS,
    HISTORY,
    blocks,
    encoded,
    rows_of,
    traces,
    traces_below,
    write_study,
)
from tools.workbench import Workbench

_THREAD: RunnableConfig = {"configurable": {"thread_id": "one"}}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_study(tmp_path_factory.mktemp("identified"))


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Every logger says everything, also those that are set to say less."""
    named = [x for x in logging.root.manager.loggerDict.values() if isinstance(x, logging.Logger)]
    before = [(logger, logger.level) for logger in named]
    for logger in named:
        logger.setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        yield caplog
    for logger, level in before:
        logger.setLevel(level)


def _agent(bench: Workbench, settings: Settings, threads: SqliteSaver) -> Agent:
    return build_graph(OfflinePlanner(), bench, settings, checkpointer=threads)


def _logged(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(f"{r.getMessage()} {r.__dict__!r}" for r in caplog.records)


def test_a_case_of_identified_files_leaves_no_trace_in_its_thread_log_or_report(
    settings: Settings, bench: Workbench, study: list[Path], tmp_path: Path,
    everything_logged: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    database = tmp_path / "threads.sqlite"
    with SqliteSaver.from_conn_string(str(database)) as threads:
        agent = _agent(bench, settings, threads)
        loaded = Case.load(
            [study[0].parent], history=HISTORY, findings_text=FINDINGS, settings=settings
        )
        by_hand = loaded.model_copy(update={"history": HISTORY, "findings_text": FINDINGS})
        agent.invoke(start(by_hand), _THREAD)
        said = {"role": "user", "content": HISTORY, "id": "second"}
        state = agent.invoke(prepared([said], settings), _THREAD)
        assert (tmp_path / "threads.sqlite-wal").stat().st_size > 0
        assert traces_below(tmp_path) == {}
        assert traces(rows_of(database)) == []
    report = Report.model_validate(state["report"])
    report.save_html(tmp_path / "report.html", settings)
    (tmp_path / "report.json").write_text(report.model_dump_json())
    assert traces_below(tmp_path) == {}
    assert traces_below(settings.artifact_dir) == {}
    assert traces(_logged(everything_logged)) == []
    assert "thin-walled-cysts" in [f.term for f in report.findings]
    assert (report.case.age_years, report.case.sex) == (72, "female")


def test_files_attached_to_a_message_leave_no_trace_in_its_thread(
    settings: Settings, bench: Workbench, study: list[Path], tmp_path: Path
) -> None:
    database = tmp_path / "threads.sqlite"
    content: list[str | dict[Any, Any]] = [{"type": "text", "text": HISTORY}, *blocks(study)]
    piece = encoded(study[0])
    with SqliteSaver.from_conn_string(str(database)) as threads:
        agent = _agent(bench, settings, threads)
        state = agent.invoke(prepared(HumanMessage(content), settings), _THREAD)
        assert state["case"]["series"][0]["slices"] == len(study)
        assert (state["case"]["age_years"], state["case"]["sex"]) == (72, "female")
        assert traces_below(tmp_path, piece) == {}
        assert traces(rows_of(database), piece) == []


def test_the_search_finds_what_a_message_that_was_not_prepared_leaves(
    settings: Settings, bench: Workbench, study: list[Path], tmp_path: Path
) -> None:
    """The control: why `prepared` is there, and that the tests above can fail."""
    database = tmp_path / "threads.sqlite"
    content: list[str | dict[Any, Any]] = [{"type": "text", "text": HISTORY}, *blocks(study[:1])]
    piece = encoded(study[0])
    with SqliteSaver.from_conn_string(str(database)) as threads:
        _agent(bench, settings, threads).invoke({"messages": [HumanMessage(content)]}, _THREAD)
        assert {"Holloway", "4471902", "2024-03-17", piece} <= set(traces(rows_of(database), piece))


def test_the_command_line_prints_logs_and_writes_no_value_of_identified_files(
    cache_dir: Path, study: list[Path], tmp_path: Path,
    everything_logged: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    code = main(
        ["diagnose", str(study[0].parent), "--history", HISTORY, "--findings", FINDINGS,
         "--json", str(tmp_path / "report.json"), "--report", str(tmp_path / "report.html"),
         "--cache-dir", str(cache_dir)]
    )  # fmt: skip
    printed = capsys.readouterr()
    assert code == 0
    assert traces(printed.out + printed.err) == []
    assert traces(_logged(everything_logged)) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.json"]
    assert traces_below(tmp_path) == {}


def test_a_case_made_by_hand_is_scrubbed_in_every_word_of_it(offline_agent: Agent) -> None:
    case = Case(history=HISTORY, findings_text=FINDINGS, region=HISTORY, limits=(HISTORY,))
    report = diagnose(case, agent=offline_agent)
    assert traces(report.model_dump_json()) == []
