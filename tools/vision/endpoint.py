"""HTTP to a vision server: where pixels may go, how fast, how often, and for how long.

The one layer that retries and the one rate limiter of a backend. Loads httpx2, so it is imported
only where a server is configured.
"""

from __future__ import annotations

import json
import random
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from tools.errors import ToolFailure, UserError
from tools.vision.address import check_address
from tools.vision.endpoint_errors import Transient, fault_in, unavailable

_MOST_REPLY_BYTES = 16 << 20  # a reply of 2000 tokens with probabilities is below 2 MiB
_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointOptions:
    """How to talk to a vision server.

    Attributes:
        base_url: With its path, as in "http://127.0.0.1:8000/v1"; of Vertex AI the endpoint's own
            address, where it has one.
        api_key: Sent as a bearer token; never shown.
        timeout_s: For one request, and the longest wait that a server may ask for.
        connect_timeout_s: For the connection alone.
        retries: Further tries after a fault that may pass.
        requests_per_minute: Of this backend in all; 0 for no limit.
        parallel: Most requests at the same time.
        image_format: PNG is exact; JPEG is smaller, and no longer what the window gave.
        pixels_may_leave: Whether pixels may go to a server that is not on this machine.
    """

    base_url: str = ""
    api_key: SecretStr | None = None
    timeout_s: float = 120.0
    connect_timeout_s: float = 10.0
    retries: int = 3
    requests_per_minute: int = 0
    parallel: int = 4
    image_format: Literal["png", "jpeg"] = "png"
    pixels_may_leave: bool = False


