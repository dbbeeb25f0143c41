"""What the refusals of a vision server mean, and for whom: the planner, the person, or a retry.

A server may quote the prompt in its error, so its words are searched and never repeated.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from tools.errors import ToolFailure, UserError

_TRANSIENT_STATUS = frozenset({408, 429, 500, 502, 503, 504})

# vLLM: "At most 1 image(s) may be provided in one prompt."
_IMAGE_LIMIT = re.compile(r"at most (\d+) image", re.IGNORECASE)
# vLLM has said it in three ways, OpenAI in the first of them and by its code.
_CONTEXT = re.compile(
    r"maximum context length|maximum model length|context length is only|context_length_exceeded",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content_filter|content_policy", re.IGNORECASE)
# `transformers serve MODEL`, asked for another model, answers 400.
_PINNED = re.compile(r"server is pinned to", re.IGNORECASE)
# Vertex AI, when a dedicated endpoint is asked through the regional address.
_DEDICATED = re.compile(r"dedicated endpoint", re.IGNORECASE)


class Transient(Exception):
    """A fault that another try may not meet.

    Attributes:
        asked_wait_s: What the server asked for in Retry-After, seconds; None without it.
        in_the_end: The error for whoever asked, once no try is left.
    """

    def __init__(
        self, in_the_end: UserError | ToolFailure, asked_wait_s: float | None = None
    ) -> None:
        super().__init__(str(in_the_end))
        self.in_the_end = in_the_end
        self.asked_wait_s = asked_wait_s


class NotFound(Exception):
    """The server has no such model, endpoint or path; the backend knows which setting is wrong."""


class Refused(UserError):
    """The server does not accept a field or value of the request."""


class TooManyImages(ToolFailure):
    """More views than the server takes in one prompt; `limit` says how many it does."""

    def __init__(self, limit: int, given: int) -> None:
        super().__init__(
            f"the vision server takes at most {limit} images in one prompt, {given} were given; "
            f"ask for at most {limit} slices (vLLM takes more when it is started with "
            f"--limit-mm-per-prompt '{{\"image\": 85}}')"
        )
        self.limit = limit


def fault_in(
    status: int, headers: Mapping[str, str], body: bytes, *, images: int, access: str
) -> Exception:
    """The exception for an answer that is not 200.

    Args:
        status: HTTP status, not 200.
        headers: By any case; Retry-After is read.
        body: As it came.
        images: How many the request held.
        access: What to do when the server does not let us in.

    Returns:
        Transient, NotFound, Refused or TooManyImages, else a plain UserError or ToolFailure.
    """
    words = _words(body)
    if limit := _IMAGE_LIMIT.search(words):
        return _image_limit(int(limit[1]), images)
    if status == 413 or _CONTEXT.search(words):
        return ToolFailure(
            f"the prompt is too long for the vision server ({images} slices given); "
            "ask for fewer slices"
        )
    if _FILTERED.search(words):
        return filtered()
    if status in _TRANSIENT_STATUS:
        return Transient(unavailable(f"HTTP {status}"), retry_after_s(headers))
    if status in (401, 403):
        return UserError(f"the vision server does not let us in (HTTP {status}); {access}")
    if _DEDICATED.search(words):
        return UserError(
            "this Vertex AI endpoint has an address of its own; set HOOFBEAT_VISION_BASE_URL to "
            "its dedicated DNS name (ENDPOINT.REGION-PROJECT.prediction.vertexai.goog)"
        )
    if status == 404 or _PINNED.search(words):
        return NotFound(f"HTTP {status}")
    if 300 <= status < 400:
        return UserError(
            f"the vision server sends us elsewhere (HTTP {status}), and images are not sent on; "
            "set HOOFBEAT_VISION_BASE_URL to the address that it answers at"
        )
    return Refused(
        f"the vision server refuses the request (HTTP {status}); check that the model of "
        "HOOFBEAT_VISION takes images and a chat template, and read the server's log"
    )


def unavailable(what: str) -> ToolFailure:
    """The error for a server that gives no usable answer for now.

    Args:
        what: "HTTP 503", "no answer within 120 s".
    """
    return ToolFailure(
        f"the vision server gave no usable answer ({what}); go on without it, or ask again later"
    )


def filtered() -> ToolFailure:
    """The error for an answer that a content filter stopped."""
    return ToolFailure(
        "a content filter of the vision server stopped the answer; ask of other slices or windows, "
        "or go on without"
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The Retry-After header (RFC 9110, 10.2.3), seconds or a date, as seconds from now."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _image_limit(limit: int, images: int) -> Exception:
    if limit:
        return TooManyImages(limit, images)
    return UserError(
        "the vision server takes no images; start vLLM with "
        "--limit-mm-per-prompt '{\"image\": 85}', or set HOOFBEAT_VISION to a model that sees"
    )


def _words(body: bytes) -> str:
    """Code and message of an error, in the shapes that servers give them; "" for none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if isinstance(found, list) and found:  # Google wraps some errors in a list
        found = found[0]
    error: Any = found.get("error", found) if isinstance(found, dict) else ""
    if not isinstance(error, dict):
        return str(error)
    return " ".join(str(error.get(name, "")) for name in ("code", "message", "detail"))
