"""Threads on disk: who can read them, what they may hold, what a deletion takes along."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, MessagesState, StateGraph
from PIL import Image
from pydantic import BaseModel

from agent import Case, Report, Settings, UserError, adiagnose, diagnose, open_threads, resume
from agent.__main__ import main
from agent.budget import RunContext
from agent.eyes import reply_store
from agent.run import Agent, build_agent, new_thread, start
from agent.threads import Threads, current_thread, kept_in
from agent.threads.saver import ThreadSaver
from agent.threads.serde import StrictSerializer
from tests.tools.vision.scripted import Scripted
from tools.vision.base import Request, VisionPrompt
from tools.vision.batches import generate_each
from tools.vision.cache import CachedVision
from tools.vision.reply_store import ReplyStore

_TEXT = Case(history="A cough in Wonderland.", findings_text="Thin-walled cysts in both lungs.")


@pytest.fixture(scope="module")
def kept(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The shared index, and threads in a file of these tests' own."""
    path = tmp_path_factory.mktemp("kept") / "new" / "threads"
    return settings.model_copy(update={"threads": Settings(threads=f"sqlite:{path}").threads})


@pytest.fixture(scope="module")
def saver(kept: Settings) -> Iterator[ThreadSaver]:
    with open_threads(kept) as opened:
        yield opened


@pytest.fixture(scope="module")
def agent(kept: Settings, saver: ThreadSaver) -> Agent:
    return build_agent(kept, checkpointer=saver)


@pytest.fixture(scope="module")
def report(agent: Agent) -> Report:
    return diagnose(_TEXT, agent=agent, thread_id="text")


def _folder(settings: Settings) -> Path:
    return Path(settings.threads.get_secret_value().partition(":")[2]).parent


def test_a_thread_is_listed_without_a_word_of_the_person_and_shown_again(
    kept: Settings, saver: ThreadSaver, report: Report
) -> None:
    shelf = Threads(saver, kept)
    (line,) = (line for line in shelf.list() if line.id == "text")
    first = report.differential.diagnoses[0]
    assert (line.turns, line.about) == (1, f"no images; {first.name} {first.probability:.0%}")
    assert line.started.startswith("20")
    assert shelf.show("text") == report


def test_what_has_ended_is_read_again_and_a_taken_id_is_refused(
    agent: Agent, report: Report
) -> None:
    assert resume("text", agent=agent) == report
    with pytest.raises(UserError, match="holds a case already"):
        diagnose(_TEXT, agent=agent, thread_id="text")
    with pytest.raises(UserError, match="no thread 'other'"):
        resume("other", agent=agent)


def test_a_thread_that_waits_for_an_answer_says_so(
    kept: Settings, saver: ThreadSaver, agent: Agent
) -> None:
    agent.invoke(
        start(_TEXT), new_thread(agent, "waits"), context=RunContext(interactive=True)
    )  # age and sex are missing
    about = next(line.about for line in Threads(saver, kept).list() if line.id == "waits")
    assert about == "no images; waits for an answer"
    with pytest.raises(UserError, match="waits for an answer"):
        resume("waits", agent=agent)
    with pytest.raises(UserError, match="no report yet"):
        Threads(saver, kept).show("waits")


def test_an_agent_that_keeps_nothing_says_so(offline_agent: Agent) -> None:
    with pytest.raises(UserError, match="checkpointer"):
        diagnose(_TEXT, agent=offline_agent, thread_id="text")


def test_an_event_loop_keeps_threads_in_the_same_file(
    agent: Agent, saver: ThreadSaver, report: Report
) -> None:
    same = asyncio.run(adiagnose(_TEXT, agent=agent, thread_id="loop"))
    assert same.differential == report.differential
    assert "loop" in saver.first_checkpoints()


