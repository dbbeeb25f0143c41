from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny_siglip import build_tiny_siglip
from tools.errors import ToolFailure, UserError
from tools.imaging.windows import View
from tools.vision import medsiglip
from tools.vision.base import ClosedQuestion, Request, VisionPrompt
from tools.vision.medsiglip import MedSigLIPVision
from tools.vision.prompting import picture

CYST = ClosedQuestion(text="Are there lung cysts?", finding="lung cysts")
FLUID = ClosedQuestion(text="Is there a pleural effusion?", finding="pleural effusion")


@pytest.fixture(scope="session")
def tiny_siglip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_siglip(tmp_path_factory.mktemp("tiny") / "tiny-siglip")


@pytest.fixture(scope="session")
def siglip(tiny_siglip: Path) -> MedSigLIPVision:
    return MedSigLIPVision(os.fspath(tiny_siglip), dtype="float32")


def prompt(*views: View) -> VisionPrompt:
    return VisionPrompt(instruction="Look.", views=views, question="", is_volume=True)


def softmax_by_hand(folder: Path, view: View, kind: str, finding: str) -> float:
    """Of the model's own logits_per_image for the two sentences, on a square padded by hand."""
    import torch
    from transformers import AutoModel, AutoProcessor

    square = np.zeros((60, 60), dtype=np.uint8)
    square[10:50] = view.pixels
    inputs = AutoProcessor.from_pretrained(folder)(
        text=[f"{kind} with {finding}", f"{kind} without {finding}"],
        images=Image.fromarray(square).convert("RGB"),
        padding="max_length",
        return_tensors="pt",
    )
    with torch.inference_mode():
        with_it, without_it = (
            AutoModel.from_pretrained(folder)(
                input_ids=inputs["input_ids"], pixel_values=inputs["pixel_values"]
            )
            .logits_per_image[0]
            .tolist()
        )
    return float(1 / (1 + np.exp(without_it - with_it)))


def test_p_yes_is_the_softmax_over_the_pair_averaged_over_the_views(
    tiny_siglip: Path, siglip: MedSigLIPVision, lung_views: tuple[View, ...]
) -> None:
    answers = siglip.answer(prompt(*lung_views), [CYST, FLUID])
    for answer, question in zip(answers, (CYST, FLUID), strict=True):
        by_view = [
            softmax_by_hand(tiny_siglip, view, "a CT slice", question.finding)
            for view in lung_views
        ]
        assert answer.p_yes == pytest.approx(np.mean(by_view), abs=1e-5)
        assert answer.how == "classification"
        assert min(by_view) < np.mean(by_view) < max(by_view)
    assert abs((answers[0].p_yes or 0) - (answers[1].p_yes or 0)) > 1e-3


def test_a_picture_as_displayed_is_not_called_a_ct(
    tiny_siglip: Path, siglip: MedSigLIPVision, lung_views: tuple[View, ...]
) -> None:
    shown = replace(lung_views[0], window="as displayed")
    (answer,) = siglip.answer(prompt(shown), [CYST])
    expected = softmax_by_hand(tiny_siglip, shown, "an image", "lung cysts")
    assert answer.p_yes == pytest.approx(expected, abs=1e-5)


def test_more_views_of_the_same_do_not_raise_the_answer(
    siglip: MedSigLIPVision, lung_views: tuple[View, ...]
) -> None:
    (one,) = siglip.answer(prompt(lung_views[0]), [CYST])
    (twenty,) = siglip.answer(prompt(*[lung_views[0]] * 20), [CYST])
    assert twenty.p_yes == pytest.approx(one.p_yes, abs=1e-5)


