from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.oauth2.credentials import Credentials

from tests.tools.vision.asking import look, prompt_of
from tests.tools.vision.vision_server import (
    ENDPOINT,
    KEY,
    Asked,
    Json,
    Scripted,
    Step,
    VisionServer,
    error,
    says,
)
from tools.errors import ToolFailure, UserError
from tools.imaging.windows import View
from tools.vision.base import Capabilities, ClosedQuestion, Reply, Request, YesNo
from tools.vision.endpoint import EndpointOptions
from tools.vision.vertex import VertexVision

Views = tuple[View, ...]
STORE = "https://healthcare.googleapis.com/v1/projects/p-1/locations/l/datasets/d/dicomStores/s"
DEDICATED = "77.europe-west4-1.prediction.vertexai.goog"
OPTIONS = EndpointOptions(pixels_may_leave=True)


@contextmanager
def served(
    *script: Step, credentials: Any = None, **given: Any
) -> Iterator[tuple[VisionServer, VertexVision]]:
    """A server with that script, and the backend that asks it without waiting between tries."""
    with (
        VisionServer(script) as server,
        VertexVision(
            ENDPOINT,
            EndpointOptions(base_url=server.base_url, **given),
            credentials=credentials or Credentials(token=KEY),  # type: ignore[no-untyped-call]
            sleep=lambda _: None,
        ) as vision,
    ):
        yield server, vision


def google_error(status: int, name: str, message: str) -> Scripted:
    """An error as Google's services send it."""
    return Scripted(
        body={"error": {"code": status, "status": name, "message": message}}, status=status
    )


@pytest.mark.parametrize(
    "wrap",
    [lambda body: body, lambda body: {"predictions": body}, lambda body: {"predictions": [body]}],
    ids=["bare", "predictions", "list"],
)
def test_the_body_and_the_reply_are_as_described(lung_views: Views, wrap: Any) -> None:
    with served(wrap(says("Cysts."))) as (server, vision):
        assert look(vision, lung_views) == Reply(text="Cysts.")
    asked = server.asked[0]
    assert {k: v for k, v in asked.body.items() if k != "messages"} == {
        "@requestFormat": "chatCompletions",
        "max_tokens": 2000,
        "temperature": 0,
    }
    assert [part.get("text", part["type"]) for part in asked.parts] == [
        "Look.", "image_url", "SLICE 1", "image_url", "SLICE 2", "image_url", "SLICE 3\n\nIs it?"
    ]  # fmt: skip


def test_a_schema_is_not_part_of_the_protocol(lung_views: Views) -> None:
    with served(says("{}")) as (_, vision):  # which answers 400 to a field that it does not know
        request = Request(prompt=prompt_of(lung_views), schema={"type": "object"})
        assert vision.generate([request]) == (Reply(text="{}"),)
        assert vision.capabilities == Capabilities(
            images_per_prompt=85,
            guided_json=False,
            log_probabilities=False,
            localises=True,
            parallel=4,
        )


def test_closed_questions_are_sampled(lung_views: Views) -> None:
    question = ClosedQuestion(text="Are there cysts?", finding="cysts")
    with served(*map(says, ("Yes", "no", "Yes", "Yes", "no")), parallel=1) as (server, vision):
        got = vision.answer(prompt_of(lung_views), [question])
    assert got == (YesNo(p_yes=0.6, how="samples", samples=5),)
    assert {asked.body["temperature"] for asked in server.asked} == {1.0}


def test_a_study_in_a_dicom_store_goes_by_its_uris(lung_views: Views) -> None:
    uris = tuple(f"{STORE}/dicomWeb/studies/1/series/2/instances/{n}" for n in (2, 4, 6))
    prompt = replace(prompt_of(lung_views), dicomweb_uris=uris)
    with served(says("Cysts.")) as (server, vision):
        vision.generate([Request(prompt=prompt)])
    parts = server.asked[0].parts
    sent = [part["image_dicom"] for part in parts if part["type"] == "image_dicom"]
    assert sent == [{"dicom_uris": [uri], "access_credential": KEY} for uri in uris]
    assert not [part for part in parts if part["type"] == "image_url"]
    assert [part["text"] for part in parts if part["type"] == "text"] == [
        "Look.", "SLICE 1", "SLICE 2", "SLICE 3\n\nIs it?"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "uri",
    ["https://pacs.example.org/studies/1", "https://healthcare.googleapis.com.example.org/v1/a"],
)
def test_the_access_token_is_for_googles_dicom_stores_alone(lung_views: Views, uri: str) -> None:
    prompt = replace(prompt_of(lung_views), dicomweb_uris=(uri,) * 3)
    with served() as (server, vision), pytest.raises(UserError, match="DICOM stores only"):
        vision.generate([Request(prompt=prompt)])
    assert server.asked == []


def test_every_view_needs_its_uri(lung_views: Views) -> None:
    prompt = replace(prompt_of(lung_views), dicomweb_uris=(f"{STORE}/a",))
    with served() as (_, vision), pytest.raises(ValueError, match="got 1 for 3 views"):
        vision.generate([Request(prompt=prompt)])


def test_faults_that_may_pass_are_tried_again(lung_views: Views) -> None:
    script = (
        google_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded."),
        Scripted(body=[google_error(503, "UNAVAILABLE", "Try later.").body], status=503),  # type: ignore[arg-type]
        Scripted(body=b'{"predictions": {"choi'),
        Scripted(is_reset=True),
        says("Cysts."),
    )
    with served(*script, retries=4) as (server, vision):
        assert look(vision, lung_views).text == "Cysts."
    assert len(server.asked) == 5


