from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.tiny_gemma import build_tiny_gemma
from tests.tools.vision.conftest import WORDS
from tests.tools.vision.parrot import teach
from tools.imaging.raster import slice_views
from tools.imaging.volume import Volume
from tools.imaging.windows import View
from tools.vision import prefix, turns
from tools.vision.base import ClosedQuestion, VisionPrompt, YesNo
from tools.vision.transformers_model import TransformersVision
from tools.vision.yes_no import p_yes, yes_no_tokens

CYST = ClosedQuestion(text="Is there a cyst?", finding="cyst")
# 32 of unequal lengths
QUESTIONS = [
    ClosedQuestion(text=f"Is there a lesion {'of some size ' * (n % 5)}no. {n}?", finding="lesion")
    for n in range(32)
]


def prompt(views: tuple[View, ...], *, is_volume: bool = True) -> VisionPrompt:
    return VisionPrompt(instruction="Look.", views=views, question="", is_volume=is_volume)


def lenient(folder: Path) -> TransformersVision:
    """Takes whatever share yes and no have: random weights give them little."""
    return TransformersVision(os.fspath(folder), dtype="float32", minimum_yes_no_mass=0)


def softmax_by_hand(folder: Path, views: tuple[View, ...], question: str) -> NDArray[np.float64]:
    """Next-token probabilities from transformers alone, with the turn written out by hand."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    images, text = [], "<bos><start_of_turn>user\nLook."
    for number, view in enumerate(views, start=1):
        square = np.zeros((60, 60), dtype=np.uint8)
        square[10:50] = view.pixels
        images.append(Image.fromarray(square).convert("RGB"))
        text += f"<start_of_image>SLICE {number}"
    text += f"\n\n{question}<end_of_turn>\n<start_of_turn>model\n"
    inputs = processor(text=text, images=images, add_special_tokens=False, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**inputs).logits[0, -1].double().numpy()
    odds = np.exp(logits - logits.max())
    probabilities: NDArray[np.float64] = odds / odds.sum()
    return probabilities


def by_full_passes(
    folder: Path, views: tuple[View, ...], questions: list[ClosedQuestion], *, is_volume: bool
) -> list[float | None]:
    """p(yes) from the processor and the model alone, one whole prompt after another."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    groups = yes_no_tokens(processor.tokenizer)
    answers = []
    for question in questions:
        orders = []
        for options in ("yes or no", "no or yes"):
            asked = replace(
                prompt(views, is_volume=is_volume),
                question=f"{question.text} Answer with one word: {options}.",
            )
            with torch.inference_mode():
                logits = model(**turns.chat_inputs(processor, [asked]), use_cache=False).logits
            p = torch.softmax(logits[0, -1], dim=-1)
            orders.append(tuple(float(p[group].sum()) for group in groups))
        answers.append(p_yes(orders, 0))
    return answers


def test_p_yes_is_the_softmax_over_yes_and_no_averaged_over_both_orders(
    tiny_gemma_with_words: Path, lung_views: tuple[View, ...]
) -> None:
    from transformers import AutoTokenizer

    ids = AutoTokenizer.from_pretrained(tiny_gemma_with_words).convert_tokens_to_ids
    yes, no = ids(["yes", "Yes", "Ġyes", "ĠYes"]), ids(["no", "No", "Ġno", "ĠNo"])
    expected, masses = [], []
    for options in ("yes or no", "no or yes"):
        question = f"Is there a cyst? Answer with one word: {options}."
        p = softmax_by_hand(tiny_gemma_with_words, lung_views, question)
        expected.append(p[yes].sum() / (p[yes].sum() + p[no].sum()))
        masses.append(p[yes].sum() + p[no].sum())
    least = min(masses)
    assert 0 < least < 0.5
    answers: list[YesNo] = []
    for share in (0.99, 1.01):
        vision = TransformersVision(
            os.fspath(tiny_gemma_with_words), dtype="float32", minimum_yes_no_mass=least * share
        )
        answers += vision.answer(prompt(lung_views), [CYST])
    assert answers[0].p_yes == pytest.approx(np.mean(expected), abs=1e-5)
    assert answers[0].how == "log-probabilities"
    assert answers[1].p_yes is None


