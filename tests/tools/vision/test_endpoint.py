from __future__ import annotations

import gc
import logging
import socket
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from time import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from tests.tools.vision.asking import look, served
from tests.tools.vision.vision_server import (
    KEY,
    MODEL,
    Scripted,
    Step,
    VisionServer,
    error,
    says,
)
from tools.errors import ToolFailure, UserError
from tools.imaging.windows import View
from tools.vision.endpoint import EndpointOptions, RateLimiter
from tools.vision.openai_api import OpenAIVision

OOM = "CUDA error while reading the history of the patient"


@pytest.mark.parametrize(
    "fault",
    [
        error(500, OOM),
        error(502, OOM),
        error(503, OOM),
        error(504, OOM),
        error(429, OOM),
        Scripted(body=b'{"choices": [{"mess'),
        Scripted(body=b"[]"),
        Scripted(body=b"[" * 100_000),
        Scripted(body=says("Nothing."), is_cut=True),
        Scripted(is_reset=True),
    ],
    ids=[
        "500", "502", "503", "504", "429", "half-json", "no-object", "deep-json", "cut", "reset"
    ],
)  # fmt: skip
def test_a_fault_that_may_pass_is_tried_again(lung_views: tuple[View, ...], fault: Step) -> None:
    with served(fault, fault, says("Nothing.")) as (server, vision):
        assert look(vision, lung_views).text == "Nothing."
    assert len(server.asked) == 3


def test_retries_are_bounded_and_the_planner_may_go_on(lung_views: tuple[View, ...]) -> None:
    waits: list[float] = []
    with (
        served(*[error(503, OOM)] * 4, waits=waits) as (server, vision),
        pytest.raises(ToolFailure, match=r"HTTP 503.*go on without it"),
    ):
        look(vision, lung_views)
    assert len(server.asked) == 4
    # Half to all of 0.5, 1 and 2 s.
    assert len(waits) == 3
    assert all(top / 2 <= wait <= top for wait, top in zip(waits, (0.5, 1, 2), strict=True))


@pytest.mark.parametrize(
    "script", [Scripted(stall_s=3), Scripted(body=says("Cyst."), trickle_s=0.1)]
)
def test_a_server_that_stalls_or_trickles_is_given_up(
    lung_views: tuple[View, ...], script: Scripted
) -> None:
    with (
        served(script, script, timeout_s=0.5, retries=1) as (server, vision),
        pytest.raises(ToolFailure, match=r"not finished within 0\.5 s"),
    ):
        look(vision, lung_views)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "value", ["3", formatdate(time() + 3.9, usegmt=True)], ids=["seconds", "http-date"]
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_the_server_asks_for_is_kept(
    lung_views: tuple[View, ...], status: int, value: str
) -> None:
    waits: list[float] = []
    asks_to_wait = error(status, OOM, Retry_After=value)
    with served(asks_to_wait, says("Nothing."), waits=waits) as (_, vision):
        assert look(vision, lung_views).text == "Nothing."
    if value == "3":
        assert 3.25 <= waits[0] <= 3.5  # the asked wait and half to all of 0.5 s
        # As nobody really slept, the rate limit, which holds back the others too, still waits.
        assert 2 < waits[1] <= 3
    else:
        assert 0 < waits[0] <= 4.5


def test_a_wait_beyond_the_time_out_ends_at_once_and_says_when(
    lung_views: tuple[View, ...],
) -> None:
    with (
        served(error(429, OOM, Retry_After="3600"), timeout_s=5) as (server, vision),
        pytest.raises(UserError, match=r"asks to wait until \d{4}-\d\d-\d\d \d\d:\d\d UTC"),
    ):
        look(vision, lung_views)
    assert len(server.asked) == 1


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_names_its_setting(lung_views: tuple[View, ...], code: int) -> None:
    with (
        served(error(code, f"{KEY} is not accepted")) as (_, vision),
        pytest.raises(UserError, match="HOOFBEAT_VISION_API_KEY") as caught,
    ):
        look(vision, lung_views)
    assert KEY not in str(caught.value)