@pytest.mark.parametrize(
    ("refusal", "kind", "says_what"),
    [
        (google_error(403, "PERMISSION_DENIED", "aiplatform.endpoints.predict denied"), UserError,
         "gcloud auth application-default login"),
        (google_error(404, "NOT_FOUND", "The Endpoint does not exist."), UserError,
         "HOOFBEAT_VISION"),
        (google_error(400, "FAILED_PRECONDITION", "Dedicated Endpoint cannot be accessed through "
                      "the shared Vertex AI domain"), UserError, "HOOFBEAT_VISION_BASE_URL"),
        (google_error(400, "INVALID_ARGUMENT", "The decoder prompt (length 9200) is longer than "
                      "the maximum model length of 8192."), ToolFailure, "fewer slices"),
        (error(429, "Quota", Retry_After="7200"), UserError, "asks to wait until"),
        (says("I", finish="content_filter"), ToolFailure, "content filter"),
    ],
)  # fmt: skip
def test_what_a_refusal_means(
    lung_views: Views, refusal: Step, kind: type[Exception], says_what: str
) -> None:
    with served(refusal) as (server, vision), pytest.raises(kind, match=says_what):
        look(vision, lung_views)
    assert len(server.asked) == 1


def test_a_stall_is_given_up(lung_views: Views) -> None:
    with (
        served(Scripted(stall_s=3), timeout_s=0.3, retries=0) as (_, vision),
        pytest.raises(ToolFailure, match=r"not finished within 0\.3 s"),
    ):
        look(vision, lung_views)


class _TokenServer(HTTPServer):
    status: int = 200
    renewed: int = 0


class _Tokens(BaseHTTPRequestHandler):
    """Google's token endpoint: gives KEY for a refresh token."""

    server: _TokenServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.renewed += 1
        good = {"access_token": KEY, "expires_in": 3600, "token_type": "Bearer"}
        body = json.dumps(good if self.server.status == 200 else {"error": "invalid_grant"})
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def token_server() -> Iterator[_TokenServer]:
    """A token endpoint on this machine."""
    with _TokenServer(("127.0.0.1", 0), _Tokens) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def expired(server: _TokenServer) -> Credentials:
    """Credentials of a person whose access token ran out an hour ago."""
    past = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    return Credentials(  # type: ignore[no-untyped-call]
        token="old",
        refresh_token="refresh",
        token_uri=f"http://127.0.0.1:{server.server_address[1]}/token",
        client_id="c",
        client_secret="s",
        expiry=past,
    )


def test_an_access_token_that_ran_out_is_renewed_once(
    lung_views: Views, token_server: _TokenServer
) -> None:
    def cysts(asked: Asked) -> Json:
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        return says("Cysts.")

    requests = [Request(prompt=prompt_of(lung_views))] * 4
    with served(*[cysts] * 4, credentials=expired(token_server)) as (_, vision):
        assert vision.generate(requests) == (Reply(text="Cysts."),) * 4
    assert token_server.renewed == 1


def test_a_login_that_ran_out_says_how_to_log_in(
    lung_views: Views, token_server: _TokenServer
) -> None:
    token_server.status = 400
    with (
        served(credentials=expired(token_server)) as (server, vision),
        pytest.raises(UserError, match="gcloud auth application-default login"),
    ):
        look(vision, lung_views)
    assert server.asked == []


def test_without_credentials_the_login_is_named(
    lung_views: Views, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with (
        VisionServer() as server,
        VertexVision(ENDPOINT, EndpointOptions(base_url=server.base_url)) as vision,
        pytest.raises(UserError, match="gcloud auth application-default login") as caught,
    ):
        look(vision, lung_views)
    assert "none.json" not in str(caught.value)


def test_neither_token_nor_prompt_reaches_message_or_log(
    lung_views: Views, token_server: _TokenServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        served(error(400, f"Is it? {KEY}"), credentials=expired(token_server)) as (_, vision),
        pytest.raises(UserError, match="HTTP 400") as caught,
    ):
        look(vision, lung_views)
    assert caplog.records
    for word in (KEY, "Is it?"):
        assert word not in caplog.text
        assert word not in str(caught.value)


def test_the_regional_address_is_the_default_and_the_dedicated_one_stands_as_given() -> None:
    assert VertexVision(ENDPOINT, OPTIONS).identity == f"vertex {ENDPOINT} (revision unknown)"
    with pytest.raises(UserError, match=r"europe-west4-aiplatform\.googleapis\.com .* may not"):
        VertexVision(ENDPOINT, EndpointOptions())
    with pytest.raises(UserError, match=r"77\.europe-west4-1\.prediction\.vertexai\.goog .* may"):
        VertexVision(ENDPOINT, EndpointOptions(base_url=DEDICATED))


@pytest.mark.parametrize("endpoint", ["", "77", "projects/p/endpoints/7", f"{ENDPOINT}/x", "../a"])
def test_what_names_no_endpoint_says_how_to_name_one(endpoint: str) -> None:
    with pytest.raises(UserError, match="HOOFBEAT_VISION to vertex:projects/"):
        VertexVision(endpoint, OPTIONS)
