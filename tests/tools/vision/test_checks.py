from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tools.vision.hub_server import COMMIT
from tools.vision import checkpoint
from tools.vision.checks import CheckLine, diagnose_checkpoint


def diagnose(
    model: object, *, revision: str | None = None, free: int = 10**9
) -> dict[str, CheckLine]:
    lines = diagnose_checkpoint(
        str(model), revision=revision, dtype="bfloat16", quantization="none", free=free
    )
    return {line.what: line for line in lines}


def test_a_whole_folder_passes_every_check_without_being_loaded(
    tiny_gemma: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "load_model", None)  # would fail if called
    lines = diagnose(tiny_gemma)
    assert [*lines] == [
        "vision packages", "vision checkpoint", "vision revision", "vision memory"
    ]  # fmt: skip
    assert all(line.works for line in lines.values())
    assert "on this machine" in lines["vision checkpoint"].detail
    assert lines["vision memory"].detail.endswith("1.0 GB is free")


def test_a_missing_folder_ends_the_checks(tmp_path: Path) -> None:
    lines = diagnose(tmp_path / "nowhere")
    assert [line.works for line in lines.values()] == [True, False]
    assert "does not exist" in lines["vision checkpoint"].detail


def test_missing_packages_are_named_with_their_extras(
    tiny_gemma: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        checkpoint, "find_spec", lambda name: None if name == "bitsandbytes" else object()
    )
    lines = diagnose_checkpoint(
        os.fspath(tiny_gemma), revision=None, dtype="bfloat16", quantization="4bit"
    )
    assert not lines[0].works
    assert lines[0].detail == "bitsandbytes: pip install 'hoofbeat[quantized]'"
    assert diagnose(tiny_gemma)["vision packages"].works


def test_too_little_memory_fails_with_the_figures(tiny_gemma: Path) -> None:
    line = diagnose(tiny_gemma, free=1_000_000)["vision memory"]
    assert not line.works
    assert "in bfloat16 with 1 picture needs about" in line.detail
    assert "by precision: float32" in line.detail


def test_a_model_of_the_hub_is_checked_without_fetching_its_weights(hub: list[str]) -> None:
    lines = diagnose("lab/fine", revision=COMMIT)
    assert all(line.works for line in lines.values())
    assert "fetched at the first use" in lines["vision checkpoint"].detail
    assert lines["vision revision"].detail == f"pinned to {COMMIT}"
    # The weights are asked for their header alone, by a range that this server does not honour.
    assert hub.count("model.safetensors") == 1 + 1  # whether it is there, and its header


def test_a_branch_of_the_hub_is_said_to_be_unpinned(hub: list[str]) -> None:
    line = diagnose("lab/fine")["vision revision"]
    assert line.works
    assert line.detail.startswith("unpinned: main can change under the same name; set HOOFBEAT_")


def test_a_gated_model_ends_the_checks_with_what_to_do(hub: list[str]) -> None:
    lines = diagnose("lab/gated")
    assert "accept its terms" in lines["vision checkpoint"].detail
    assert [*lines] == ["vision packages", "vision checkpoint"]