def test_files_of_threads_and_of_the_cache_are_their_owners_alone(
    kept: Settings, report: Report
) -> None:
    threads = _folder(kept)
    assert {p.name for p in threads.iterdir()} == {"threads", "threads-wal", "threads-shm"}
    wrong = [
        path
        for root in (threads, kept.cache_dir)
        for path in (root, *root.rglob("*"))
        if stat.S_IMODE(path.stat().st_mode) != (0o700 if path.is_dir() else 0o600)
    ]
    assert wrong == []
    assert report.versions["knowledge"]  # the index lies in the cache


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "threads"
    path.touch(mode=0o644)
    with open_threads(Settings(threads=f"sqlite:{path}", cache_dir=tmp_path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_of_something_else_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("no database " * 100)
    with (
        pytest.raises(UserError, match=r"not a database.*HOOFBEAT_THREADS=sqlite:PATH"),
        open_threads(Settings(threads=f"sqlite:{path}", cache_dir=tmp_path)),
    ):
        pass


def test_of_a_deleted_thread_no_word_is_left_on_disk(
    kept: Settings, saver: ThreadSaver, agent: Agent
) -> None:
    diagnose(_TEXT.model_copy(update={"history": "Zanzibar fever."}), agent=agent, thread_id="gone")
    assert any(b"Zanzibar" in path.read_bytes() for path in _folder(kept).iterdir())
    Threads(saver, kept).delete("gone")
    assert not any(b"Zanzibar" in path.read_bytes() for path in _folder(kept).iterdir())
    with pytest.raises(UserError, match="no thread 'gone'"):
        Threads(saver, kept).delete("gone")


def test_pixels_go_with_the_last_thread_that_uses_them(
    kept: Settings, saver: ThreadSaver, agent: Agent, tmp_path: Path
) -> None:
    cases = {}
    for name in ("own", "shared"):
        seed = np.random.default_rng(len(name))
        Image.fromarray(seed.integers(0, 255, (64, 64), dtype=np.uint8)).save(tmp_path / "a.png")
        cases[name] = Case.load(
            [tmp_path / "a.png"], findings_text="Lung cysts.", settings=kept
        ).series
    for thread, series in (
        ("first", (*cases["own"], cases["shared"][0].model_copy(update={"id": "S2"}))),
        ("second", cases["shared"]),
    ):
        case = _TEXT.model_copy(update={"series": series})
        diagnose(case, agent=agent, thread_id=thread)
    own, shared = (kept.artifact_dir / f"{cases[n][0].ref}.npz" for n in ("own", "shared"))
    shelf = Threads(saver, kept)
    assert shelf.delete("first").images == 1
    assert (own.exists(), shared.exists()) == (False, True)
    assert shelf.delete("second").images == 1
    assert not shared.exists()


def test_cached_replies_go_with_the_last_thread_that_used_them(
    kept: Settings, saver: ThreadSaver, agent: Agent, tmp_path: Path
) -> None:
    mine = kept.model_copy(update={"cache_dir": tmp_path})
    replies = reply_store(mine)
    for thread in ("asks", "asks-too"):
        diagnose(_TEXT, agent=agent, thread_id=thread)
    replies.put({"own": "cysts", "shared": "nodules"}, owner="asks")
    replies.get(["shared"], owner="asks-too")
    replies.get(["own"], owner="not kept any more")
    shelf = Threads(saver, mine)
    assert shelf.delete("asks").replies == 1
    assert set(replies.get(["own", "shared"])) == {"shared"}
    assert shelf.delete("asks-too").replies == 1
    assert replies.get(["shared"]) == {}
    assert b"nodules" not in (tmp_path / "replies" / "replies.sqlite3").read_bytes()


def test_a_reply_belongs_to_the_thread_that_is_running(tmp_path: Path) -> None:
    scripted = Scripted("one", "two", "three", parallel=2)  # asked from threads of their own
    replies = CachedVision(scripted, tmp_path, owner=current_thread)
    asked = [
        Request(prompt=VisionPrompt(instruction="", views=(), question=which, is_volume=False))
        for which in ("a?", "b?", "c?")
    ]

    def look(state: MessagesState) -> MessagesState:
        generate_each(replies, asked[:2])
        return state

    graph = StateGraph(MessagesState).add_node("look", look).add_edge(START, "look").compile()
    graph.invoke({"messages": []}, {"configurable": {"thread_id": "looks"}})
    generate_each(replies, asked[2:])  # for nobody
    store = ReplyStore(tmp_path, max_bytes=1 << 20)
    assert store.forget("another") == 0
    assert store.forget("looks") == 2


class _Typed(BaseModel):
    word: str = "x"


@dataclass
class _Plain:
    word: str = "x"


class _OwnMessage(AIMessage):
    pass


@pytest.mark.parametrize(
    "value", [_Typed(), _Plain(), _OwnMessage(content="x"), Path("x"), np.zeros(2)]
)
def test_a_thread_takes_plain_values_and_messages_only(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be kept in a thread"):
        StrictSerializer().dumps_typed({"messages": [HumanMessage("x")], "case": [{"a": value}]})


def test_what_a_thread_takes_comes_back_the_same() -> None:
    call = {"name": "look", "args": {"windows": ["lung"]}, "id": "1", "type": "tool_call"}
    state = {
        "messages": [
            HumanMessage("a \udcff b".replace("\udcff", "?"), id="1", additional_kwargs={"x": {}}),
            AIMessage("", tool_calls=[call], id="2"),
            ToolMessage("said", tool_call_id="1", artifact={"findings": [{"p": 0.5}]}),
        ],
        "case": {"n": [1, 2.5, None, True, "é"], "t": ("a", "b")},
    }
    serde = StrictSerializer()
    back = serde.loads_typed(serde.dumps_typed(state))
    assert back["messages"] == state["messages"]
    assert back["case"] == {"n": [1, 2.5, None, True, "é"], "t": ["a", "b"]}


def test_reading_a_thread_makes_no_object_of_a_class_that_is_not_listed() -> None:
    written = JsonPlusSerializer().dumps_typed({"case": _Typed()})
    assert StrictSerializer().loads_typed(written) == {"case": {"word": "x"}}


@pytest.mark.parametrize("given", ["sqllite", "postgre://u:SECRET@h/d", "u:SECRET@h", ""])
def test_a_setting_that_names_no_store_is_refused_without_its_secret(
    given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOFBEAT_THREADS", given)
    assert main(["threads", "list"]) == 2
    said = capsys.readouterr().err
    assert 'threads is "memory", "sqlite"' in said
    assert "SECRET" not in said


def test_settings_show_no_address(settings: Settings) -> None:
    made = Settings(threads="postgresql://u:SECRET@h/d", cache_dir=settings.cache_dir)
    assert "SECRET" not in f"{made!r}{made.model_dump(mode='json')}{kept_in(made)}"


def test_the_command_keeps_lists_shows_and_deletes(
    cache_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--cache-dir", str(cache_dir)])
        said = capsys.readouterr()
        return code, said.out, said.err

    monkeypatch.setenv("HOOFBEAT_THREADS", f"sqlite:{tmp_path / 'threads'}")
    code, _, told = run("diagnose", "--findings", "Crazy paving.", "--history", "Queensland.")
    assert code == 0
    thread_id = told.split("thread ")[1].split()[0]
    code, out, _ = run("threads", "list")
    assert (code, thread_id in out, "Queensland" in out) == (0, True, False)
    assert "Differential" in run("threads", "show", thread_id)[1]
    assert "Differential" in run("threads", "resume", thread_id)[1]
    assert "confirm it with --yes" in run("threads", "delete", "--all")[2]
    assert "name one thread" in run("threads", "delete")[2]
    assert run("threads", "delete", "--all", "--yes")[1].startswith("deleted: 1 threads")
    assert run("threads", "list")[1] == "no threads\n"
