from __future__ import annotations

import logging
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.vocabulary import Term
from tests.tools.vision.scripted import Scripted, never, yes
from tools.ask import ask_findings
from tools.errors import ToolFailure, UserError
from tools.extract import extract_findings
from tools.imaging.windows import View
from tools.shown import Look
from tools.vision.base import ClosedQuestion, Reply, Request, VisionPrompt
from tools.vision.cache import CachedVision
from tools.vision.reply_store import ReplyStore
from tools.vision.transformers_model import TransformersVision

FILE = "replies.sqlite3"


def prompt(**given: Any) -> VisionPrompt:
    view = View(
        pixels=np.arange(12, dtype=np.uint8).reshape(3, 4),
        window="lung",
        level_hu=-600,
        width_hu=1500,
        series="S1",
        slices=(1,),
    )
    usual = {"instruction": "Look.", "views": (view,), "question": "What?", "is_volume": True}
    return VisionPrompt(**{**usual, **given})


def seen(pixels: Sequence[Sequence[int]] = ((1, 2), (3, 4)), **given: Any) -> VisionPrompt:
    """A prompt with one view of those pixels."""
    (view,) = prompt().views
    view = replace(view, pixels=np.array(pixels, dtype=np.uint8), **given)
    return prompt(views=(view,))


def question(text: str) -> ClosedQuestion:
    return ClosedQuestion(text=text, finding="cysts")


def test_a_real_models_reply_is_given_again_without_running_it(
    tiny_gemma: Path, lung_views: tuple[View, ...], terms: tuple[Term, ...], tmp_path: Path
) -> None:
    look = Look(views=lung_views, terms=terms, is_volume=True, modality="CT")
    first = CachedVision(TransformersVision(os.fspath(tiny_gemma), dtype="float32"), tmp_path)
    (ran,) = extract_findings(first, [look], is_disease=never, max_findings=2)
    answers = ask_findings(first, lung_views, terms, is_volume=True)
    # Another process would have another object: this one's model has nothing to load from.
    identity = first.identity
    second = CachedVision(Scripted(identity=identity, guided_json=True), tmp_path)
    (kept,) = extract_findings(second, [look], is_disease=never, max_findings=2)
    assert (ran.cached, kept.cached) == (False, True)
    assert [f.model_copy(update={"sightings": ()}) for f in kept.findings] == [
        f.model_copy(update={"sightings": ()}) for f in ran.findings
    ]
    assert all(s.cached for f in kept.findings for s in f.sightings)
    again = ask_findings(second, lung_views, terms, is_volume=True)
    assert [a.p_yes for a in again] == [a.p_yes for a in answers]
    assert all(a.cached for a in again)


def test_only_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    inner = Scripted("one", "three", answers=[yes(0.1), yes(0.3), yes(None)])
    vision = CachedVision(inner, tmp_path)
    one, two = Request(prompt=prompt()), Request(prompt=prompt(question="And?"))
    assert vision.generate([one]) == (Reply(text="one"),)
    assert vision.generate([one, two, two]) == (
        Reply(text="one", is_cached=True),
        Reply(text="three"),
        Reply(text="three"),
    )
    assert inner.calls == [1, 1]
    a, b, c = (question(text) for text in ("a?", "b?", "c?"))
    vision.answer(prompt(), [a])
    answers = vision.answer(prompt(), [b, a, c])
    assert [(x.p_yes, x.is_cached) for x in answers] == [(0.3, False), (0.1, True), (None, False)]
    assert [len(asked) for _, asked in inner.asked] == [1, 2]
    assert [x.p_yes for x in vision.answer(prompt(), [c])] == [None]


def test_a_question_that_is_not_used_does_not_part_answers(tmp_path: Path) -> None:
    vision = CachedVision(Scripted(answers=[yes(0.9)]), tmp_path)
    vision.answer(prompt(question="this"), [question("a?")])
    (answer,) = vision.answer(prompt(question="that"), [question("a?")])
    assert answer.is_cached


