from __future__ import annotations

from collections.abc import Sequence
from threading import Barrier
from typing import Any

import pytest

from knowledge.vocabulary import Term
from tests.tools.vision.scripted import Scripted, line, listing, looks_at, never
from tools.errors import ToolFailure, UserError
from tools.extract import extract_findings
from tools.imaging.volume import Volume
from tools.vision.base import Capabilities, Reply, Request

EMPTY = listing()


def test_windows_go_together_in_batches_of_the_backends_size(
    chest: Volume, terms: tuple[Term, ...]
) -> None:
    vision = Scripted(lambda request: EMPTY, batch=2)
    looks = looks_at(chest, terms, "lung", "bone", "angio", "wide", "brain")
    extract_findings(vision, looks, is_disease=never)
    assert vision.calls == [2, 2, 1]


def test_windows_are_asked_at_the_same_time_where_the_backend_allows_it(
    chest: Volume, terms: tuple[Term, ...]
) -> None:
    class Meeting:
        """Answers only when two requests are with it at once."""

        identity = "meeting"
        capabilities = Capabilities(
            images_per_prompt=85, guided_json=False, log_probabilities=False, parallel=2
        )

        def __init__(self) -> None:
            self._barrier = Barrier(2, timeout=20)

        def generate(self, requests: Sequence[Request]) -> tuple[Reply, ...]:
            self._barrier.wait()
            window = requests[0].prompt.views[0].window
            term = "lung-cysts" if window == "lung" else "lytic-bone-lesion"
            return (Reply(text=listing(line(term))),)

        answer = Scripted.answer

    looks = looks_at(chest, terms, "lung", "bone")
    lung, bone = extract_findings(Meeting(), looks, is_disease=never)
    assert [f.term for f in lung.findings] == ["lung-cysts"]
    assert [f.term for f in bone.findings] == ["lytic-bone-lesion"]


@pytest.mark.parametrize("can", [{}, {"batch": 3}, {"parallel": 3}])
def test_a_window_that_fails_does_not_lose_the_others(
    can: dict[str, Any], chest: Volume, terms: tuple[Term, ...]
) -> None:
    def say(request: Request) -> str | ToolFailure:
        if request.prompt.views[0].window == "bone":
            return ToolFailure("the server did not answer; go on without")
        return listing(line("lung-cysts"))

    looks = looks_at(chest, terms, "lung", "bone", "angio")
    extracted = extract_findings(Scripted(say, **can), looks, is_disease=never)
    assert [len(one.findings) for one in extracted] == [1, 0, 1]
    assert [one.failure for one in extracted] == [
        "",
        "the server did not answer; go on without",
        "",
    ]


def test_when_every_window_fails_the_planner_is_told_each_reason_once(
    chest: Volume, terms: tuple[Term, ...]
) -> None:
    vision = Scripted(lambda request: ToolFailure("no answer; go on without"))
    with pytest.raises(ToolFailure) as failed:
        extract_findings(vision, looks_at(chest, terms, "lung", "bone"), is_disease=never)
    assert str(failed.value) == "no answer; go on without"


def test_a_setting_that_must_be_mended_is_not_taken_for_a_failed_window(
    chest: Volume, terms: tuple[Term, ...]
) -> None:
    class Unset(Scripted):
        def generate(self, requests: Sequence[Request]) -> tuple[Reply, ...]:
            raise UserError("set the key")

    looks = looks_at(chest, terms, "lung", "bone")
    with pytest.raises(UserError, match="set the key"):
        extract_findings(Unset(parallel=2), looks, is_disease=never)
