"""hoofbeat doctor: every configured part is tried, and its exit code tells."""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.__main__ import main
from agent.doctor import examine
from agent.settings import Settings, build_settings
from tests.gemini_server import KEY as GEMINI_KEY
from tests.gemini_server import GeminiServer, text
from tests.tiny_gemma import build_tiny_gemma
from tests.tools.vision.scripted import line, listing
from tests.tools.vision.vision_server import KEY, MODEL, Asked, Scripted, VisionServer, error, says
from tools.vision.checks import CheckLine

_WORDS = ("yes", " yes", "Yes", " Yes", "no", " no", "No", " No")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_gemma(tmp_path_factory.mktemp("doctor") / "tiny-gemma", words=_WORDS)


@pytest.fixture
def nobody() -> Iterator[str]:
    """The address of a server that is down."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listening: connections are refused
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


def _seeing(asked: Asked) -> dict[str, Any] | Scripted:
    """Lists ground glass whatever it is shown, and says no with a probability of 9 in 10."""
    if "response_format" in asked.body:
        return says(listing(line("ground-glass-opacity")))
    return says("no", top={"no": math.log(0.9), "yes": math.log(0.1)})


def _examined(settings: Settings, steps: list[str] | None = None) -> dict[str, CheckLine]:
    told = steps if steps is not None else []
    return {line.what: line for line in examine(settings, on_step=told.append)}


def _eyes(settings: Settings) -> dict[str, CheckLine]:
    return {w: found for w, found in _examined(settings).items() if w.startswith("vision")}


def _run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, what was printed with its lines joined (the terminal wraps them), and errors."""
    code = main(["doctor", *(str(a) for a in arguments)])
    printed = capsys.readouterr()
    return code, " ".join(printed.out.split()), printed.err


@pytest.fixture
def no_cache(tmp_path: Path) -> Path:
    """A cache that cannot be made: the knowledge base fails at once, and no index is built."""
    (tmp_path / "file").write_text("taken", "utf-8")
    return tmp_path / "file" / "cache"