def test_sampled_answers_are_kept_with_their_samples(tmp_path: Path) -> None:
    sampled = yes(0.6, how="samples", samples=5)
    vision = CachedVision(Scripted(answers=[sampled]), tmp_path)
    vision.answer(prompt(), [question("a?")])
    assert vision.answer(prompt(), [question("a?")]) == (replace(sampled, is_cached=True),)


@pytest.mark.parametrize(
    "other",
    [
        Request(prompt=seen(((1, 2), (3, 5)))),
        Request(prompt=seen(((1, 2, 3, 4),))),
        Request(prompt=seen(pixel_aspect=2.0)),
        Request(prompt=seen(window="bone")),
        Request(prompt=replace(seen(), instruction="Look well.")),
        Request(prompt=replace(seen(), question="What else?")),
        Request(prompt=replace(seen(), is_volume=False)),
        Request(prompt=replace(seen(), views=seen().views * 2)),
        Request(prompt=replace(seen(), dicomweb_uris=("instance",))),
        Request(prompt=seen(), schema={"type": "object"}),
        Request(prompt=seen(), max_new_tokens=10),
    ],
)
def test_whatever_the_reply_depends_on_parts_it(other: Request, tmp_path: Path) -> None:
    vision = CachedVision(Scripted("first", "second"), tmp_path)
    vision.generate([Request(prompt=seen())])
    assert vision.generate([other]) == (Reply(text="second"),)


def test_another_model_or_image_format_is_asked_anew(tmp_path: Path) -> None:
    request = Request(prompt=prompt())
    CachedVision(Scripted("first"), tmp_path).generate([request])
    for other in (
        CachedVision(Scripted("second", identity="another"), tmp_path),
        CachedVision(Scripted("second"), tmp_path, parameters="jpeg"),
    ):
        assert other.generate([request]) == (Reply(text="second"),)


def test_an_edit_of_the_words_around_a_question_parts_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vision = CachedVision(Scripted(answers=[yes(0.9), yes(0.2)]), tmp_path)
    vision.answer(prompt(), [question("a?")])
    edited = "$question One word, please: $options."
    monkeypatch.setattr("tools.prompts._read", lambda name: edited)
    (answer,) = vision.answer(prompt(), [question("a?")])
    assert (answer.p_yes, answer.is_cached) == (0.2, False)


def test_the_same_pixels_in_another_series_are_the_same_picture(tmp_path: Path) -> None:
    vision = CachedVision(Scripted("first"), tmp_path)
    vision.generate([Request(prompt=seen())])
    (reply,) = vision.generate([Request(prompt=seen(series="S9", slices=(40,)))])
    assert reply.is_cached


def test_what_was_cut_off_or_failed_is_asked_for_again(tmp_path: Path) -> None:
    cut = Reply(text="half", is_cut_off=True)
    vision = CachedVision(Scripted(cut, ToolFailure("busy"), "whole"), tmp_path)
    request = Request(prompt=prompt())
    assert vision.generate([request]) == (cut,)
    with pytest.raises(ToolFailure, match="busy"):
        vision.generate([request])
    assert vision.generate([request]) == (Reply(text="whole"),)


def test_neither_pictures_nor_prompts_lie_in_the_cache(tmp_path: Path) -> None:
    pixels = np.frombuffer(b"PIXELS-OF-THE-PICTURE-00", dtype=np.uint8).reshape(4, 6)
    (view,) = prompt().views
    asked = prompt(question="SECRET QUESTION?", views=(replace(view, pixels=pixels),))
    vision = CachedVision(Scripted("THE REPLY", answers=[yes(0.5)]), tmp_path)
    vision.generate([Request(prompt=asked)])
    vision.answer(asked, [question("SECRET QUESTION?")])
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"THE REPLY" in kept
    assert b"SECRET" not in kept
    assert b"PIXELS-OF" not in kept


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "replies"
    CachedVision(Scripted("reply"), folder).generate([Request(prompt=prompt())])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_least_recently_used_replies_go_first(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path, max_bytes=30)
    for key in ("a", "b", "c"):  # 10 bytes each
        store.put({key: "123456789"})
    assert set(store.get(["a"])) == {"a"}
    store.put({"d": "123456789"})
    assert set(store.get(["a", "b", "c", "d"])) == {"a", "c", "d"}
    store.put({"e": "x" * 100})
    assert store.get(["a", "c", "d", "e"]) == {}