def test_an_answer_without_end_is_not_read(
    lung_views: tuple[View, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.vision.endpoint._MOST_REPLY_BYTES", 1 << 20)
    with (
        served(Scripted(body=b" " * (1 << 20) + b"{}")) as (_, vision),
        pytest.raises(ToolFailure, match="larger than 1 MiB"),
    ):
        look(vision, lung_views)


def test_images_are_not_sent_on_to_another_address(lung_views: tuple[View, ...]) -> None:
    with VisionServer([says("Cysts.")]) as other:
        elsewhere = Scripted(status=307, headers={"Location": f"{other.base_url}/chat/completions"})
        with (
            served(elsewhere) as (_, vision),
            pytest.raises(UserError, match=r"elsewhere.*HOOFBEAT_VISION_BASE_URL"),
        ):
            look(vision, lung_views)
        assert other.asked == []


def test_a_server_that_is_not_there_names_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with (
            OpenAIVision(MODEL, EndpointOptions(base_url=url)) as vision,
            pytest.raises(UserError, match=r"cannot be reached.*HOOFBEAT_VISION_BASE_URL"),
        ):
            _ = vision.capabilities


def test_a_certificate_of_an_unknown_authority_names_the_way_to_trust_it(tmp_path: Path) -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "pem").write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    with VisionServer() as server:
        server.encrypt(tmp_path / "pem")
        options = EndpointOptions(
            base_url=server.base_url.replace("http://127.0.0.1", "https://localhost")
        )
        with (
            OpenAIVision(MODEL, options) as vision,
            pytest.raises(UserError, match=r"certificate .* SSL_CERT_FILE"),
        ):
            _ = vision.capabilities


def test_a_proxy_of_the_environment_never_sees_what_stays_on_this_machine(
    lung_views: tuple[View, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with VisionServer() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.base_url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with served(says("Nothing.")) as (_, vision):
            assert look(vision, lung_views).text == "Nothing."
        assert proxy.asked == []


def test_neither_key_nor_prompt_nor_picture_reaches_message_or_log(
    lung_views: tuple[View, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        served(error(400, f"cannot parse Is it? of {KEY}")) as (server, vision),
        pytest.raises(UserError, match="HTTP 400") as caught,
    ):
        look(vision, lung_views)
    assert KEY not in repr(EndpointOptions(api_key=SecretStr(KEY)))
    url = server.asked[0].parts[1]["image_url"]["url"]
    assert caplog.records
    for word in (KEY, "Is it?", url[30:60]):
        assert word not in caplog.text
        assert word not in str(caught.value)


@pytest.mark.parametrize("key", ["ab\ncd", "ab cd", "abé"])
def test_what_cannot_be_a_key_is_refused_without_showing_it(key: str) -> None:
    options = EndpointOptions(base_url="http://127.0.0.1:1/v1", api_key=SecretStr(key))
    with pytest.raises(UserError, match="HOOFBEAT_VISION_API_KEY") as caught:
        OpenAIVision(MODEL, options)
    assert key not in str(caught.value)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_connections_are_closed_with_the_last_reference_to_the_backend(
    lung_views: tuple[View, ...],
) -> None:
    with VisionServer([says("fine")]) as server:
        options = EndpointOptions(base_url=server.base_url, api_key=SecretStr(KEY))
        vision = OpenAIVision(MODEL, options)
        look(vision, lung_views)
        client = vision._endpoint._client
        assert not client.is_closed
        del vision
        gc.collect()
        assert client.is_closed


def test_requests_are_spaced_evenly() -> None:
    clock = Clock()
    limiter = RateLimiter(30, clock=clock, sleep=clock.sleep)
    turns = []
    for _ in range(4):
        limiter.wait()
        turns.append(clock.now)
    assert turns == [100, 102, 104, 106]
    clock.sleep(60)  # what was not used is not saved up
    limiter.wait()
    limiter.wait()
    assert clock.now == 168


def test_a_wait_that_one_was_asked_for_holds_all() -> None:
    clock = Clock()
    limiter = RateLimiter(0, clock=clock, sleep=clock.sleep)
    limiter.wait()
    limiter.hold(7)
    limiter.wait()
    assert clock.now == 107
    limiter.wait()
    assert clock.now == 107
