"""The one protocol behind which every vision backend stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tools.imaging.windows import View


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a backend can do; the tools adapt to it."""

    images_per_prompt: int
    guided_json: bool
    log_probabilities: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionPrompt:
    """One user turn: an instruction, the views, then the question.

    A view of a CT or MR volume is followed by the text `SLICE n`, as the model was trained; a
    single image follows the instruction alone.
    """

    instruction: str
    views: tuple[View, ...]
    question: str
    is_volume: bool


class VisionModel(Protocol):
    """Sees; never diagnoses."""

    @property
    def identity(self) -> str:
        """Backend, model and revision, as reports and findings name it."""

    @property
    def capabilities(self) -> Capabilities:
        """What this backend can do."""

    def generate(
        self, prompt: VisionPrompt, *, schema: Mapping[str, Any] | None, max_new_tokens: int
    ) -> str:
        """The model's answer; JSON that fits `schema` when one is given and guided_json holds."""

    def yes_probability(self, prompt: VisionPrompt) -> float | None:
        """p(yes) of a closed question, 0..1; None when yes and no together hold under half."""
