"""`hoofbeat chat` as a person types it: lines in, tables and answers out, a thread that is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.chat import chat
from agent.parser import build_parser
from agent.settings import Settings


@pytest.fixture
def talk(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """A chat with these lines; threads of its own, the index of all."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("HOOFBEAT_THREADS", f"sqlite:{tmp_path / 'threads.sqlite3'}")

    def said(*lines: str, options: tuple[str, ...] = (), thread: str = "one") -> int:
        given: Iterator[str] = iter(lines)

        def read(prompt: str) -> str:
            try:
                return next(given)
            except StopIteration:
                raise EOFError from None

        parsed = build_parser().parse_args(
            ["chat", *options, "--thread", thread, "--cache-dir", str(settings.cache_dir)]
        )
        return chat(parsed, read)

    return said


def test_a_case_is_told_answered_and_gone_on_with_later(
    talk: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    assert talk(
        "36-year-old woman. CT chest: thin-walled cysts in both lungs.",
        "What would settle the first?",
        "/nonsense",
        f"/report '{page}'",
    ) == 0  # fmt: skip
    shown = capsys.readouterr()
    assert "Lymphangioleiomyomatosis" in shown.out
    assert "leading:" in shown.err
    assert "'/nonsense' is no command" in shown.err
    assert "Not for clinical use" in page.read_text("utf-8")
    assert talk("No pneumothorax.", "/quit", "never read") == 0
    again = capsys.readouterr().out
    assert "Lymphangioleiomyomatosis" in again


def test_what_the_case_lacks_is_asked_for_and_the_answer_is_scrubbed(
    talk: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = "How old is the patient, and of which sex?"
    assert talk(
        "CT chest: crazy paving in both lungs.", "45-year-old man, MRN 7654321", thread="two"
    ) == 0  # fmt: skip
    assert asked in capsys.readouterr().out
    kept = b"".join(p.read_bytes() for p in tmp_path.glob("threads.sqlite3*"))
    assert b"7654321" not in kept
    assert b"45" in kept


def test_a_study_on_the_command_line_begins_a_thread_once(
    talk: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--findings", "CT: crazy paving.", "--age", "45", "--sex", "male")
    assert talk("/quit", options=given, thread="three") == 0
    assert "alveolar proteinosis" in capsys.readouterr().out.casefold()
    from tools.errors import UserError

    with pytest.raises(UserError, match="holds a case already"):
        talk("/quit", options=given, thread="three")


def test_what_cannot_be_attached_is_one_line_and_the_chat_goes_on(
    talk: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert talk("/attach no-such-folder", "/report x.html", thread="four") == 0
    told = capsys.readouterr().err
    assert "no-such-folder" in told
    assert "there is no report yet" in told