def test_a_whole_set_up_works_part_by_part_and_ends_with_0(
    cache_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, told = _run(capsys, "--cache-dir", cache_dir)
    parts = ["packages: works; hoofbeat ", "cache: works",
             "threads: works; kept in memory", "DICOM decoders: works; JPEG lossless, "
             "JPEG-LS, JPEG 2000, HTJ2K, RLE", "burned-in text: works", "knowledge: works; ",
             "planner offline: works", "vision none: works; no model"]  # fmt: skip
    places = [said.index(part) for part in parts]
    assert places == sorted(places)
    assert "does not work" not in said
    assert code == 0
    assert "searching the knowledge base" in told


def test_parts_that_do_not_work_are_all_told_and_end_with_1(
    no_cache: Path, nobody: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOFBEAT_VISION_BASE_URL", nobody)
    monkeypatch.setenv("HOOFBEAT_VISION_RETRIES", "0")
    monkeypatch.setenv("HOOFBEAT_VISION", "openai:medgemma")
    code, said, told = _run(capsys, "--planner", "gemini", "--cache-dir", no_cache)
    assert code == 1
    assert "cache: does not work; the cache directory" in said
    assert "knowledge: does not work; " in said
    assert "planner gemini: does not work; " in said
    assert "GEMINI_API_KEY" in said
    assert "vision openai:medgemma: does not work; " in said
    assert "HOOFBEAT_VISION_BASE_URL" in said
    assert "DICOM decoders: works" in said
    assert "Traceback" not in said + told


def test_without_tesseract_it_is_said_what_holds_pixels_back(
    tmp_path: Path, no_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    parts = examine(build_settings(cache_dir=no_cache), on_step=lambda step: None)
    found = next(part for part in parts if part.what == "burned-in text")
    assert found.works
    assert "tesseract is not installed: pixels are held back by their class" in found.detail


def test_a_planner_that_answers_works_and_its_tokens_are_told(
    no_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", GEMINI_KEY)
    with GeminiServer([text("ready")]) as server:
        settings = build_settings(
            planner="gemini", gemini_base_url=server.base_url, cache_dir=no_cache
        )
        found = _examined(settings)["planner gemini"]
    assert found == CheckLine(what="planner gemini", works=True, detail="answered (16 tokens)")


def test_a_planner_whose_key_is_refused_is_told_without_the_key(
    no_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "test-key-AIzaSyOutOfDate")
    with GeminiServer([]) as server:
        settings = build_settings(
            planner="gemini", gemini_base_url=server.base_url, cache_dir=no_cache
        )
        found = _examined(settings)["planner gemini"]
    assert not found.works
    assert "key" in found.detail
    assert "AIzaSyOutOfDate" not in found.detail


def test_an_encoder_that_is_not_there_is_told_with_its_setting(tmp_path: Path) -> None:
    settings = build_settings(embedding_model="./no-such-encoder", cache_dir=tmp_path / "cache")
    found = _examined(settings)["knowledge"]
    assert not found.works
    assert "'./no-such-encoder'" in found.detail
    assert "HOOFBEAT_EMBEDDING_MODEL" in found.detail


def test_a_checkpoint_is_checked_before_it_is_loaded_and_then_asked(
    no_cache: Path, checkpoint: Path
) -> None:
    steps: list[str] = []
    settings = build_settings(
        vision=f"transformers:{checkpoint}", vision_dtype="float32", cache_dir=no_cache
    )
    found = _examined(settings, steps)
    what = f"vision transformers:{checkpoint}"
    assert [w for w in found if w.startswith("vision")] == [
        "vision packages", "vision checkpoint", "vision revision", "vision memory", what,
    ]  # fmt: skip
    assert all(found[w].works for w in found if w.startswith("vision"))
    assert "from log-probabilities; it takes 85 images a prompt" in found[what].detail
    assert str(checkpoint.parent) not in found[what].detail
    assert steps[-1].startswith("asking transformers:")


def test_a_checkpoint_that_is_not_there_is_not_asked(tmp_path: Path, no_cache: Path) -> None:
    missing = tmp_path / "nowhere"
    settings = build_settings(vision=f"transformers:{missing}", cache_dir=no_cache)
    found = _eyes(settings)
    assert [*found] == ["vision packages", "vision checkpoint"]
    assert not found["vision checkpoint"].works
    assert "does not exist; set HOOFBEAT_VISION to" in found["vision checkpoint"].detail


@pytest.mark.parametrize("torn", [b"", b'{"model_type": "gemma3"', b"[]"])
def test_a_checkpoint_that_is_torn_is_told_in_a_line(
    tmp_path: Path, no_cache: Path, checkpoint: Path, torn: bytes
) -> None:
    folder = tmp_path / "torn"
    folder.mkdir()
    for file in checkpoint.iterdir():
        (folder / file.name).symlink_to(file)
    (folder / "config.json").unlink()
    (folder / "config.json").write_bytes(torn)
    settings = build_settings(vision=f"transformers:{folder}", cache_dir=no_cache)
    assert not all(found.works for found in _eyes(settings).values())


def _served(monkeypatch: pytest.MonkeyPatch, server: VisionServer, **given: str) -> None:
    values = {"VISION": f"openai:{MODEL}", "VISION_BASE_URL": server.base_url,
              "VISION_API_KEY": KEY, "VISION_RETRIES": "0", **given}  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(f"HOOFBEAT_{name}", value)


def test_a_server_is_asked_a_real_question_past_the_cache(
    no_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with VisionServer(_seeing) as server:
        _served(monkeypatch, server)
        settings = build_settings(cache_dir=no_cache)
        for _ in range(2):
            found = _eyes(settings)[f"vision openai:{MODEL}"]
        assert len(server.asked) == 2 * 2  # both orders of yes and no, each time
    assert found.works
    assert "answered p(yes) 0.10 from log-probabilities" in found.detail
    assert "held to a JSON schema: yes" in found.detail


@pytest.mark.parametrize(
    ("refusal", "given", "said"),
    [
        (says("no"), {"VISION_API_KEY": "out-of-date-key"}, "HOOFBEAT_VISION_API_KEY"),
        (error(503, "overloaded"), {}, "HTTP 503"),
        (says("no"), {"VISION_BASE_URL": "https://vision.example.org/v1"},
         "HOOFBEAT_PIXELS_MAY_LEAVE"),
    ],
)  # fmt: skip
def test_a_server_that_does_not_answer_is_told_with_what_to_do(
    no_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    refusal: Any,
    given: dict[str, str],
    said: str,
) -> None:
    with VisionServer(lambda asked: refusal) as server:
        _served(monkeypatch, server, **given)
        found = _eyes(build_settings(cache_dir=no_cache))[f"vision openai:{MODEL}"]
    assert not found.works
    assert said in found.detail
    assert "out-of-date-key" not in found.detail


def test_the_check_of_the_eyes_counts_what_is_invented(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with VisionServer(_seeing) as server:
        _served(monkeypatch, server, VISION="none")
        code, said, told = _run(capsys, "--vision", f"openai:{MODEL}", "--cache-dir", cache_dir)
    assert code == 0
    assert f"showing empty studies to openai {MODEL}" in " ".join(told.split())
    for study in ("healthy phantom", "its slices shuffled", "black pictures"):
        assert f"{study}, lung window: 1 of 24 findings invented (ground-glass-opacity)" in said
    assert "closed questions on black pictures: yes to 0 of 16, 0 answered neither" in said


def test_the_eyes_are_not_checked_where_something_does_not_work_and_that_is_said(
    no_cache: Path, nobody: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOFBEAT_VISION_BASE_URL", nobody)
    monkeypatch.setenv("HOOFBEAT_VISION_RETRIES", "0")
    code, said, _ = _run(capsys, "--vision", "openai:medgemma", "--cache-dir", no_cache)
    assert code == 1
    assert said.endswith("no empty study was shown to the vision model: mend first what does not "
                         "work")  # fmt: skip
    assert "invented" not in said


def test_a_check_of_eyes_that_nobody_configured_is_one_line(
    cache_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, told = _run(capsys, "--vision", "--cache-dir", cache_dir)
    assert code == 2
    assert told.splitlines()[-1] == (
        "hoofbeat: no vision model is configured; set HOOFBEAT_VISION or give --vision"
    )


def test_a_setting_that_does_not_fit_ends_before_anything_is_tried(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said, told = _run(capsys, "--vision", "medgemma")
    assert (code, said) == (2, "")
    assert 'vision is "none" or one of' in told