def test_the_same_reply_twice_counts_once(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path, max_bytes=30)
    for _ in range(5):
        store.put({"a": "123456789"})
    store.put({"b": "123456789", "c": "123456789"})
    assert set(store.get(["a", "b", "c"])) == {"a", "b", "c"}


def test_evicted_replies_give_their_room_back(tmp_path: Path) -> None:
    ReplyStore(tmp_path, max_bytes=4 << 20).put({str(n): "x" * 10_000 for n in range(200)})
    ReplyStore(tmp_path, max_bytes=100_000).put({"last": "x"})
    assert (tmp_path / FILE).stat().st_size < 300_000


def test_threads_share_one_cache(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path, max_bytes=1 << 20)

    def work(number: int) -> dict[str, str]:
        store.put({f"{number}": "x" * number})
        return store.get([f"{number}"])

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(work, range(40)))
    assert kept == [{f"{n}": "x" * n} for n in range(40)]


def test_processes_begin_and_fill_one_cache_together(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tools.vision.reply_store import ReplyStore\n"
        "store = ReplyStore(Path(sys.argv[1]), max_bytes=1 << 20)\n"
        "for n in range(25): store.put({f'{sys.argv[2]} {n}': 'x' * 50}); store.get(['0 0'])\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)]) for n in range(4)
    ]
    assert [worker.wait(timeout=60) for worker in workers] == [0, 0, 0, 0]
    keys = [f"{worker} {n}" for worker in range(4) for n in range(25)]
    assert set(ReplyStore(tmp_path, max_bytes=1 << 20).get(keys)) == set(keys)
    with closing(sqlite3.connect(tmp_path / FILE)) as store:
        (total,) = store.execute("SELECT bytes FROM total").fetchone()
    assert total == sum(len(key) + 50 for key in keys)


@pytest.mark.parametrize("damage", ["no database", "torn page"])
def test_a_damaged_cache_is_set_aside_and_begun_anew_and_that_is_said_once(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = ReplyStore(tmp_path, max_bytes=1 << 20)
    store.put({f"{n:04}": "SECRET" * 50 for n in range(200)})
    path = tmp_path / FILE
    if damage == "no database":
        path.write_bytes(b"this is no database" * 100)
    else:
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with caplog.at_level(logging.WARNING):
        store.put({"new": "reply"})
        assert store.get(["new", "0001"]) == {"new": "reply"}
    assert len(caplog.records) == 1
    said = caplog.records[0].getMessage()
    assert "set aside as replies.damaged" in said
    assert "SECRET" not in said
    assert (tmp_path / "replies.damaged").is_file()


def test_a_cache_that_cannot_be_written_names_the_setting_that_does_without(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("in the way")
    vision = CachedVision(Scripted("reply"), tmp_path / "file" / "replies")
    with pytest.raises(UserError, match="HOOFBEAT_VISION_CACHE=false") as error:
        vision.generate([Request(prompt=prompt())])
    assert str(tmp_path) not in str(error.value)


def test_a_file_that_sqlite_may_not_write_names_it_too(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(UserError, match="HOOFBEAT_VISION_CACHE=false"):
        ReplyStore(tmp_path, max_bytes=100).get(["a"])


def test_a_cache_of_no_bytes_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="max_bytes must be >= 1, got 0"):
        ReplyStore(tmp_path, max_bytes=0)
