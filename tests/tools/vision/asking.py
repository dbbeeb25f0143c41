"""A backend that asks a local server, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from tests.tools.vision.vision_server import KEY, MODEL, Step, VisionServer
from tools.imaging.windows import View
from tools.vision.base import Reply, Request, VisionModel, VisionPrompt
from tools.vision.endpoint import EndpointOptions
from tools.vision.openai_api import OpenAIVision


@contextmanager
def served(
    *script: Step,
    waits: list[float] | None = None,
    server: VisionServer | None = None,
    **given: Any,
) -> Iterator[tuple[VisionServer, OpenAIVision]]:
    """A server with that script, or the one given, and the backend that asks it.

    Nobody really waits between tries; the waits are kept in `waits`.
    """
    with server or VisionServer(script) as server:
        options = EndpointOptions(base_url=server.base_url, api_key=SecretStr(KEY), **given)
        sleep = (waits if waits is not None else []).append
        with OpenAIVision(MODEL, options, sleep=sleep) as vision:
            yield server, vision


def prompt_of(views: tuple[View, ...], question: str = "Is it?") -> VisionPrompt:
    """A volume prompt."""
    return VisionPrompt(instruction="Look.", views=views, question=question, is_volume=True)


def look(vision: VisionModel, views: tuple[View, ...]) -> Reply:
    """The reply to one request without a schema."""
    return vision.generate([Request(prompt=prompt_of(views))])[0]
