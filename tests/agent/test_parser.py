"""The options of the commands: what may be said, what is taken when nothing is."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from agent.commands import COMMANDS
from agent.parser import build_parser


def _parsed(*arguments: str) -> argparse.Namespace:
    return build_parser().parse_args(arguments)


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The last line of the refusal; exit code 2."""
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def _of_each_command() -> dict[str, argparse.ArgumentParser]:
    chosen = next(
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(chosen.choices)


def test_every_command_that_is_offered_is_there_to_run() -> None:
    assert {*_of_each_command()} == {"diagnose", "demo", *COMMANDS}


@pytest.mark.parametrize("command", [[], *([name] for name in _of_each_command())])
def test_help_names_the_exit_codes_and_says_not_for_clinical_use(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([*command, "--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Not for clinical use. Exit codes: 0 done" in shown


def test_no_option_takes_a_secret() -> None:
    options = {
        option
        for parser in _of_each_command().values()
        for action in parser._actions
        for option in action.option_strings
    }
    named = {o for o in options if any(w in o for w in ("key", "token", "secret", "password"))}
    assert named == {"--key"}
    key = _parsed("deidentify", "study", "--out", "out", "--key", "study.key").key
    assert key == Path("study.key")  # the file that holds it


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ([], "COMMAND"),
        (["series"], "PATH"),
        (["montage", "study"], "--png"),
        (["montage", "--png", "sheet.png"], "PATH"),
        (["deidentify", "study"], "--out"),
        (["deidentify", "--out", "out"], "PATH"),
    ],
)
def test_what_a_command_needs_is_named_when_it_is_missing(
    arguments: list[str], missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert missing in _refused(capsys, *arguments).partition("required: ")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["montage", "study", "--png", "a.png", "--count", "few"], "'few'"),
        (["diagnose", "study", "--sex", "f"], "'f'"),
        (["diagnose", "study", "--age", "old"], "'old'"),
        (["demo", "gout"], "'gout'"),
        (["look", "study"], "'look'"),
        (["doctor", "study"], "study"),
    ],
)
def test_a_value_that_does_not_fit_is_named(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in _refused(capsys, *arguments)


def test_pixels_in_quarantine_stay_there_unless_a_person_says_otherwise() -> None:
    for command in ("diagnose", "series", "montage --png a.png", "deidentify --out out"):
        asked = [*command.split(), "study"]
        assert _parsed(*asked).release_quarantined is False
        assert _parsed(*asked, "--release-quarantined").release_quarantined is True


@pytest.mark.parametrize(
    ("arguments", "vision"),
    [
        ([], None),
        (["--vision"], ""),
        (["--vision", "openai:medgemma"], "openai:medgemma"),
    ],
)
def test_doctor_tells_no_check_of_the_eyes_from_one_of_the_configured_or_a_named_model(
    arguments: list[str], vision: str | None
) -> None:
    assert _parsed("doctor", *arguments).vision == vision


def test_a_series_of_a_diagnosis_and_of_a_montage_is_named_the_same_way() -> None:
    montage = _parsed("montage", "a", "b", "--png", "m.png", "--series", "S2", "--modality", "CT")
    assert (montage.paths, montage.series, montage.modality) == (["a", "b"], "S2", "CT")
    assert (montage.window, montage.count, montage.png) == ([], None, Path("m.png"))
    diagnosis = _parsed("diagnose", "a", "--series", "S2", "--modality", "CT")
    assert (diagnosis.paths, diagnosis.series, diagnosis.modality) == (["a"], "S2", "CT")
