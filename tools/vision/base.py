"""The one protocol behind which every vision backend stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from tools.imaging.windows import View

HowAnswered = Literal["log-probabilities", "samples", "classification"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a backend can do; the tools adapt to it.

    Attributes:
        images_per_prompt: Most views in one prompt.
        generates: Writes text; a classifier does not, and only answers closed questions.
        guided_json: Replies are held to a schema while they are written.
        log_probabilities: Closed questions are answered from token probabilities.
        volumes: Takes a stack of slices as one volume; otherwise slices are single pictures.
        localises: Gives boxes on radiographs.
        batch: Requests that one call of `generate` gains from having together; 1 for none.
        parallel: Calls that may run at the same time from several threads.
    """

    images_per_prompt: int
    generates: bool = True
    guided_json: bool
    log_probabilities: bool
    volumes: bool = True
    localises: bool = False
    batch: int = 1
    parallel: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionPrompt:
    """One user turn: an instruction, the views, then the question.

    A view of a CT or MR volume is followed by the text `SLICE n`, as the model was trained; a
    single image follows the instruction alone.

    Attributes:
        dicomweb_uris: For an endpoint that reads the study from a DICOM store itself: the URI of
            the instance of each view, in order; empty everywhere else.
    """

    instruction: str
    views: tuple[View, ...]
    question: str
    is_volume: bool
    dicomweb_uris: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One prompt to be answered in words.

    Attributes:
        schema: A JSON schema with bounded strings and arrays; the reply is JSON that fits it where
            the backend has guided_json.
        max_new_tokens: A reply that is not finished by then is cut off.
    """

    prompt: VisionPrompt
    schema: Mapping[str, Any] | None = None
    max_new_tokens: int = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a backend answered.

    Attributes:
        text: Without the model's thinking.
        is_cut_off: Not finished within max_new_tokens, or lost in thinking.
        is_cached: From the reply cache; the model did not run.
    """

    text: str
    is_cut_off: bool = False
    is_cached: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedQuestion:
    """A yes/no question.

    Attributes:
        text: "Are there thin-walled cysts in the lungs?"
        finding: The finding's name, for backends that compare phrases: "thin-walled lung cysts".
    """

    text: str
    finding: str


@dataclass(frozen=True, kw_only=True, slots=True)
class YesNo:
    """The answer to a closed question.

    Attributes:
        p_yes: 0..1, not calibrated; None when the backend said neither yes nor no.
        how: What p_yes was read from.
        samples: How many samples it is the share of; 0 unless `how` is "samples".
        is_cached: From the reply cache; the model did not run.
    """

    p_yes: float | None
    how: HowAnswered
    samples: int = 0
    is_cached: bool = False


class VisionModel(Protocol):
    """Sees; never diagnoses.

    Every method may raise ToolFailure (the planner can ask for something else) and UserError (the
    person must mend a setting; the message names it). Threads may share one.
    """

    @property
    def identity(self) -> str:
        """Backend, model and revision, as reports and findings name it."""

    @property
    def capabilities(self) -> Capabilities:
        """What this backend can do; may ask the backend once."""

    def generate(self, requests: Sequence[Request]) -> tuple[Reply, ...]:
        """A reply to each request, in order. Who wants to lose one and not all, asks singly."""

    def answer(
        self, prompt: VisionPrompt, questions: Sequence[ClosedQuestion]
    ) -> tuple[YesNo, ...]:
        """p(yes) of closed questions on the same views, in order; prompt.question is not used."""