@pytest.mark.parametrize("window", [4096, 32], ids=["wide window", "window below the prefix"])
@pytest.mark.parametrize("shown", ["volume", "one slice", "picture", "two pictures"])
def test_shared_views_give_the_answers_of_full_passes(
    shown: str, window: int, tmp_path: Path, chest: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = build_tiny_gemma(tmp_path / "m", words=WORDS, text={"sliding_window": window})
    count = {"volume": 6, "one slice": 1, "picture": 1, "two pictures": 2}[shown]
    views = slice_views(chest, "S1", "lung", range(1, count + 1))
    is_volume = shown in {"volume", "one slice"}
    read = spied(monkeypatch, "_AfterPrefix" if is_volume else "_InFull")
    answers = lenient(folder).answer(prompt(views, is_volume=is_volume), QUESTIONS)
    assert len(read) == 1  # the volume's beginning is shared; a picture's question comes before it
    expected = by_full_passes(folder, views, QUESTIONS, is_volume=is_volume)
    assert [a.p_yes for a in answers] == pytest.approx(expected, abs=1e-4)
    assert len({a.p_yes for a in answers}) > 16  # else any order of them would do


def spied(monkeypatch: pytest.MonkeyPatch, name: str) -> list[object]:
    """Every reader of that kind that is made from here on."""
    made: list[object] = []
    kind = getattr(prefix, name)

    def make(*args: object) -> object:
        made.append(kind(*args))
        return made[-1]

    monkeypatch.setattr(prefix, name, make)
    return made


def test_the_prefix_of_a_volume_is_longer_than_the_small_window(
    tmp_path: Path, lung_views: tuple[View, ...]
) -> None:
    import torch

    folder = build_tiny_gemma(tmp_path / "m", text={"sliding_window": 32})
    vision = lenient(folder)
    vision.answer(prompt(lung_views), [CYST])
    assert vision._loaded is not None
    model = vision._loaded.model
    reader = prefix._AfterPrefix(model, [5] * 70, torch.zeros(0, 4, 32))
    kept = [layer.keys.shape[-2] for layer in reader._cache.layers]
    assert kept == [31, 70]  # the sliding layer forgets; the other does not
    assert min(map(len, turns.token_ids(vision._loaded.processor, [prompt(lung_views)]))) > 70


def test_a_processor_that_expands_pictures_its_own_way_is_asked_for_every_prompt(
    tiny_gemma_with_words: Path, lung_views: tuple[View, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    vision = lenient(tiny_gemma_with_words)
    expected = vision.answer(prompt(lung_views), QUESTIONS[:3])

    def wrong(processor: Any, prompts: list[VisionPrompt]) -> list[list[int]]:
        return [ids[1:] for ids in turns.token_ids(processor, prompts)]

    monkeypatch.setattr(prefix, "token_ids", wrong)
    assert vision.answer(prompt(lung_views), QUESTIONS[:3]) == expected


@pytest.mark.parametrize("is_volume", [True, False])
def test_little_memory_makes_smaller_chunks_with_the_same_answers(
    is_volume: bool,
    tiny_gemma_with_words: Path,
    lung_views: tuple[View, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vision = lenient(tiny_gemma_with_words)
    asked = prompt(lung_views, is_volume=is_volume)
    expected = vision.answer(asked, QUESTIONS[:4])
    sizes: list[int] = []
    for kind in (prefix._AfterPrefix, prefix._InFull):
        monkeypatch.setattr(kind, "next_logits", counted(kind.next_logits, sizes))
    monkeypatch.setattr(prefix, "free_bytes", lambda **_: 0)
    answers = vision.answer(asked, QUESTIONS[:4])
    assert sizes == [1] * 8
    assert [a.p_yes for a in answers] == pytest.approx([a.p_yes for a in expected], abs=1e-5)


def counted(whole: Callable[..., object], sizes: list[int]) -> Callable[..., object]:
    def count(self: object, ends: list[list[int]]) -> object:
        sizes.append(len(ends))
        return whole(self, ends)

    return count


def test_the_same_question_twice_gets_the_same_answer_twice(
    tiny_gemma_with_words: Path, lung_views: tuple[View, ...]
) -> None:
    one, two = lenient(tiny_gemma_with_words).answer(prompt(lung_views), [CYST, CYST])
    assert one.p_yes == pytest.approx(two.p_yes)


def test_a_random_model_does_not_count_as_having_answered(
    vision: TransformersVision, lung_views: tuple[View, ...]
) -> None:
    (answer,) = vision.answer(prompt(lung_views), [CYST])
    assert answer.p_yes is None


def test_a_model_sure_of_yes_gives_a_probability_near_one(
    tiny_gemma_with_words: Path, tmp_path: Path, lung_views: tuple[View, ...]
) -> None:
    folder = teach(tiny_gemma_with_words, tmp_path / "sure", "Yes<end_of_turn>")
    vision = TransformersVision(os.fspath(folder), dtype="float32")
    (answer,) = vision.answer(prompt(lung_views), [CYST])
    assert answer.p_yes is not None
    assert answer.p_yes > 0.99


def test_what_the_picture_shows_reaches_the_answer(
    tiny_gemma_with_words: Path, lung_views: tuple[View, ...]
) -> None:
    vision = lenient(tiny_gemma_with_words)
    one, two = (vision.answer(prompt((view,)), [CYST])[0].p_yes for view in lung_views[:2])
    assert one is not None
    assert two is not None
    assert one != two


def test_threads_share_one_model_and_get_the_answers_of_a_single_thread(
    tiny_gemma_with_words: Path, lung_views: tuple[View, ...]
) -> None:
    vision = lenient(tiny_gemma_with_words)
    answers: dict[int, object] = {}

    def work(n: int) -> None:
        answers[n] = vision.answer(prompt(lung_views[: n % 3 + 1]), [CYST])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = [vision.answer(prompt(lung_views[: n + 1]), [CYST]) for n in range(3)]
    assert [answers[n] for n in range(6)] == alone * 2
