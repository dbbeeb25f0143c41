"""Where misses come from, counted and never named."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.case import Case
from evals.matching.levels import Judged, Level
from evals.misses import Missed, main, place_of, trace
from evals.running.ledger import Ledger, Line
from evals.truth import Truth
from knowledge.search.retrieve import KnowledgeBase
from tests.evals.statistics.lines import line
from tests.evals.two_entries import two_entries


@pytest.fixture
def knowledge(tmp_path: Path) -> KnowledgeBase:
    return two_entries(tmp_path)


def missed(case: str, truth: str, findings: str, *levels: Level, status: str = "OK") -> Line:
    return line(
        case, None,
        truth=Truth(primary=truth), input=Case(findings_text=findings), status=status,
        scores={"curated": Judged(levels=levels)},
    )  # fmt: skip


LINES = (
    line("found", 1),
    missed("silent", "paving disease", "Crazy paving.", status="NO_ANSWER"),
    missed("unknown", "tiger disease", "Crazy paving.", Level.L3),
    missed("unread", "zebra sickness", "No pleural effusion.", Level.DIFFERENT, Level.L4),
    missed("first", "paving disease", "Crazy paving."),
    missed("low", "cyst disease", "Crazy paving with honeycombing."),
)


def test_each_miss_has_one_cause_and_the_place_of_its_entry(knowledge: KnowledgeBase) -> None:
    silent, unknown, unread, first, low = trace(LINES, knowledge, 1)
    assert silent == Missed(cause="no answer", place=None, is_near=False)
    assert unknown == Missed(cause="no entry", place=None, is_near=True)
    assert (unread.cause, unread.is_near) == ("no finding of it read", False)
    assert unread.place in (1, 2)
    assert first == Missed(cause="findings read", place=1, is_near=False)
    assert low == Missed(cause="findings read", place=2, is_near=False)
    assert trace(LINES, knowledge, 10)[2].is_near  # the component is second of the list


def test_a_broader_term_of_what_was_read_counts_as_read(knowledge: KnowledgeBase) -> None:
    assert "lung-cysts" in knowledge.vocabulary.ancestors("thin-walled-cysts")
    (found,) = trace([missed("a", "paving disease", "Thin-walled cysts.")], knowledge, 1)
    assert found.cause == "findings read"
    (denied,) = trace([missed("a", "paving disease", "No crazy paving.")], knowledge, 1)
    assert denied.cause == "no finding of it read"


def test_a_rank_beyond_the_top_is_a_miss_of_it_alone(knowledge: KnowledgeBase) -> None:
    second = [line("a", 2), line("b", 11), line("c", None)]
    assert [len(trace(second, knowledge, top)) for top in (1, 10)] == [3, 2]


@pytest.mark.parametrize(
    ("rank", "place"),
    [(None, ""), (1, "1"), (2, "2-10"), (10, "2-10"), (11, "11-50"), (50, "11-50"), (51, "51+")],
)
def test_places_are_ranges(rank: int | None, place: str) -> None:
    assert place_of(rank) == place


def written(folder: Path, *lines: Line) -> str:
    with Ledger(folder / "results.jsonl") as ledger:
        for one in lines:
            ledger.append(one)
    return str(folder)


def test_the_command_counts_and_names_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    knowledge: KnowledgeBase,
) -> None:
    monkeypatch.setattr("evals.misses.open_knowledge", lambda _: knowledge)
    assert main([written(tmp_path / "run", *LINES)]) == 0
    said = capsys.readouterr().out
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:4]]
        for row in said.splitlines()
        if len(cells := row.split("│")) == 5
    }
    assert rows["no answer"] == rows["no entry"] == rows["no finding of it read"] == ["1", "1"]
    assert rows["findings read"] == ["2", "2"]
    assert rows["parent or component listed"] == ["1", "2"]
    assert "5/6" in said
    for name in ("tiger", "zebra", "paving", "silent", "unknown"):
        assert name not in said


def test_a_run_that_goes_on_is_read_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knowledge: KnowledgeBase
) -> None:
    monkeypatch.setattr("evals.misses.open_knowledge", lambda _: knowledge)
    run = written(tmp_path / "run", *LINES)
    results = tmp_path / "run" / "results.jsonl"
    with Ledger(results):
        with results.open("ab") as file:
            file.write(b'{"case": "being wri')
        before = results.read_bytes()
        assert main([run]) == 0
        assert results.read_bytes() == before


def test_what_the_person_can_mend_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    knowledge: KnowledgeBase,
) -> None:
    monkeypatch.setattr("evals.misses.open_knowledge", lambda _: knowledge)
    other = line("a", None, versions={"knowledge": "3 entries"})
    for argv, told in (
        ([str(tmp_path)], "results.jsonl is missing"),
        ([written(tmp_path / "views", LINES[0], line("a", 1, view="V1"))], "view V1 seed 0"),
        ([written(tmp_path / "run", LINES[0]), "--arm", "bm25"], "holds nothing of arm bm25"),
        ([written(tmp_path / "old", other)], "the run knew 3 entries, and this is 2 entries"),
    ):
        assert main(argv) == 2
        assert told in capsys.readouterr().err
    assert main([str(tmp_path / "views"), "--view", "V1"]) == 0