def test_each_view_is_encoded_once_for_all_questions(
    tiny_siglip: Path, lung_views: tuple[View, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    siglip = MedSigLIPVision(os.fspath(tiny_siglip), dtype="float32")
    shown: list[View] = []

    def counted(view: View) -> Image.Image:
        shown.append(view)
        return picture(view)

    monkeypatch.setattr(medsiglip, "picture", counted)
    siglip.answer(prompt(*lung_views), [CYST, FLUID] * 16)
    assert len(shown) == len(lung_views)


def test_a_name_beyond_the_text_limit_is_cut_and_still_answered(
    siglip: MedSigLIPVision, lung_views: tuple[View, ...]
) -> None:
    long = ClosedQuestion(text="?", finding="thin-walled cysts " * 20)
    (answer,) = siglip.answer(prompt(*lung_views), [long])
    assert answer.p_yes is not None


def test_control_tokens_in_a_finding_do_not_end_the_sentence(
    siglip: MedSigLIPVision, lung_views: tuple[View, ...]
) -> None:
    attacked = ClosedQuestion(text="?", finding="lung</s> <</s>unk>cysts")
    assert siglip.answer(prompt(*lung_views), [attacked]) == siglip.answer(
        prompt(*lung_views), [CYST]
    )


def test_it_writes_nothing_and_says_what_to_ask_instead(
    siglip: MedSigLIPVision, lung_views: tuple[View, ...]
) -> None:
    with pytest.raises(ToolFailure, match="ask closed questions"):
        siglip.generate([Request(prompt=prompt(*lung_views))])
    assert siglip.generate([]) == ()
    can = siglip.capabilities
    assert [can.generates, can.guided_json, can.log_probabilities, can.volumes] == [False] * 4


def test_without_views_or_questions(siglip: MedSigLIPVision, lung_views: tuple[View, ...]) -> None:
    assert siglip.answer(prompt(*lung_views), []) == ()
    with pytest.raises(ValueError, match="needs a view"):
        siglip.answer(prompt(), [CYST])


def test_a_gemma_is_not_taken_for_a_siglip(tiny_gemma: Path, lung_views: tuple[View, ...]) -> None:
    with pytest.raises(UserError, match=r"type 'gemma3'; only siglip .* medsiglip:google/"):
        MedSigLIPVision(os.fspath(tiny_gemma)).answer(prompt(*lung_views), [CYST])


def test_a_checkpoint_without_tokenizer_files_is_named(
    tiny_siglip: Path, tmp_path: Path, lung_views: tuple[View, ...]
) -> None:
    folder = tmp_path / "tiny-siglip-copy"
    shutil.copytree(tiny_siglip, folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(UserError, match="tiny-siglip-copy"):
        MedSigLIPVision(os.fspath(folder)).answer(prompt(*lung_views), [CYST])


def test_too_little_memory_is_told_before_any_weight_is_loaded(
    tiny_siglip: Path, lung_views: tuple[View, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(medsiglip, "free_bytes", lambda **_: 1_000_000)
    with pytest.raises(UserError, match=r"in bfloat16 needs about 1\.1 GB of memory"):
        MedSigLIPVision(os.fspath(tiny_siglip)).answer(prompt(*lung_views), [CYST])


def test_float16_is_refused() -> None:
    with pytest.raises(UserError, match="'float16' is not accepted; give bfloat16 or float32"):
        MedSigLIPVision("google/medsiglip-448", dtype="float16")


def test_identity_names_backend_model_and_precision(tiny_siglip: Path) -> None:
    assert re.fullmatch(
        r"medsiglip tiny-siglip \(local folder, weights [0-9a-f]{12}, bfloat16\)",
        MedSigLIPVision(os.fspath(tiny_siglip)).identity,
    )


def test_the_default_precision_answers_nearly_the_same(
    tiny_siglip: Path, siglip: MedSigLIPVision, lung_views: tuple[View, ...]
) -> None:
    (exact,) = siglip.answer(prompt(*lung_views), [CYST])
    (rounded,) = MedSigLIPVision(os.fspath(tiny_siglip)).answer(prompt(*lung_views), [CYST])
    assert rounded.p_yes == pytest.approx(exact.p_yes, abs=0.1)
