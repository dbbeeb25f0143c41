"""A VisionModel that answers from lists: for what no real model can be made to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from knowledge.vocabulary import Term
from tools.errors import ToolFailure
from tools.imaging.raster import slice_views
from tools.imaging.volume import Volume
from tools.shown import Look
from tools.vision.base import Capabilities, ClosedQuestion, Reply, Request, VisionPrompt, YesNo

Said = str | Reply | ToolFailure | Callable[[Request], "str | Reply | ToolFailure"]


class Scripted:
    """Gives its replies in order, or one reply for every request, and keeps what it was asked."""

    def __init__(
        self, *replies: Said, answers: Sequence[YesNo] = (), identity: str = "scripted", **can: Any
    ) -> None:
        usual = {"images_per_prompt": 85, "guided_json": False, "log_probabilities": True}
        self.capabilities = Capabilities(**{**usual, **can})
        self.identity = identity
        self.requests: list[Request] = []
        self.calls: list[int] = []
        self.asked: list[tuple[VisionPrompt, tuple[ClosedQuestion, ...]]] = []
        self._replies = list(replies)
        self._answers = list(answers)
        self._lock = Lock()

    def generate(self, requests: Sequence[Request]) -> tuple[Reply, ...]:
        with self._lock:
            self.calls.append(len(requests))
            self.requests += requests
            said = [self._next(request) for request in requests]
        for one in said:
            if isinstance(one, ToolFailure):
                raise one
        return tuple(one for one in said if isinstance(one, Reply))

    def answer(
        self, prompt: VisionPrompt, questions: Sequence[ClosedQuestion]
    ) -> tuple[YesNo, ...]:
        self.asked.append((prompt, tuple(questions)))
        return tuple(self._answers.pop(0) for _ in questions)

    def _next(self, request: Request) -> Reply | ToolFailure:
        said = self._replies[0] if callable(self._replies[0]) else self._replies.pop(0)
        said = said(request) if callable(said) else said
        return Reply(text=said) if isinstance(said, str) else said


def looks_at(chest: Volume, terms: tuple[Term, ...], *windows: str) -> list[Look]:
    """Slices 2, 4 and 6 of a chest CT in each of those windows."""
    return [
        Look(
            views=slice_views(chest, "S2", window, (2, 4, 6)),
            terms=terms,
            is_volume=True,
            modality="CT",
        )
        for window in windows
    ]


def line(term: str, **given: object) -> dict[str, object]:
    """A line of the closed form: present, surely, on the first slice."""
    usual = {"present": True, "certainty": "high", "side": "none", "place": "none", "slices": [1]}
    return {"term": term, **usual, **given}


def listing(*lines: Mapping[str, object], other: Sequence[str] = ()) -> str:
    """A reply of the closed form."""
    return json.dumps({"findings": lines, "other": other})


def never(text: str) -> bool:
    """For tests without diseases."""
    return False


def yes(p_yes: float | None, **given: Any) -> YesNo:
    """An answer from log-probabilities, or as given."""
    return YesNo(**{"p_yes": p_yes, "how": "log-probabilities", **given})