class RateLimiter:
    """Spaces requests evenly, for all threads that share it.

    Args:
        requests_per_minute: 0 for no limit; `hold` works all the same.
        clock: Monotonic, seconds.
        sleep: Takes seconds.
    """

    def __init__(
        self,
        requests_per_minute: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = clock()

    def wait(self) -> None:
        """Sleep until this caller's turn."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._interval_s
        if turn > now:
            self._sleep(turn - now)

    def hold(self, seconds: float) -> None:
        """Let nobody's turn come for that long: the server asked one of us to wait."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


class Endpoint:
    """A connection to one server, shared by threads.

    Args:
        options: Where and how.
        headers: Gives the headers that let us in, fresh for every try.
        access: What the person does when the server does not let us in.
        sleep: Takes seconds; for waits between tries and for the rate limit.

    Raises:
        UserError: When the address is none, or images must not go there.
    """

    def __init__(
        self,
        options: EndpointOptions,
        *,
        headers: Callable[[], Mapping[str, str]],
        access: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        is_here = check_address(options.base_url, pixels_may_leave=options.pixels_may_leave)
        self._options = options
        self._base_url = options.base_url.rstrip("/")
        self._headers = headers
        self._access = access
        self._sleep = sleep
        self._slots = threading.BoundedSemaphore(options.parallel)
        self._limiter = RateLimiter(options.requests_per_minute, sleep=sleep)
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(options.timeout_s, connect=options.connect_timeout_s),
            limits=httpx2.Limits(max_keepalive_connections=options.parallel),
            # Or a proxy of the environment would carry what must stay on this machine.
            trust_env=not is_here,
            follow_redirects=False,
        )
        # Whoever drops the last reference closes the connections, and so does the interpreter's
        # end: an agent holds its backend for as long as it lives, and has no moment to close it.
        self._close = weakref.finalize(self, self._client.close)

    @property
    def host(self) -> str:
        """Host and port, as reports name the server."""
        return urlsplit(self._base_url).netloc

    def url(self, path: str) -> str:
        """The full address of a path below the base."""
        return f"{self._base_url}/{path}"

    def close(self) -> None:
        """Close the connections now; otherwise they are closed with the last reference to this."""
        self._close()

    def post(self, path: str, body: Mapping[str, Any], *, images: int = 0) -> dict[str, Any]:
        """Send JSON, read JSON.

        Args:
            path: Below the base address.
            body: What json.dumps takes.
            images: How many the body holds, for messages.

        Raises:
            UserError: The person must mend a setting, or the server asks for a long wait.
            ToolFailure: No usable answer, also not after the retries; or too much was asked.
            NotFound: The server has no such path or model.
        """
        return self._call("POST", path, json.dumps(body).encode(), images)

    def get(self, path: str) -> dict[str, Any]:
        """Read JSON; raises as `post` does."""
        return self._call("GET", path, None, 0)

    def _call(self, method: str, path: str, content: bytes | None, images: int) -> dict[str, Any]:
        retrying = Retrying(
            sleep=self._sleep,
            stop=stop_after_attempt(self._options.retries + 1),
            wait=_wait_s,
            retry=retry_if_exception_type(Transient),
            reraise=True,
        )
        try:
            return retrying(self._try, method, path, content, images)
        except Transient as fault:
            raise fault.in_the_end from fault

    def _try(self, method: str, path: str, content: bytes | None, images: int) -> dict[str, Any]:
        # A try that waits for its turn holds a slot; one that waits for the server to recover
        # does not.
        with self._slots:
            self._limiter.wait()
            try:
                status, headers, body = self._exchange(method, path, content)
            except httpx2.TransportError as error:
                raise self._line_fault(error) from error
            except httpx2.DecodingError as error:
                raise Transient(unavailable("its answer cannot be decoded")) from error
        if status == 200:
            return _parsed(body)
        fault = fault_in(status, headers, body, images=images, access=self._access)
        if isinstance(fault, Transient) and fault.asked_wait_s:
            self._bear(fault.asked_wait_s)
        raise fault

    def _exchange(
        self, method: str, path: str, content: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        deadline = time.monotonic() + self._options.timeout_s
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        body = bytearray()
        with self._client.stream(
            method, self.url(path), content=content, headers={**headers, **self._headers()}
        ) as response:
            for piece in response.iter_bytes():
                body += piece
                if len(body) > _MOST_REPLY_BYTES:
                    raise ToolFailure(
                        f"the vision server's answer is larger than {_MOST_REPLY_BYTES >> 20} MiB "
                        "and was not read; go on without it"
                    )
                # The client's own time-out starts again with every byte.
                if time.monotonic() > deadline:
                    raise httpx2.ReadTimeout("the answer trickles")
            return response.status_code, response.headers, bytes(body)

    def _line_fault(self, error: httpx2.TransportError) -> Exception:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return UserError(
                f"the certificate of the vision server {self.host} is not trusted; set "
                "SSL_CERT_FILE to the file of the authority that signed it"
            )
        unreachable = UserError(
            f"the vision server {self.host} cannot be reached ({type(error).__name__}); start it, "
            "or set HOOFBEAT_VISION_BASE_URL to where it runs"
        )
        if isinstance(error, httpx2.ConnectTimeout):
            return Transient(unreachable)
        if isinstance(error, (httpx2.ConnectError, httpx2.UnsupportedProtocol)):
            return unreachable
        if isinstance(error, httpx2.TimeoutException):
            return Transient(unavailable(f"not finished within {self._options.timeout_s:g} s"))
        return Transient(unavailable(f"the connection broke, {type(error).__name__}"))

    def _bear(self, asked_wait_s: float) -> None:
        if asked_wait_s > self._options.timeout_s:
            until = datetime.now(UTC) + timedelta(seconds=min(asked_wait_s, 10.0**9))
            raise UserError(
                f"the vision server {self.host} asks to wait until {until:%Y-%m-%d %H:%M} UTC; "
                "start again then, or lower HOOFBEAT_VISION_REQUESTS_PER_MINUTE"
            )
        self._limiter.hold(asked_wait_s)


def _wait_s(state: RetryCallState) -> float:
    fault = state.outcome.exception() if state.outcome else None
    asked_s = fault.asked_wait_s if isinstance(fault, Transient) else None
    backoff_s = min(_FIRST_BACKOFF_S * 2.0 ** (state.attempt_number - 1), _LONGEST_BACKOFF_S)
    # Jitter keeps requests that failed together from coming back together.
    return (asked_s or 0.0) + random.uniform(backoff_s / 2, backoff_s)  # noqa: S311


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Transient(unavailable("its answer is not whole JSON")) from error
    if not isinstance(parsed, dict):
        raise Transient(unavailable("its answer is not a JSON object"))
    return parsed
