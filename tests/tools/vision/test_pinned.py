"""Models of a hub whose branch moves, and folders whose files change."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.tools.vision.asking import prompt_of
from tests.tools.vision.hub_server import COMMIT, Hub
from tests.tools.vision.scripted import Scripted, yes
from tools.imaging.windows import View
from tools.vision.base import ClosedQuestion, Reply, Request, VisionPrompt, YesNo
from tools.vision.cache import CachedVision
from tools.vision.hub import fingerprint
from tools.vision.medsiglip import MedSigLIPVision
from tools.vision.pinned import PinnedModel
from tools.vision.transformers_model import TransformersVision

LATER = "fedcba9876543210fedcba9876543210fedcba98"


def test_a_branch_is_named_with_the_commit_that_it_means_before_weights_are_fetched(
    hub: list[str],
) -> None:
    assert TransformersVision("lab/fine").identity == (
        f"transformers lab/fine@{COMMIT} (unpinned main, bfloat16)"
    )
    assert MedSigLIPVision("lab/fine", revision="v1").identity == (
        f"medsiglip lab/fine@{COMMIT} (unpinned v1, bfloat16)"
    )
    assert set(hub) == {"config.json"}


@pytest.mark.usefixtures("hub")
def test_a_branch_that_moves_changes_neither_name_nor_folder_of_a_model_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = PinnedModel("lab/fine", None)
    name = model.name
    monkeypatch.setattr(Hub, "commit", LATER)
    assert model.name == name == f"lab/fine@{COMMIT} (unpinned main)"
    assert model.folder().name == COMMIT
    assert PinnedModel("lab/fine", None).name == f"lab/fine@{LATER} (unpinned main)"


@pytest.mark.usefixtures("hub")
def test_without_network_the_commit_last_fetched_is_named_and_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from huggingface_hub import constants

    PinnedModel("lab/fine", None).folder()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    model = PinnedModel("lab/fine", None)
    assert model.name == f"lab/fine@{COMMIT} (unpinned main)"
    assert model.folder().name == COMMIT


@pytest.mark.usefixtures("hub")
def test_a_model_that_the_hub_does_not_give_is_named_as_it_was_set() -> None:
    assert PinnedModel("lab/gated", None, details=("bfloat16",)).name == (
        "lab/gated@main (unpinned, bfloat16)"
    )


@pytest.mark.usefixtures("hub")
def test_replies_of_an_earlier_commit_are_not_given_for_a_later_one(
    lung_views: tuple[View, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(prompt=prompt_of(lung_views), max_new_tokens=1)

    def cut_off_or_cached() -> tuple[bool, bool]:
        identity = TransformersVision("lab/fine", dtype="float32").identity
        (reply,) = CachedVision(Scripted("said", identity=identity), tmp_path).generate([request])
        return reply.is_cut_off, reply.is_cached

    assert [cut_off_or_cached() for _ in range(2)] == [(False, False), (False, True)]
    monkeypatch.setattr(Hub, "commit", LATER)
    assert cut_off_or_cached() == (False, False)
    monkeypatch.setattr(Hub, "commit", COMMIT)
    assert cut_off_or_cached() == (False, True)


def test_a_reply_of_a_model_whose_commit_came_with_it_is_not_kept_under_no_commit(
    lung_views: tuple[View, ...], tmp_path: Path
) -> None:
    class Late(Scripted):
        """The hub did not answer at first; the model was loaded all the same."""

        def generate(self, requests: Sequence[Request]) -> tuple[Reply, ...]:
            self.identity = "loaded"
            return super().generate(requests)

        def answer(
            self, prompt: VisionPrompt, questions: Sequence[ClosedQuestion]
        ) -> tuple[YesNo, ...]:
            self.identity = "loaded"
            return super().answer(prompt, questions)

    prompt, question = prompt_of(lung_views), ClosedQuestion(text="Is it?", finding="it")
    for _ in range(2):
        vision = CachedVision(Late("said", identity="unknown"), tmp_path / "said")
        assert vision.generate([Request(prompt=prompt)]) == (Reply(text="said"),)
        vision = CachedVision(Late(answers=[yes(0.9)], identity="unknown"), tmp_path / "asked")
        assert vision.answer(prompt, [question]) == (yes(0.9),)


def test_one_small_tensor_of_large_weights_changes_the_fingerprint(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    large = np.zeros(2_000_000, dtype=np.float32)  # 8 MB, of which little is read
    folders = [tmp_path / name for name in ("one", "same", "tuned")]
    for folder, value in zip(folders, (1, 1, 2), strict=True):
        folder.mkdir()
        small = np.full(4, value, dtype=np.float32)
        save_file({"large": large, "small": small}, folder / "model.safetensors")
    one, same, tuned = map(fingerprint, folders)
    assert one == same != tuned


def test_another_chat_template_changes_the_fingerprint(tiny_gemma: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_gemma, tmp_path / "model")
    assert fingerprint(folder) == fingerprint(tiny_gemma)
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text().replace("| trim", "|  trim"))
    assert fingerprint(folder) != fingerprint(tiny_gemma)


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]", b"short"])
def test_a_damaged_file_has_a_fingerprint_too(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    assert len(fingerprint(tmp_path)) == 12


def test_a_folder_that_comes_later_is_named_with_its_fingerprint(
    tiny_gemma: Path, tmp_path: Path
) -> None:
    model = PinnedModel(os.fspath(tmp_path / "model"), None)
    assert model.name == "model (local folder)"
    shutil.copytree(tiny_gemma, tmp_path / "model")
    assert model.name == f"model (local folder, weights {fingerprint(tiny_gemma)})"
