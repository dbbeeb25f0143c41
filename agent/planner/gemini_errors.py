"""What can go wrong between Hoofbeat and Gemini, and what becomes of each of it.

Three questions are answered here and nowhere else: is a failed call worth another try, how long
to wait before it (`Patience`), and is a finished reply fit to be used (`flaw_in`). Messages meant
for a person hold no key and no text of the case: what the service quotes from a request is cut.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from json import JSONDecodeError
from typing import Any

from tools.errors import UserError

TRANSIENT_CODES = frozenset({408, 429, 500, 502, 503, 504})
REQUEST_CODES = frozenset({400, 413, 422})  # of what it holds; FAILED_PRECONDITION is of the sender
LONGEST_BACKOFF_S = 60.0

# Worth one repair turn: the model slipped, and told so it usually does better.
_REPAIRABLE = {
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
}


class PlannerError(UserError):
    """The planner gave no usable answer; the message says in one line what to do."""


class PlannerUnavailable(PlannerError):
    """The service could not be reached, is overloaded, or the quota is used up."""


class PlannerRefused(PlannerError):
    """The service refused the request, or it may not be sent; the message says what to mend."""


class RequestRefused(PlannerRefused):
    """What this one request holds was refused (too long, most often); another may be taken."""


class PlannerBlocked(PlannerError):
    """A content filter stopped the prompt or the answer."""


class PlannerUnusable(PlannerError):
    """The model answered in a form that cannot be used, also after it was told why."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One failed call, reduced to what may be shown and what decides the next step.

    Attributes:
        what: "HTTP 503 UNAVAILABLE" or the name of the connection error.
        code: HTTP status; None when no answer came.
        reasons: google.rpc.ErrorInfo reasons, e.g. API_KEY_INVALID.
        says: The service's own words, quotations and key cut; "" when there are none.
        asked_wait_s: Longest of Retry-After and google.rpc.RetryInfo, seconds; None without either.
        is_transient: Whether the same call may succeed later.
        is_daily_quota: Whether the quota that is used up is one per day.
    """

    what: str
    code: int | None = None
    reasons: frozenset[str] = frozenset()
    says: str = ""
    asked_wait_s: float | None = None
    is_transient: bool = False
    is_daily_quota: bool = False


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """Why a finished reply cannot be used: told to the model first, to the person after that."""

    to_model: str
    to_person: str


@cache
def call_errors() -> tuple[type[Exception], ...]:
    """Exceptions that a call through google-genai raises when the service or the line fails.

    The SDK speaks through httpx, httpx2, aiohttp or requests, whichever is installed.
    """
    from google.auth.exceptions import GoogleAuthError
    from google.genai.errors import APIError, UnknownApiResponseError

    found = [APIError, UnknownApiResponseError, GoogleAuthError, JSONDecodeError]
    found += [ConnectionError, TimeoutError]
    for module, error in (
        ("httpx", "RequestError"),
        ("httpx2", "RequestError"),
        ("aiohttp", "ClientError"),
        ("requests", "RequestException"),
    ):
        if importlib.util.find_spec(module):
            found.append(getattr(importlib.import_module(module), error))
    return tuple(found)


def read_fault(error: Exception, *, secret: str) -> Fault:
    """Reduce one of `call_errors` to a Fault.

    Args:
        error: What the SDK raised.
        secret: The API key, so that it can be cut from what the service says; "" for none.
    """
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.genai.errors import APIError

    name = type(error).__name__
    if isinstance(error, GoogleAuthError):
        return Fault(what=name, is_transient=isinstance(error, TransportError), code=None)
    if not isinstance(error, APIError):
        return Fault(what=name, is_transient=True)
    details = _details(error.details)
    headers = getattr(error.response, "headers", None) or {}
    waits = [_retry_after_s(dict(headers)), *map(_retry_info_s, details)]
    quotas = [v.get("quotaId", "") for d in details for v in d.get("violations", ())]
    return Fault(
        what=f"HTTP {error.code} {_safe_words(error.status, secret)}".strip(),
        code=error.code,
        reasons=frozenset(d["reason"] for d in details if "reason" in d),
        says=_safe_words(error.message, secret),
        asked_wait_s=max((wait for wait in waits if wait is not None), default=None),
        is_transient=error.code in TRANSIENT_CODES,
        is_daily_quota=error.code == 429 and any("PerDay" in quota for quota in quotas),
    )


def refusal(fault: Fault, *, model: str, is_vertex: bool) -> PlannerRefused:
    """The error for a call that will never succeed as it is; names the setting to change."""
    what, key = "key", "GEMINI_API_KEY or GOOGLE_API_KEY"
    if is_vertex:
        what = "credentials"
        key = "project, location and login (gcloud auth application-default login)"
    says = f": {fault.says}" if fault.says else ""
    if fault.code is None or fault.code == 401 or "API_KEY_INVALID" in fault.reasons:
        return PlannerRefused(
            f"Gemini does not accept the {what} ({fault.what}); set a valid {key}"
        )
    if fault.code == 403:
        return PlannerRefused(
            f"Gemini does not let this key use model {model!r} ({fault.what}{says}); "
            f"check what {key} may do, or name another model"
        )
    if fault.code == 404:
        return PlannerRefused(
            f"Gemini has no model {model!r} for this key ({fault.what}); set the planner's model, "
            "for example to 'gemini-flash-latest'"
        )
    is_of_request = fault.code in REQUEST_CODES and "FAILED_PRECONDITION" not in fault.what
    return (RequestRefused if is_of_request else PlannerRefused)(
        f"Gemini refused the request to model {model!r} ({fault.what}{says}); "
        f"check the model name, the tools' schemas and {key}"
    )


class Patience:
    """How often and how long one turn may be tried again; the only layer that does so.

    Args:
        attempts: Calls in all, the first one included.
        backoff_s: Upper end of the first wait, seconds; doubles with every fault, up to 60 s.
        limit_s: Seconds after which nothing is started any more.
    """

    def __init__(self, *, attempts: int, backoff_s: float, limit_s: float) -> None:
        self._attempts = attempts
        self._backoff_s = backoff_s
        self._limit_s = limit_s
        self._faults = 0
        self._deadline = time.monotonic() + limit_s

    def remaining_s(self) -> float:
        """Seconds left of the limit; never negative."""
        return max(0.0, self._deadline - time.monotonic())

    def wait_after(self, fault: Fault) -> float:
        """Seconds to wait before the next try: never less than the service asked for.

        Raises:
            PlannerUnavailable: If no try is left, in number or in time.
        """
        self._faults += 1
        if fault.is_daily_quota:
            raise PlannerUnavailable(
                f"Gemini's daily quota for this key is used up ({fault.what}); "
                "wait until it renews, raise it, or use another key or model"
            )
        if self._faults >= self._attempts:
            raise PlannerUnavailable(self._given_up(fault))
        backoff_s = min(self._backoff_s * 2 ** (self._faults - 1), LONGEST_BACKOFF_S)
        # Jitter keeps many cases that failed together from coming back together.
        wait_s = (fault.asked_wait_s or 0.0) + random.uniform(backoff_s / 2, backoff_s)  # noqa: S311
        if wait_s >= self.remaining_s():
            asked = f" and asks to wait {fault.asked_wait_s:.0f} s" if fault.asked_wait_s else ""
            raise PlannerUnavailable(
                f"Gemini is not available ({fault.what}){asked}, which goes past the limit of "
                f"{self._limit_s:g} s for one turn; try again later"
            )
        return wait_s

    def _given_up(self, fault: Fault) -> str:
        if fault.code == 429 and fault.asked_wait_s is None:
            return (
                f"Gemini's quota for this key is used up ({fault.what}, {self._faults} tries); "
                "wait until it renews, raise it, or use another key or model"
            )
        return (
            f"Gemini is not available ({fault.what}, {self._faults} tries); "
            "check the connection, or try again later"
        )


def flaw_in(
    *, finish_reason: str, finish_message: str, is_empty: bool, max_output_tokens: int | None
) -> Flaw | None:
    """Judge a reply that ended: None when it may be used.

    Args:
        finish_reason: Gemini's FinishReason by name; only STOP is ever used.
        finish_message: Gemini's remark on it, which may quote the model, so it goes to the model
            only; the SDK passes it on from Vertex AI alone.
        is_empty: Whether the reply holds neither text nor a call.
        max_output_tokens: The limit that was set, for the message.

    Raises:
        PlannerBlocked: If a filter ended it; asking again does not help.
    """
    if finish_reason == "STOP":
        if not is_empty:
            return None
        return Flaw(
            to_model="Your last turn was empty. Answer in text, or call one of the functions.",
            to_person="Gemini gave an empty answer; try again, or name another model",
        )
    if finish_reason == "MAX_TOKENS":
        return Flaw(
            to_model="Your last turn was cut off at the output limit and none of it was used. "
            "Answer again, much shorter.",
            to_person="Gemini's answer was cut off at the output limit; raise "
            f"max_output_tokens (now {max_output_tokens or 'the model default'})",
        )
    if finish_reason in _REPAIRABLE:
        remark = f" ({finish_message[:500]})" if finish_message else ""
        return Flaw(
            to_model=f"Your last turn ended with {finish_reason}{remark} and none of it was used. "
            "Call only the functions declared, with arguments that fit their schemas.",
            to_person=f"Gemini gave a function call that cannot be used ({finish_reason}); "
            "try again, or name another model",
        )
    raise PlannerBlocked(
        f"Gemini stopped its answer ({finish_reason}); change the wording of the case, "
        "or use another planner"
    )


def _details(payload: Any) -> list[dict[str, Any]]:
    """The google.rpc details of an error body, whatever shape it came in; [] when none."""
    error = payload.get("error", payload) if isinstance(payload, dict) else {}
    details = error.get("details", []) if isinstance(error, dict) else []
    return [detail for detail in details if isinstance(detail, dict)]


def _retry_info_s(detail: dict[str, Any]) -> float | None:
    """google.rpc.RetryInfo's retryDelay, a protobuf Duration in JSON: "3.5s"."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(detail.get("retryDelay", "")))
    return float(found[1]) if found else None


def _retry_after_s(headers: dict[str, str]) -> float | None:
    """The Retry-After header (RFC 9110, 10.2.3): seconds, or a date."""
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "")
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _safe_words(message: Any, secret: str) -> str:
    """First line of the service's message without the key and without anything it quotes."""
    words = str(message or "").strip().partition("\n")[0]
    if secret:
        words = words.replace(secret, "…")
    return re.sub(r"\"[^\"]*\"?|(?<!\w)'[^']*'?", "'…'", words)[:200]
