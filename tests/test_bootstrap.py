"""The set-up script: it starts over after a set-up that did not end, and not otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import bootstrap


@pytest.fixture
def installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The set-up without a network: what pip would be told, in order."""
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "BIN", tmp_path / ".venv" / "bin")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / "stamp.json")

    def create(folder: Path, **_: bool) -> None:
        folder.mkdir(exist_ok=True)
        told.append(("create",))

    monkeypatch.setattr("venv.create", create)
    monkeypatch.setattr(bootstrap, "install_torch", lambda: None)
    monkeypatch.setattr(bootstrap, "pip", lambda *arguments: told.append(arguments))
    return told


def test_it_installs_once_and_adds_an_extra_without_starting_over(
    installs: list[tuple[str, ...]],
) -> None:
    bootstrap.set_up("")
    bootstrap.set_up("")
    assert [step[0] for step in installs] == ["create", "install"]
    bootstrap.set_up("dev")
    bootstrap.set_up("dev")
    assert [step[0] for step in installs] == ["create", "install", "install"]
    assert ".[dev]" in installs[-1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda stamp: stamp.unlink(),
        lambda stamp: stamp.write_text('{"hash": "', "utf-8"),
    ],
)
def test_a_set_up_that_did_not_end_is_started_over(
    installs: list[tuple[str, ...]], spoil: Callable[[Path], object]
) -> None:
    bootstrap.set_up("")
    spoil(bootstrap.STAMP)
    bootstrap.set_up("")
    assert [step[0] for step in installs] == ["create", "install"] * 2


def test_changed_dependencies_are_installed_into_the_same_environment(
    installs: list[tuple[str, ...]],
) -> None:
    bootstrap.set_up("")
    stamp = json.loads(bootstrap.STAMP.read_text("utf-8"))
    bootstrap.STAMP.write_text(json.dumps({**stamp, "hash": "old"}), "utf-8")
    bootstrap.set_up("")
    assert [step[0] for step in installs] == ["create", "install", "install"]
