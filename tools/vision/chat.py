"""Chat completions, as OpenAI-compatible servers and Vertex AI speak them.

What goes out, how a completion is read, and the two ways to a closed question's p(yes).
"""

from __future__ import annotations

import base64
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from tools.errors import ToolFailure
from tools.imaging.windows import View
from tools.vision.base import Capabilities, ClosedQuestion, Reply, Request, VisionPrompt, YesNo
from tools.vision.completion import (
    Completion,
    average_of_orders,
    p_yes_of_tokens,
    yes_no_of_samples,
)
from tools.vision.endpoint import Endpoint, EndpointOptions
from tools.vision.prompting import picture, user_parts, without_thinking, yes_no_questions

Json = dict[str, Any]

IMAGES_PER_PROMPT = 85  # slices in MedGemma's own training prompts
SAMPLES = 5
_SAMPLE_TOKENS = 16
_TOP_TOKENS = 20  # what vLLM and OpenAI give at most

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def data_uri(view: View, image_format: Literal["png", "jpeg"]) -> str:
    """The view as the model wants it, as a data URI: servers open paths and URLs that they get."""
    encoded = io.BytesIO()
    if image_format == "png":
        picture(view).save(encoded, "PNG", compress_level=1)
    else:
        # The colours of a composite are HU of three windows, so their resolution is kept.
        picture(view).save(encoded, "JPEG", quality=95, subsampling=0)
    return f"data:image/{image_format};base64," + base64.b64encode(encoded.getvalue()).decode()


def user_content(prompt: VisionPrompt, pictures: Sequence[Json]) -> list[Json]:
    """The content parts of the user turn, in the order that the model was trained on.

    Args:
        prompt: The turn.
        pictures: The content part of each view, in order.
    """
    following = iter(pictures)
    return [
        {"type": "text", "text": part} if isinstance(part, str) else next(following)
        for part in user_parts(prompt)
        if part != ""
    ]


class ChatVision(ABC):
    """What the backends over chat completions share; a VisionModel, and a context manager."""

    def __init__(self, endpoint: Endpoint, options: EndpointOptions) -> None:
        self._endpoint = endpoint
        self._options = options

    @property
    @abstractmethod
    def identity(self) -> str:
        """Backend, model and server."""

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What the server can do."""

    @abstractmethod
    def _complete(self, content: list[Json] | str, fields: Json, *, images: int) -> Completion:
        """One request: a user turn and the sampling fields."""

    def _pictures(self, prompt: VisionPrompt) -> list[Json]:
        """The content part of each view, in order."""
        return [
            {"type": "image_url", "image_url": {"url": data_uri(view, self._options.image_format)}}
            for view in prompt.views
        ]

    def _guide(self, request: Request) -> Json:
        """The fields that hold a reply to the request's schema; none where that is not done."""
        return {}

    def generate(self, requests: Sequence[Request]) -> tuple[Reply, ...]:
        """A reply to each request by greedy decoding, in order; several go at the same time.

        Raises:
            ToolFailure: No usable answer, or too much was asked.
            UserError: A setting is to be mended.
        """
        return self._in_parallel(self._reply, requests)

    def answer(
        self, prompt: VisionPrompt, questions: Sequence[ClosedQuestion]
    ) -> tuple[YesNo, ...]:
        """p(yes) of each question, in order.

        From the probabilities of the first token, both orders of the options averaged, where the
        server gives them. Otherwise from 5 samples at temperature 1, the order of the options
        alternating.

        Raises:
            ToolFailure: No usable answer, or too much was asked.
            UserError: A setting is to be mended.
        """
        pictures = self._pictures(prompt)
        images = len(prompt.views)
        wordings = [yes_no_questions(question.text) for question in questions]

        def ask(wording: str, fields: Json) -> Completion:
            content = user_content(replace(prompt, question=wording), pictures)
            return self._complete(content, fields, images=images)

        if self.capabilities.log_probabilities:
            first_token = {
                "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": _TOP_TOKENS
            }  # fmt: skip
            shares = self._in_parallel(
                lambda wording: p_yes_of_tokens(ask(wording, first_token).first_token),
                [wording for both in wordings for wording in both],
            )
            return tuple(map(average_of_orders, shares[::2], shares[1::2]))
        samples = self._in_parallel(
            lambda turn: _answer_in(ask(turn[0], self._sampling(turn[1])).text),
            [(both[seed % 2], seed) for both in wordings for seed in range(SAMPLES)],
        )
        return tuple(
            yes_no_of_samples(samples[start : start + SAMPLES])
            for start in range(0, len(samples), SAMPLES)
        )

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _sampling(self, seed: int) -> Json:
        """The fields of one sample."""
        return {"max_tokens": _SAMPLE_TOKENS, "temperature": 1.0}

    def _reply(self, request: Request) -> Reply:
        completion = self._complete(
            user_content(request.prompt, self._pictures(request.prompt)),
            {"max_tokens": request.max_new_tokens, "temperature": 0, **self._guide(request)},
            images=len(request.prompt.views),
        )
        try:
            text = without_thinking(completion.text)
        except ToolFailure:  # it never came to an answer
            return Reply(text="", is_cut_off=True)
        return Reply(text=text, is_cut_off=completion.is_cut_off)

    def _in_parallel(self, work: Callable[[_In], _Out], items: Sequence[_In]) -> tuple[_Out, ...]:
        """The results in order; the first fault ends what has not begun."""
        if len(items) < 2:
            return tuple(map(work, items))
        with ThreadPoolExecutor(max_workers=self._options.parallel) as pool:
            futures = [pool.submit(work, item) for item in items]
            try:
                return tuple(future.result() for future in futures)
            finally:
                for future in futures:
                    future.cancel()


def _answer_in(reply: str) -> str:
    try:
        return without_thinking(reply)
    except ToolFailure:  # cut off while thinking: neither yes nor no
        return ""
